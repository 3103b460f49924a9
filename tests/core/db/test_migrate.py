"""The schema on both databases, created or already present, and bound to one key."""

import asyncio
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from handcart import migrations
from handcart.core.db import Tx, Unavailable, connect, installation
from handcart.core.db import migrate as migrate_module
from handcart.core.db.migrate import WrongKey, check_schema, migrate
from handcart.core.db.sqlite import connect_file
from handcart.core.secret import Keys
from handcart.core.settings import Settings, SettingsError
from handcart.orders import customer_words, storage
from handcart.orders.models import HistoryStep, Order, OrderDetails
from handcart.stores import items
from tests.support import postgres
from tests.support.extent import DATABASES
from tests.support.server import SECRET_KEY, make_database, migrated_database

KEYS = Keys(SECRET_KEY.encode())
OTHER = Keys(b"a secret key of another installation, alone")
_ORDER = Order(
    order_id="one",
    number=9,
    isolation_id=1,
    user_id="u",
    kind="delivery",
    status="brand_new",
    created_at=0,
    store_number=1,
    window_starts_at=0,
    window_ends_at=1,
    window_type="scheduled",
    place=None,
    details=OrderDetails(phone_number="+13125550143"),
)
MIGRATE = """
import sys
from handcart.core.db.migrate import migrate
from handcart.core.secret import Keys
migrate(sys.argv[1], Keys(b"a secret key for tests, and for tests alone"))
"""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    return postgres.create_database(request.getfixturevalue("postgres_cluster"))


@pytest.fixture(params=DATABASES)
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A copy of a database as `migrate` leaves it with `KEYS`."""
    if request.param == "sqlite":
        make_database(f"sqlite:///{tmp_path}/shop.db", KEYS)
        return f"sqlite:///{tmp_path}/shop.db"
    return migrated_database(request.getfixturevalue("postgres_cluster"))


def on(url: str, op: Any, *args: Any, keys: Keys = KEYS) -> Any:
    async def run() -> Any:
        database = await connect.connect(url, keys, 1)
        try:
            return await database.write(op, *args)
        finally:
            await database.close()

    return asyncio.run(run())


async def sqlite_columns(tx: Tx) -> set[tuple[str, str, bool, bool]]:
    tables = await tx.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return {
        (table["name"], column["name"], bool(column["notnull"]), bool(column["pk"]))
        for table in tables
        for column in await tx.all(f"SELECT * FROM pragma_table_info('{table['name']}')")
    }


async def postgres_columns(tx: Tx) -> set[tuple[str, str, bool, bool]]:
    rows = await tx.all(
        "SELECT c.table_name, c.column_name, c.is_nullable = 'NO' AS is_required, k.column_name IS NOT NULL AS is_key"
        " FROM information_schema.columns c LEFT JOIN information_schema.table_constraints t"
        " ON t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'"
        " LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = t.constraint_name"
        " AND k.column_name = c.column_name WHERE c.table_schema = 'public'"
    )
    return {tuple(row) for row in rows}


async def index_names(tx: Tx) -> set[str]:
    names = {row["name"] for row in await tx.all("SELECT name FROM sqlite_master WHERE type = 'index'")}
    return {name for name in names if not name.startswith("sqlite_")}


async def postgres_index_names(tx: Tx) -> set[str]:
    return {row["indexname"] for row in await tx.all("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}


def test_both_databases_then_the_same_tables_columns_keys_and_indexes(tmp_path: Path, postgres_cluster: str) -> None:
    urls = [f"sqlite:///{tmp_path}/shop.db", postgres.create_database(postgres_cluster)]
    for url in urls:
        migrate(url, KEYS)
    columns, expected = on(urls[0], sqlite_columns), on(urls[1], postgres_columns)
    assert columns == expected
    assert len({table for table, *_ in columns}) > 15
    assert on(urls[0], index_names) <= on(urls[1], postgres_index_names)


def test_empty_then_usable_and_again_then_unchanged(url: str) -> None:
    migrate(url, KEYS)
    on(url, check_schema)
    on(url, installation.remember_urls, Settings(public_url="https://connect.example.org"))
    migrate(url, KEYS)
    on(url, check_schema)
    assert on(url, installation.public_url) == "https://connect.example.org"


def migrate_to(url: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrate an empty database to the schema of an earlier release."""
    upgrade = command.upgrade
    with monkeypatch.context() as earlier:
        earlier.setattr(command, "upgrade", lambda config, _: upgrade(config, version))
        with pytest.raises(Unavailable, match=f"schema {version}"):
            migrate(url, KEYS)


def test_catalog_is_there_then_its_items_are_found_as_those_saved_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to(url, "0018", monkeypatch)
    names = ("Crème brûlée, 100 g", "Milk_with a very long name that has " + "x" * 50, "-")
    for row in (
        "organizations (id, slug, created_at) VALUES (7, 'one', 0)",
        "retailers (id, organization_id, isolation_id, slug, name, allows_user_deletion, created_at)"
        " VALUES (1, 7, 1, 'one', 'One', true, 0)",
        *(
            "items (retailer_id, rrc, upc, name, cost_unit, restricted_reasons, is_ebt_eligible, is_bulky,"
            f" beverage_weight, price_cents) VALUES (1, 'r{number}', '0040000000001{number}', '{name}', 'each', '',"
            " true, false, 0, 1)"
            for number, name in enumerate(names)
        ),
    ):
        on(url, run, f"INSERT INTO {row}")
    migrate(url, KEYS)
    words = "SELECT rrc, word FROM item_words ORDER BY rrc, word"
    migrated = [tuple(row) for row in on(url, every, words)]
    assert ("r0", "brulee") in migrated
    on(url, _save_again)
    assert [tuple(row) for row in on(url, every, words)] == migrated


def test_orders_are_there_then_their_customers_are_found_as_of_new_orders(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to(url, "0039", monkeypatch)
    on(url, run, "INSERT INTO organizations (id, slug, created_at) VALUES (7, 'one', 0)")
    on(
        url,
        run,
        "INSERT INTO retailers (id, organization_id, isolation_id, slug, name, allows_user_deletion, created_at)"
        " VALUES (1, 7, 1, 'one', 'One', true, 0)",
    )
    on(
        url,
        run,
        "INSERT INTO users (isolation_id, user_id, first_name, last_name, phone_number, created_at)"
        " VALUES (1, 'u', 'Zoë', 'O''Neill', '+13125550142', 0)",
    )
    on(url, _order_of_before)
    migrate(url, KEYS)
    words = "SELECT word FROM order_words ORDER BY word"
    migrated = [row["word"] for row in on(url, every, words)]
    assert migrated == ["<24105552131", "<34105552131", "neill", "o", "zoe"]
    on(url, _index_again)
    assert [row["word"] for row in on(url, every, words)] == migrated


async def _order_of_before(tx: Tx) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(customer_words, "add", _nothing)
        assert await storage.insert(tx, 1, _ORDER, HistoryStep("brand_new", "created", []))


async def _nothing(*_: Any) -> None:
    """Orders had no words before."""


async def _index_again(tx: Tx) -> None:
    await customer_words.replace(tx, 1, _ORDER)


async def _save_again(tx: Tx) -> None:
    await items.save(tx, 1, await items.every(tx, 1))


def test_accounts_made_by_a_sandbox_then_they_belong_to_its_organization(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to(url, "0012", monkeypatch)
    for row in (
        "organizations (id, slug, created_at) VALUES (7, 'one', 0)",
        "accounts (id, email, password_hash, created_at) VALUES (1, 'a@a.example', '', 0), (2, 'b@a.example', '', 0)",
        "sandbox_users (organization_id, account_id) VALUES (7, 2)",
        "memberships (account_id, starts_at, ends_at) VALUES (1, 0, 1), (2, 0, 1)",
    ):
        on(url, run, f"INSERT INTO {row}")
    migrate(url, KEYS)
    made = on(url, every, "SELECT id, email, organization_id FROM accounts ORDER BY id")
    assert [tuple(row) for row in made] == [(1, "a@a.example", None), (2, "b@a.example", 7)]
    assert len(on(url, every, "SELECT * FROM memberships")) == 2
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        on(url, run, "INSERT INTO memberships (account_id, starts_at, ends_at) VALUES (3, 0, 1)")


def test_sessions_and_shoppers_of_0_2_then_customers_and_shadows(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate_to(url, "0013", monkeypatch)
    cookies = {name: KEYS.hash(name) for name in ("one", "two")}

    async def begin(tx: Tx) -> None:
        for row in (
            "organizations (id, slug, created_at) VALUES (7, 'one', 0)",
            "accounts (id, email, password_hash, created_at) VALUES (1, 'a@a.example', '', 0)",
            "retailers (id, organization_id, isolation_id, slug, name, allows_user_deletion, is_lenient, created_at,"
            " serves_everywhere, rules) VALUES (8, 7, 8, 'one', 'One', TRUE, FALSE, 0, FALSE, '{}')",
            "shoppers (retailer_id, id, phone, created_at) VALUES (8, 5, '18005550142', 0)",
            "batches (retailer_id, id, type, workflow_state, shopper_id, created_at) VALUES"
            " (8, 6, 'delivery', 'picking', 5, 0)",
        ):
            await tx.run(f"INSERT INTO {row}")
        for number, cookie in enumerate(cookies.values()):
            await tx.run(
                "INSERT INTO sessions (session_hash, account_id, created_at, seen_at) VALUES ($1, 1, $2, $2)",
                cookie,
                number,
            )

    on(url, begin)
    migrate(url, KEYS)
    sessions = on(url, every, "SELECT session_hash, id, audience, person_id FROM sessions ORDER BY created_at")
    assert [tuple(row) for row in sessions] == [
        (cookies["one"], 1, "customer", 1),
        (cookies["two"], 2, "customer", 1),
    ]
    shadows = on(url, every, "SELECT retailer_id, id, phone, person_id FROM retailer_shoppers")
    assert [tuple(row) for row in shadows] == [(8, 5, "18005550142", None)]
    assert on(url, every, "SELECT * FROM shoppers") == []
    for row in on(url, every, "SELECT shopper_id, accepted_at FROM batches"):
        assert tuple(row) == (5, None)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        on(
            url,
            run,
            "INSERT INTO batches (retailer_id, id, type, workflow_state, shopper_id, created_at)"
            " VALUES (8, 9, 'delivery', 'picking', 99, 0)",
        )


async def run(tx: Tx, sql: str) -> None:
    await tx.run(sql)


async def every(tx: Tx, sql: str) -> Any:
    return await tx.all(sql)


def test_schema_version_then_the_newest_file() -> None:
    files = sorted(Path(migrations.__file__).parent.glob("versions/*.py"))
    numbers = [re.match(r"(\d{4})_", file.name) for file in files]
    assert all(numbers)
    for file, number in zip(files, numbers, strict=True):
        assert number
        assert f'revision = "{number[1]}"' in file.read_text()
    newest = numbers[-1]
    assert newest
    assert newest[1] == migrations.SCHEMA_VERSION


def test_two_operators_at_once_then_both_succeed(url: str) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [one.communicate()[1] for one in both] == ["", ""]
    assert [one.returncode for one in both] == [0, 0]
    on(url, check_schema)


def test_another_key_then_a_sentence_and_the_first_one_stays_bound(migrated: str) -> None:
    with pytest.raises(WrongKey, match="the secret key does not belong to this database: set HANDCART_SECRET_KEY"):
        migrate(migrated, OTHER)
    with pytest.raises(WrongKey, match=f"its fingerprint is {KEYS.fingerprint}, that of the key in use is"):
        on(migrated, check_schema, keys=OTHER)
    on(migrated, check_schema)


def test_another_key_and_an_older_schema_then_nothing_is_migrated(migrated: str) -> None:
    async def set_version(tx: Tx, version: str) -> None:
        await tx.run("UPDATE alembic_version SET version_num = $1", version)

    on(migrated, set_version, "0000")  # a step that does not exist: to migrate would fail otherwise
    with pytest.raises(WrongKey):
        migrate(migrated, OTHER)


def test_no_key_then_one_is_made_for_a_new_database_alone(url: str, tmp_path: Path) -> None:
    chosen = Settings(database=url, data=str(tmp_path / "keys"), secret_key_file=str(tmp_path / "keys" / "secret.key"))
    made = migrate_module.keys_for(chosen)
    migrate(url, made)
    assert migrate_module.bound_key(url) == made.fingerprint
    chosen.key_file.unlink()
    with pytest.raises(SettingsError, match=f"its fingerprint is {made.fingerprint}"):
        migrate_module.keys_for(chosen)
    assert not chosen.key_file.exists()


def test_no_tables_then_a_sentence(postgres_cluster: str) -> None:
    url = postgres.create_database(postgres_cluster)
    with pytest.raises(
        Unavailable, match=r"the database has no tables, this release needs \d+: run `handcart migrate`"
    ):
        on(url, check_schema)


def test_schema_of_another_release_then_a_sentence(migrated: str) -> None:
    async def set_back(tx: Tx) -> None:
        await tx.run("UPDATE alembic_version SET version_num = '0000'")

    on(migrated, set_back)
    with pytest.raises(Unavailable, match="the database has schema 0000, this release needs"):
        on(migrated, check_schema)


def test_no_server_then_unavailable() -> None:
    with pytest.raises(Unavailable, match="cannot migrate the PostgreSQL database: "):
        migrate("postgresql://handcart:x@127.0.0.1:1/postgres", KEYS)


def test_sqlite_file_then_private_in_wal_mode_and_its_directory_is_made(tmp_path: Path) -> None:
    file = tmp_path / "new directory" / "100%" / "shop.db"
    migrate(f"sqlite:///{file}", KEYS)
    assert file.stat().st_mode & 0o777 == 0o600

    async def mode(tx: Tx) -> str:
        row = await tx.one("SELECT journal_mode FROM pragma_journal_mode")
        assert row is not None
        found: str = row["journal_mode"]
        return found

    assert on(f"sqlite:///{file}", mode) == "wal"


def test_migrated_again_while_open_then_an_open_connection_keeps_its_locks(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    url = f"sqlite:///{path}"
    make_database(url, KEYS)
    with closing(connect_file(str(path))) as connection:
        connection.execute("CREATE TABLE written (number INTEGER)")
        migrate(url, KEYS)
        # A process that closes its connection deletes the log if no other process holds a lock.
        subprocess.run([sys.executable, "-c", MIGRATE, url], check=True)
        assert path.with_name("shop.db-wal").exists()
        with closing(connect_file(str(path))) as another:
            assert another.execute("SELECT count(*) FROM written").fetchone()[0] == 0


NO_STORE = ["mysql://host/shop", "sqlite://shop.db", "/srv/shop.db", "", "sqlite:///:memory:", "file:shop.db"]


@pytest.mark.parametrize("url", NO_STORE)
def test_url_names_no_database_then_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(connect.BadDatabaseUrl):
        migrate(url, KEYS)
    assert list(tmp_path.iterdir()) == []
