"""Processes of tests: what those that a test starts inherit."""

import subprocess
import sys

from tests.support.process import ROOT

IN_THE_BACKGROUND = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import tests.conftest
shown = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
subprocess.run([sys.executable, "-c", shown], check=True)
"""


def test_tests_run_in_the_background_then_programs_heed_ctrl_c() -> None:
    shown = subprocess.run([sys.executable, "-c", IN_THE_BACKGROUND], cwd=ROOT, capture_output=True, text=True)
    assert (shown.stdout, shown.stderr) == ("False\n", "")
