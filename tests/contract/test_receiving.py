"""The guide to receiving callbacks, run as a reader would: its shop, served by ASGI and by WSGI, is told an event."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.contract.test_readme import BETWEEN, ROOT, blocks

GUIDE = ROOT / "docs" / "callbacks-receiving.md"


def test_when_the_lines_of_the_guide_are_run_then_the_shop_hears_each_event_once(tmp_path: Path) -> None:
    lines = "".join(f"{code}printf '{BETWEEN}'\n" for code, _ in blocks(GUIDE))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail\n{lines}"],
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "PATH": path, "PORT": port},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the shop ends with it, wherever it stops
    )
    try:
        output, errors = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, f"{output}\n{errors}"
    printed, guide = output.split(BETWEEN), GUIDE.read_text()
    assert [json.loads(printed[1])] == [json.loads(shown) for _, shown in blocks(GUIDE) if shown]
    assert "".join(f"    {line}\n" for line in printed[2].splitlines()) in guide
    assert printed[3].split() == ["200", "200", "1"]
