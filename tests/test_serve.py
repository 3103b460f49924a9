"""The options that `handcart serve` passes to the HTTP server; tests/cli/test_processes.py runs it as a process."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from handcart import serve
from handcart.core import settings
from handcart.core.db.connect import connect
from handcart.core.settings import Settings
from handcart.staff import access
from tests.support.server import make_data, make_database


def test_connections_idle_then_kept_longer_than_usual_proxies_keep_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(serve, "_run", lambda config, sockets: told.update(vars(config)))
    monkeypatch.setattr(serve.log, "take_libraries", lambda: None)
    make_data(tmp_path)
    for seconds, more in ((75, {}), (620, {"keep_alive_seconds": 620})):
        chosen = Settings(environment="sandbox", data=str(tmp_path), public_url="http://127.0.0.1", **more)
        with socket.create_server(("127.0.0.1", 0)) as bound:
            serve.serve(chosen, settings.keys(chosen), bound)
        assert told["timeout_keep_alive"] == seconds


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`start("production")` starts a server on an empty database, up to its HTTP server; returns what it printed."""
    monkeypatch.setattr(serve, "_run", lambda config, sockets: None)
    monkeypatch.setattr(serve.log, "take_libraries", lambda: None)
    make_data(tmp_path)
    key = settings.new_key()
    (tmp_path / "secret.key").write_text(key)
    (tmp_path / "handcart.db").unlink()
    make_database(f"sqlite:///{tmp_path}/handcart.db", settings.read_keys(key))

    def run(environment: str) -> str:
        chosen = Settings(
            environment=environment,
            data=str(tmp_path),
            public_url="https://connect.example",
            trusted_proxies="none",
        )
        with socket.create_server(("127.0.0.1", 0)) as bound:
            serve.serve(chosen, settings.keys(chosen), bound)
        return capsys.readouterr().err

    return run


LINK = re.compile(r"http://127\.0\.0\.1:8090/console/first-admin/([\w-]{43})")


def test_no_admin_in_production_then_each_start_prints_a_new_link(start: Any, tmp_path: Path) -> None:
    first, second = (LINK.findall(start("production")) for _ in range(2))
    assert len(first) == len(second) == 1
    assert first != second
    chosen = Settings(data=str(tmp_path))

    async def become(token: str) -> Any:
        database = await connect(chosen.database_url, settings.keys(chosen))
        try:
            given = ("ada@example.com", "Ada", "a hash", "", "")
            return await database.write(access.become_first_admin, token, *given)
        finally:
            await database.close()

    assert asyncio.run(become(first[0])) is None
    assert asyncio.run(become(second[0])) is not None
    assert LINK.findall(start("production")) == []


def test_no_admin_and_a_terminal_then_a_sentence_with_the_link(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_has_terminal", lambda: True)
    printed = start("production")
    assert "Open this link in a browser to become the first one" in printed
    assert len(set(LINK.findall(printed))) == 1
    assert len(LINK.findall(printed)) == 2


def test_no_admin_in_a_sandbox_then_no_link(start: Any) -> None:
    assert LINK.findall(start("sandbox")) == []
