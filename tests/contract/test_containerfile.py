"""The behavior of the container image, as far as it can be tested without building it."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.server import LiveServer, on_sqlite

CONTAINERFILE = Path(__file__).resolve().parents[2] / "Containerfile"

pytestmark = on_sqlite  # one database is enough to be ready


def test_health_check_behind_a_proxy_then_the_server_itself_is_asked(server: LiveServer) -> None:
    found = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", CONTAINERFILE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    _, *arguments = json.loads(found[1])

    def check(port: str) -> int:
        command = [sys.executable, *(argument.replace("8080", port) for argument in arguments)]
        environment = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
        return subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, timeout=60).returncode

    assert check(server.url.rpartition(":")[2]) == 0
    assert check("9") != 0
