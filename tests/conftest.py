"""Fixtures for tests of the whole server: each runs on both databases."""

import gc
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from handcart.core import clock, ids
from handcart.core.db import sqlite
from handcart.sign_in import passwords
from tests.support import postgres
from tests.support.clocks import microseconds
from tests.support.extent import DATABASES, IS_FAST, LEFT_OUT_OF_FAST
from tests.support.process import heed_interrupts
from tests.support.server import LiveServer, live_server, migrated_database
from tests.support.shop import QUICK_HASHER, Shop

heed_interrupts()
collect_ignore = LEFT_OUT_OF_FAST if IS_FAST else ()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let the garbage collector look at none of the objects of the tests: they are many, and stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For `make test-fast`, leave out tests that need PostgreSQL."""
    if not IS_FAST:
        return
    needs: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        chosen = item.callspec.params.get("server") if hasattr(item, "callspec") else None
        needs[chosen == "postgresql" or "postgres_cluster" in getattr(item, "fixturenames", ())].append(item)
    config.hook.pytest_deselected(items=needs[True])
    items[:] = needs[False]


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    with postgres.cluster() as dsn:
        yield dsn


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of a process, on each database in turn."""
    data = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        database = f"sqlite:///{data}/handcart.db"
    else:
        database = migrated_database(request.getfixturevalue("postgres_cluster"))
    with live_server(database, data) as running:
        yield running


_OUR_HASHES = {name: getattr(passwords, name) for name in ("_hasher", "_nobody")}


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hash passwords with minimal cost, except in tests of the cost."""
    with pytest.MonkeyPatch.context() as patch:
        nobodys = QUICK_HASHER.hash("no account has this password")
        patch.setattr(passwords, "_hasher", lambda: QUICK_HASHER)
        patch.setattr(passwords, "_nobody", lambda: nobodys)
        yield


@pytest.fixture
def our_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with the production cost."""
    for name, ours in _OUR_HASHES.items():
        monkeypatch.setattr(passwords, name, ours)


_our_connection = sqlite.connect_file


def _quick_connection(path: str) -> sqlite3.Connection:
    connection = _our_connection(path)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


@pytest.fixture(scope="session", autouse=True)
def _quick_commits() -> Iterator[None]:
    """Let no commit of the test process wait for the disk. The processes that tests start wait as in production."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "connect_file", _quick_connection)
        yield


@pytest.fixture
def our_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the disk as in production."""
    monkeypatch.setattr(sqlite, "connect_file", _our_connection)


@pytest.fixture(autouse=True)
def _connections(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close a test's connections at its end; connections shared by a file stay open for the file."""
    if "server" not in request.fixturenames:
        yield
        return
    with request.getfixturevalue("server").clients():
        yield


@pytest.fixture
def shop(server: LiveServer) -> Shop:
    """A new retailer for this test."""
    return Shop(server)


@pytest.fixture
def _ids() -> Iterator[None]:
    """After a test that sets the clock, reset ids to the real time: they always rise, and some data expire by id.

    Otherwise ids would continue from one far in the future, one after the other, and two processes would make the same.
    """
    yield
    ids._last = 0


@pytest.fixture
def later(_ids: None) -> Iterator[Any]:
    """`with later(hours=2):` moves the server's clock forward; the units are those of `timedelta`."""

    @contextmanager
    def move(**forward: float) -> Iterator[None]:
        clock.shift(microseconds(**forward))
        try:
            yield
        finally:
            clock.shift(0)

    yield move
    clock.shift(0)


_days = itertools.count(1)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, _ids: None) -> Callable[..., None]:
    """Freeze the clock at the start of a day that no other test uses; `stopped(seconds=61)` advances it.

    So a limit's window does not end while the test fills it, even on a slow machine.
    """
    moment = [(clock.of_process() // clock.DAY + next(_days)) * clock.DAY]
    monkeypatch.setattr(clock, "of_process", lambda: moment[0])

    def move(**forward: float) -> None:
        moment[0] += microseconds(**forward)

    return move
