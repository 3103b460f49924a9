"""The shell lines of README and guide, run as a reader would: in one bash, beside a fresh demo.

Between `<!-- journey -->` and `<!-- /journey -->`, each `sh` block is run in its turn; a `json` block after it shows
what it prints: the same keys with values of the same types.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import make_data

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
# Each page, and what its last line prints.
PAGES = {
    ROOT / "README.md": '"instacartplus_member":true',
    GUIDE / "link-an-account.md": '"instacartplus_member":true',
    GUIDE / "take-an-order.md": "customer_driven",
    ROOT / "docs" / "sandbox.md": "completed",
}
START_SECONDS = 60
BETWEEN = "\x1e"  # what bash prints after each block


def blocks(page: Path) -> list[tuple[str, str]]:
    """The `sh` blocks of the page's journeys, each with the `json` block that follows it, or nothing."""
    journeys = re.findall(r"<!-- journey -->(.*?)<!-- /journey -->", page.read_text(encoding="utf-8"), re.DOTALL)
    return [
        (block[1], block[2] or "")
        for journey in journeys
        for block in re.finditer(r"^```sh\n(.*?)^```\n(?:\s*^```json\n(.*?)^```)?", journey, re.DOTALL | re.MULTILINE)
    ]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Path]:
    """A directory with the demo.json of a demo that runs."""
    info = tmp_path / "demo.json"
    make_data(tmp_path / "data")
    command = [Path(sys.executable).with_name("handcart"), "demo", "--port", "0", "--storefront-port", "0"]
    with (tmp_path / "demo.log").open("w") as log:
        process = subprocess.Popen([*command, "--data", tmp_path / "data", "--info", info], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not info.exists():
            assert process.poll() is None, (tmp_path / "demo.log").read_text()
            assert time.monotonic() < deadline, "the demo did not start"
            time.sleep(0.05)
        yield tmp_path
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)


def shape(value: Any) -> Any:
    """Keys and types."""
    return {name: shape(item) for name, item in value.items()} if isinstance(value, dict) else type(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_when_the_lines_of_a_page_are_run_then_they_do_what_the_page_says(page: Path, demo: Path) -> None:
    for program in ("bash", "curl", "python3"):
        assert shutil.which(program), f"the journey needs {program}: install it"
    assert blocks(page), f"{page.name} has lost its journey"
    lines = "".join(f"{code}printf '{BETWEEN}'\n" for code, _ in blocks(page))
    run = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{lines}"],
        cwd=demo,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    printed = run.stdout.split(BETWEEN)
    assert run.returncode == 0, f"{blocks(page)[len(printed) - 1][0]}\nprinted {printed[-1]}\n{run.stderr}"
    for (code, expected), output in zip(blocks(page), printed, strict=False):
        if expected:
            assert shape(json.loads(output)) == shape(json.loads(expected)), code
    assert PAGES[page] in printed[-2]
