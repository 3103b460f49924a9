"""The drill of docs/operations/backup.md on SQLite: a backup under load, kill -9, a restore: only the copy's rows."""

import asyncio
import http.client
import itertools
import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from handcart.core.db import Tx, connect
from handcart.core.secret import Keys
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.races.rounds import Report
from tests.support import process
from tests.support.server import SECRET_KEY, make_data

pytestmark = pytest.mark.serial

CLIENTS = 4
USERS_BEFORE, USERS_AFTER = 100, 100


@dataclass
class Load:
    """Clients that create users until the server ends; `acknowledged` in the order of the responses."""

    url: str
    credentials: dict[str, str]
    acknowledged: list[str] = field(default_factory=list)
    broken: int = 0

    def __post_init__(self) -> None:
        self._enough = threading.Condition()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        """Wait until `count` more users are acknowledged."""
        with self._enough:
            wanted = len(self.acknowledged) + count
            assert self._enough.wait_for(lambda: len(self.acknowledged) >= wanted or self.broken, 120)
            assert not self.broken

    def begin(self) -> int:
        """Take a user's number: every user with a higher one is created after this."""
        return next(self._numbers)

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            token = ask(connection, "/v2/oauth/token", {**self.credentials, "grant_type": "client_credentials"})
            while True:
                user_id = f"customer-{self.begin()}"
                body = {"user_id": user_id, "first_name": "Sample"}
                ask(connection, "/v2/fulfillment/users", body, f"Bearer {token['access_token']}")
                with self._enough:
                    self.acknowledged.append(user_id)
                    self._enough.notify_all()
        except (OSError, http.client.HTTPException):
            with self._enough:
                self.broken += 1
                self._enough.notify_all()
        finally:
            connection.close()


def ask(connection: http.client.HTTPConnection, path: str, body: dict[str, str], bearer: str = "") -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": bearer} if bearer else {})}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


def make_client(data: Path) -> dict[str, str]:
    async def make(tx: Tx) -> dict[str, str]:
        await retailers.create_retailer(tx, slug="shop", name="Sample Market")
        made = await clients.create(tx, retailer="shop", scopes=["connect:fulfillment"])
        return {"client_id": made.client_id, "client_secret": made.client_secret}

    async def run() -> dict[str, str]:
        database = await connect.connect(f"sqlite:///{data}/handcart.db", Keys(SECRET_KEY.encode()), 1)
        try:
            return await database.write(make)
        finally:
            await database.close()

    return asyncio.run(run())


def rows(file: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with closing(sqlite3.connect(file)) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, opened.execute(f'SELECT * FROM "{name}"'))) for name in names}


def users(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as opened:
        return {user_id for (user_id,) in opened.execute("SELECT user_id FROM users")}


def handcart(data: Path, *arguments: str) -> tuple[int, str]:
    ended = process.run(*arguments, "--data", str(data))
    return ended.returncode, ended.stdout + ended.stderr


def test_killed_under_load_then_restored_to_exactly_the_rows_of_the_copy(tmp_path: Path, report: Report) -> None:
    data, database, copy = tmp_path / "data", tmp_path / "data" / "handcart.db", tmp_path / "copy.db"
    make_data(data)
    credentials = make_client(data)
    server = process.start_server(f"sqlite:///{database}", data, "--workers", "2")
    try:
        server.wait_until_ready()
        load = Load(server.url, credentials)
        load.wait_for(USERS_BEFORE)
        before = set(load.acknowledged)
        assert handcart(data, "backup", str(copy))[0] == 0
        number = load.begin()
        load.wait_for(USERS_AFTER)
        status, said = handcart(data, "restore", str(copy))
        assert (status, "is in use: stop `handcart serve`" in said) == (1, True), said
    finally:
        process.kill_group(server.process)
    load.end()
    after = {user_id for user_id in load.acknowledged if int(user_id.rpartition("-")[2]) > number}
    assert (data / "handcart.db-wal").stat().st_size, "nothing was left in the side file"

    status, said = handcart(data, "restore", str(copy))
    assert status == 0, said
    there, copied = rows(database), rows(copy)
    (restored,) = set(there["audit_log"]) - set(copied["audit_log"])
    assert "'handcart restore'" in restored  # the restore's own row, besides those of the copy
    there["audit_log"].remove(restored)
    assert there == copied
    assert before <= users(database)
    assert not after & users(database)
    (kept,) = data.glob("handcart.db.replaced-*Z")
    assert set(load.acknowledged) <= users(kept)
    assert process.run("check", "--database", f"sqlite:///{database}", "--data").returncode == 0
    with process.server(f"sqlite:///{database}", data) as again:
        connection = http.client.HTTPConnection(urlsplit(again.url).netloc, timeout=60)
        ask(connection, "/v2/oauth/token", {**credentials, "grant_type": "client_credentials"})
        connection.close()
    report(f"{len(load.acknowledged)} users acknowledged, {len(before)} before the backup, {len(after)} after it;")
    report(f"restored: {len(users(database))} users, 0 missing, 0 too many")
