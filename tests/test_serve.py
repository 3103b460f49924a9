"""The options that `handcart serve` passes to the HTTP server; tests/cli/test_processes.py runs it as a process."""

import socket
from pathlib import Path
from typing import Any

import pytest

from handcart import serve
from handcart.core import settings
from handcart.core.settings import Settings
from tests.support.server import make_data


def test_connections_idle_then_kept_longer_than_usual_proxies_keep_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(serve.uvicorn, "run", lambda app, **options: told.update(options))
    monkeypatch.setattr(serve.log, "take_libraries", lambda: None)
    make_data(tmp_path)
    for seconds, more in ((75, {}), (620, {"keep_alive_seconds": 620})):
        chosen = Settings(environment="sandbox", data=str(tmp_path), public_url="http://127.0.0.1", **more)
        with socket.create_server(("127.0.0.1", 0)) as bound:
            serve.serve(chosen, settings.keys(chosen), bound)
        assert told["timeout_keep_alive"] == seconds
