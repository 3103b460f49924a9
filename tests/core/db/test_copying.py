"""The drill of docs/operations/outgrow-sqlite.md: copies between the engines, whole, refused, cut off and killed."""

import asyncio
import json
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from handcart.callbacks import webhooks
from handcart.core.db import Tx, Unavailable, connect, copying, sqlite
from handcart.core.db.connect import BadCopy
from handcart.core.db.copying import Copied
from handcart.core.db.migrate import WrongKey
from handcart.core.secret import Keys
from handcart.migrations import SCHEMA_VERSION
from tests.support import postgres, process
from tests.support.callback_receiver import CLIENT_SECRET, DEVELOPMENT_POLICY
from tests.support.cutting import proxied
from tests.support.orders import HELD, Market
from tests.support.server import SECRET_KEY, live_server, make_data, migrated_database

KEYS = Keys(SECRET_KEY.encode())
# Keys that a database could order by the rules of a language.
ODD = ("Z", "a", "ä", "z z", "日", "\N{GRINNING FACE}", "\uffff")


async def nothing(tx: Tx) -> None:
    """Leave no row of the command in the target, so that both databases have the same rows."""


def copy(source: str, target: str, keys: Keys = KEYS) -> Copied:
    return asyncio.run(copying.copy(source, target, keys, nothing, lambda *_: None))


def ask(url: str, *questions: str) -> Any:
    """Run statements on a PostgreSQL database; returns the first value of the last."""

    async def answer() -> Any:
        connection = await asyncpg.connect(url, server_settings={"lock_timeout": "100ms"})
        try:
            for question in questions[:-1]:
                await connection.execute(question)
            return await connection.fetchval(questions[-1])
        finally:
            await connection.close()

    return asyncio.run(answer())


def on_file(url: str, *statements: str) -> Any:
    """Run statements on an SQLite database; returns the first row of the last."""
    with closing(sqlite3.connect(connect.sqlite_path(url), timeout=0)) as database, database:
        return [database.execute(statement).fetchone() for statement in statements][-1]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an SQLite database with orders, links and sealed secrets, whose server has stopped."""
    data = tmp_path_factory.mktemp("old")
    make_data(data)
    url = f"sqlite:///{data}/handcart.db"
    with live_server(url, data) as server, server.clients():
        market = Market(server)
        for kind in HELD:
            market.order(kind)
        user = market.user()
        market.link(user, market.linking_token(market.account(member_for=10**12))).raise_for_status()
        wanted = {"callback_url": "https://shop.example/events", "auth_uri": "https://shop.example/token"}
        configuration = webhooks.Configuration(**wanted, client_id="shop", client_secret=CLIENT_SECRET)
        server.write(webhooks.create, market.retailer.id, configuration, DEVELOPMENT_POLICY)
    for name in ODD:
        on_file(
            url,
            "CREATE TEMP TABLE one AS SELECT * FROM items WHERE rrc = 'milk'",
            f"UPDATE one SET rrc = '{name}', beverage_weight = 0.1",
            "INSERT INTO items SELECT * FROM one",
        )
    return url


@pytest.fixture
def fresh(postgres_cluster: str) -> str:
    """The URL of an empty PostgreSQL database."""
    return migrated_database(postgres_cluster)


@pytest.fixture(scope="module")
def new(old: str, postgres_cluster: str) -> tuple[str, Copied]:
    """The URL of a copy on PostgreSQL, and what was copied."""
    url = migrated_database(postgres_cluster)
    return url, copy(old, url)


def is_empty(url: str) -> bool:
    question = "SELECT count(*) FROM (SELECT 1 FROM retailers UNION ALL SELECT 1 FROM orders) AS rows"
    return (ask(url, question) if connect.is_postgres(url) else on_file(url, question)[0]) == 0


def empty_file(directory: Path) -> str:
    make_data(directory)
    return f"sqlite:///{directory}/handcart.db"


# Whole


def test_to_postgresql_and_back_then_every_digest_is_equal(old: str, new: tuple[str, Copied], tmp_path: Path) -> None:
    url, there = new
    assert {"orders": 3, "links": 1, "webhooks": 1}.items() <= {
        name: content.rows for name, content in there.tables.items()
    }.items()
    assert not there.source_in_use
    back = copy(url, f"sqlite:///{tmp_path}/back.db")
    assert back.tables == there.tables
    assert Path(tmp_path / "back.db").stat().st_mode & 0o777 == 0o600

    def rows(url: str) -> dict[str, list[str]]:
        with closing(sqlite3.connect(connect.sqlite_path(url))) as opened:
            return {name: sorted(map(repr, opened.execute(f'SELECT * FROM "{name}"'))) for name in there.tables}

    assert rows(f"sqlite:///{tmp_path}/back.db") == rows(old)


def test_copied_then_it_serves_and_its_secrets_open(old: str, postgres_cluster: str, tmp_path: Path) -> None:
    make_data(tmp_path / "key")
    url = migrated_database(postgres_cluster)
    said = process.run("copy", "--from", old, "--to", url, "--json", secret_key=SECRET_KEY)
    assert said.returncode == 0, said.stderr
    shown = json.loads(said.stdout)
    password = urlsplit(url).password
    assert (shown["tables"]["orders"]["rows"], shown["source_in_use"]) == (3, False)
    assert password
    assert password not in said.stdout + said.stderr
    assert ask(url, "SELECT operation FROM audit_log ORDER BY id DESC LIMIT 1") == "handcart copy"
    assert KEYS.open(ask(url, "SELECT client_secret FROM webhooks")) == CLIENT_SECRET
    for table in ("retailers", "accounts", "staff", "audit_log"):
        highest = f"(SELECT coalesce(max(id), 0) FROM {table})"
        assert ask(url, f"SELECT nextval('{table}_id_seq') > {highest}"), table
    with live_server(url, tmp_path) as server, server.clients():
        Market(server).order("delivery")
    assert process.run("check", "--data", "--database", url).returncode == 0


def test_negative_zero_on_postgresql_then_equal_on_sqlite(new: tuple[str, Copied], tmp_path: Path) -> None:
    ask(new[0], "UPDATE items SET beverage_weight = '-0' WHERE rrc = 'soap'", "SELECT 1")
    assert copy(new[0], f"sqlite:///{tmp_path}/back.db").tables.keys() == new[1].tables.keys()
    ask(new[0], "UPDATE items SET beverage_weight = 0 WHERE rrc = 'soap'", "SELECT 1")


# A source in use


@contextmanager
def held(source: str, target: str) -> Iterator[dict[str, Any]]:
    """A copy in another thread that waits after its comparison while the block runs; its result follows."""
    reached, go_on, result = threading.Event(), threading.Event(), dict[str, Any]()

    async def finish(tx: Tx) -> None:
        reached.set()
        await asyncio.to_thread(go_on.wait, 30)

    def run() -> None:
        result["copied"] = asyncio.run(copying.copy(source, target, KEYS, finish, lambda *_: None))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert reached.wait(30)
        yield result
    finally:
        go_on.set()
        thread.join(30)


def test_server_of_sqlite_runs_then_it_reads_writes_are_refused(old: str, fresh: str, tmp_path: Path) -> None:
    shutil.copytree(Path(connect.sqlite_path(old)).parent, tmp_path / "data")
    url = f"sqlite:///{tmp_path}/data/handcart.db"
    with process.server(url, tmp_path / "data") as server:
        with held(url, fresh) as result:
            assert httpx.get(f"{server.url}/ready").status_code == 200
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                on_file(url, "UPDATE retailers SET name = 'changed'")
        assert result["copied"].source_in_use
        said = process.run("copy", "--from", url, "--to", empty_file(tmp_path / "next"), secret_key=SECRET_KEY)
    assert said.returncode == 3
    assert "IS NOT IN THE COPY" in " ".join(said.stderr.split())


def test_source_on_postgresql_then_it_can_be_read_and_not_written(new: tuple[str, Copied], tmp_path: Path) -> None:
    url, _ = new
    with held(url, empty_file(tmp_path / "data")):
        assert ask(url, "SELECT count(*) FROM orders") == 3
        with pytest.raises(asyncpg.LockNotAvailableError):
            ask(url, "UPDATE retailers SET name = 'changed'")
    ask(url, "UPDATE retailers SET name = name RETURNING 1")


# Refused


def test_target_not_empty_then_refused_with_what_to_do(old: str, new: tuple[str, Copied]) -> None:
    for target in (new[0], old.replace("handcart.db", "../" + Path(old).parent.name + "/handcart.db")):
        with pytest.raises(
            BadCopy, match=r"name the same database|the target is not empty: its table .* has rows. Name"
        ):
            copy(old, target)
    assert ask(new[0], "SELECT count(*) FROM orders") == 3


def test_other_schema_version_then_refused(old: str, fresh: str, tmp_path: Path) -> None:
    target = empty_file(tmp_path / "data")
    on_file(target, "UPDATE alembic_version SET version_num = '0001'")
    ask(fresh, "UPDATE alembic_version SET version_num = '0001' RETURNING 1")
    for source, end in ((old, target), (old, fresh), (target, fresh), (fresh, target)):
        with pytest.raises(Unavailable, match=f"schema 0001, this release needs {SCHEMA_VERSION}: run"):
            copy(source, end)
    assert is_empty(target)
    assert is_empty(fresh)


def test_other_key_then_refused(old: str, fresh: str, tmp_path: Path) -> None:
    target = empty_file(tmp_path / "data")
    other = "UPDATE installation SET value = 'another' WHERE name = 'secret_key_fingerprint'"
    on_file(target, other)
    ask(fresh, f"{other} RETURNING 1")
    for source, end in ((old, target), (old, fresh), (target, fresh)):
        with pytest.raises(WrongKey, match="its fingerprint is another"):
            copy(source, end)
    with pytest.raises(WrongKey):
        copy(old, f"sqlite:///{tmp_path}/new.db", Keys(b"another key, another key, another key"))
    assert not (tmp_path / "new.db").exists()
    assert is_empty(target)
    assert is_empty(fresh)


def test_source_is_missing_then_refused_and_nothing_is_made(fresh: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="there is no installation"):
        copy(f"sqlite:///{tmp_path}/none.db", fresh)
    assert list(tmp_path.iterdir()) == []


def test_target_holds_other_rows_than_the_source_then_nothing_is_kept(old: str, fresh: str) -> None:
    ask(
        fresh,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name = 'spoiled'; RETURN NEW; END $$",
        "CREATE TRIGGER spoil BEFORE INSERT ON retailers FOR EACH ROW EXECUTE FUNCTION spoil()",
        "SELECT 1",
    )
    with pytest.raises(BadCopy, match="the table retailers of the target differs"):
        copy(old, fresh)
    assert is_empty(fresh)


def test_text_that_postgresql_cannot_hold_then_its_table_is_named(old: str, fresh: str, tmp_path: Path) -> None:
    shutil.copy(connect.sqlite_path(old), tmp_path / "nul.db")
    on_file(url := f"sqlite:///{tmp_path}/nul.db", "UPDATE retailers SET name = 'a' || char(0)")
    with pytest.raises(BadCopy, match="PostgreSQL does not accept a row of the table retailers"):
        copy(url, fresh)
    assert is_empty(fresh)


# Interrupted


def test_disk_is_full_then_the_target_is_empty(
    old: str, fresh: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(
        fresh,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()",
        "SELECT 1",
    )
    with pytest.raises(Unavailable, match="No space left"):
        copy(old, fresh)
    assert is_empty(fresh)
    shutil.copy(connect.sqlite_path(old), tmp_path / "large.db")
    on_file(large := f"sqlite:///{tmp_path}/large.db", "UPDATE retailers SET name = hex(zeroblob(500000))")
    target = empty_file(tmp_path / "data")
    pages = on_file(target, "PRAGMA page_count")[0]
    ours = sqlite.connect_file

    def small(path: str) -> sqlite3.Connection:
        opened = ours(path)
        if path == connect.sqlite_path(target):
            opened.execute(f"PRAGMA max_page_count = {pages}")
        return opened

    monkeypatch.setattr("handcart.core.db.copy_ends.connect_file", small)
    with pytest.raises(Unavailable, match="disk is full"):
        copy(large, target)
    assert is_empty(target)


@pytest.fixture(scope="module")
def small(old: str, new: tuple[str, Copied], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The two databases and an empty one of each engine, without postal codes: then the rest is most of the bytes."""
    directory = tmp_path_factory.mktemp("small")
    shutil.copy(connect.sqlite_path(old), directory / "old.db")
    urls = {
        "sqlite": f"sqlite:///{directory}/old.db",
        "postgresql": postgres.create_database(new[0], new[0].rpartition("/")[2]),
        "empty sqlite": empty_file(directory / "data"),
        "empty postgresql": migrated_database(new[0]),
    }
    for url in urls.values():
        statements = ("DELETE FROM postal_codes", "SELECT 1")
        (ask if connect.is_postgres(url) else on_file)(url, *statements)
    return urls


async def copy_cut(source: str, target: str, most: float = float("inf")) -> tuple[int, Copied | Unavailable]:
    """Copy while the connection to PostgreSQL is cut after some bytes; returns what passed, and the outcome."""
    is_target = connect.is_postgres(target)
    async with proxied(target if is_target else source, most) as line:
        ends = (source, line.url) if is_target else (line.url, target)
        outcome: Copied | Unavailable
        try:
            outcome = await copying.copy(*ends, KEYS, nothing, lambda *_: None)
        except Unavailable as error:
            outcome = error
        return line.passed, outcome


@pytest.mark.parametrize(("engine", "other"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_cut_at_every_tenth_then_the_target_is_empty_and_next_time_whole(
    engine: str, other: str, small: dict[str, str], tmp_path: Path
) -> None:
    source, target = small[engine], small[f"empty {other}"]
    if other == "sqlite":
        whole = f"sqlite:///{tmp_path}/whole.db"
        shutil.copy(connect.sqlite_path(target), connect.sqlite_path(whole))
    else:
        whole = postgres.create_database(target, target.rpartition("/")[2])
    passed, first = asyncio.run(copy_cut(source, whole))
    for tenth in range(10):
        _, cut = asyncio.run(copy_cut(source, target, passed * (tenth + 0.5) / 10))
        assert isinstance(cut, Unavailable), (tenth, cut)
        assert is_empty(target)
    _, second = asyncio.run(copy_cut(source, target))
    assert isinstance(first, Copied)
    assert second == first


def test_killed_half_way_then_the_target_is_empty_and_next_time_whole(new: tuple[str, Copied], tmp_path: Path) -> None:
    target = empty_file(tmp_path / "data")

    async def kill() -> int:
        started: list[asyncio.subprocess.Process] = []
        async with proxied(new[0], 1_000_000, lambda: started[0].kill()) as line:
            command = [*process.HANDCART, "copy", "--from", line.url, "--to", target]
            environment = process.environment(secret_key=SECRET_KEY)
            started.append(await asyncio.create_subprocess_exec(*command, env=environment))
            return await started[0].wait()

    assert asyncio.run(kill()) == -signal.SIGKILL
    assert is_empty(target)
    assert copy(new[0], target).tables == new[1].tables
