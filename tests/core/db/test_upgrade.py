"""A database of release 0.2 with data in it is upgraded: all checks pass, and clients read what they wrote.

`release_0_2.sql` has the rows of a demo of that release: orders of all kinds, served, changed and canceled ones, a
hold, a link, callbacks; of its stores and its catalog only a part. Its postal codes are those of the migration.
"""

import asyncio
import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command

from handcart import migrations
from handcart.core.db import Unavailable
from handcart.core.db.connect import is_postgres, sqlite_path
from handcart.core.db.migrate import migrate
from handcart.core.secret import Keys
from handcart.upkeep import integrity
from tests.support import postgres
from tests.support.extent import DATABASES
from tests.support.server import live_server

SCHEMA = "0020"
# Of its migrations. They must stay as they were released: else nobody knows which schema an installation has.
DIGEST = "59248335ff971730714340c624b489c206b75765b1d995ada71705bc68c94a8d"
ROWS = Path(__file__).with_name("release_0_2.sql")
SECRET_KEY = "LmODkAfQAnkfRcnkf4GcnSSpDaJBwW2LUji3Zj4LF-E"
CLIENT = ("caRUEH1CW7EQjs24FRLcI1JjPcsKIxz0SKjyUIoRbko", "NklX0aUoxJXuXwgvNFF_CjhSoWGdhy5k7xmPDK6ok0s")
# What release 0.2 answered to the client that created the order.
ORDER = {
    "id": "ORD-1",
    "status": "brand_new",
    "created_at": "2026-12-01T05:13:43Z",
    "is_express": False,
    "is_instacartplus": False,
    "fulfillment_details": {
        "window_starts_at": "2026-12-01T07:00:00Z",
        "window_ends_at": "2026-12-01T09:00:00Z",
        "store_location": "SM-0078",
    },
    "locale": "en_US",
    "items": [
        {
            "line_num": "1",
            "qty": 2,
            "qty_unit": "each",
            "item": {
                "upc": "400000000015",
                "rrc": "SM-000001",
                "requested_upc": "400000000015",
                "requested_rrc": "SM-000001",
                "delivered_upc": "",
                "delivered_rrc": "",
            },
            "replacement_policy": "shoppers_choice",
            "replaced": False,
        }
    ],
}
# An order that the robot shopper completed, and one that its customer canceled.
STATUSES = {"ORD-118277626889540": "completed", "ORD-118277728658022": "canceled"}


@pytest.fixture(params=DATABASES)
def released(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database of release 0.2, with its rows."""
    url = f"sqlite:///{tmp_path}/handcart.db"
    if request.param == "postgresql":
        url = postgres.create_database(request.getfixturevalue("postgres_cluster"))
    upgrade = command.upgrade
    with monkeypatch.context() as earlier:
        earlier.setattr(command, "upgrade", lambda config, _: upgrade(config, SCHEMA))
        with pytest.raises(Unavailable, match=f"schema {SCHEMA}"):
            migrate(url, Keys(SECRET_KEY.encode()))
    load(url, "DELETE FROM installation; " + ROWS.read_text())
    return url


def load(url: str, script: str) -> None:
    """Run the statements of a script in one transaction."""
    if not is_postgres(url):
        with closing(sqlite3.connect(sqlite_path(url))) as connection:
            connection.executescript(f"PRAGMA foreign_keys = ON; BEGIN; {script} COMMIT")
        return

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(re.sub(r"X'([0-9a-f]*)'", r"'\\x\1'", script))
        finally:
            await connection.close()

    asyncio.run(run())


def test_release_with_data_upgraded_then_all_checks_pass_and_data_is_read(released: str, tmp_path: Path) -> None:
    migrate(released, Keys(SECRET_KEY.encode()))
    report = asyncio.run(integrity.check(released))
    assert report.faults == []
    assert (report.counts["orders"], report.counts["batches"], report.counts["users"]) == (15, 11, 14)
    with live_server(released, tmp_path, secret_key=SECRET_KEY) as server, server.http() as http:
        assert read(http, f"users/customer-1/orders/{ORDER['id']}").items() >= ORDER.items()
        users = {row["order_id"]: row["user_id"] for row in server.sql("SELECT order_id, user_id FROM orders")}
        found = {order: read(http, f"users/{users[order]}/orders/{order}")["status"] for order in STATUSES}
    assert found == STATUSES


def read(http: Any, path: str) -> dict[str, Any]:
    """The answer to the client of release 0.2, which gets a token with the secret that it has."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    token = http.post("/v2/oauth/token", json={**form, "scope": "connect:fulfillment"}).raise_for_status().json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    found: dict[str, Any] = http.get(f"/v2/fulfillment/{path}", headers=bearer).raise_for_status().json()
    return found


def test_migrations_of_a_release_then_they_are_unchanged() -> None:
    content = hashlib.sha256()
    for path in sorted(Path(migrations.__file__).parent.glob("versions/[0-9]*.py")):
        if path.name[:4] <= SCHEMA:
            content.update(path.read_bytes())
    assert content.hexdigest() == DIGEST
