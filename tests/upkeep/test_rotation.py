"""A new secret key: data stored under the old key still works, except what the command says."""

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from handcart.callbacks import webhooks
from handcart.core import clock
from handcart.core import settings as settings_module
from handcart.core.db import Tx, Unavailable, connect, migrate
from handcart.core.db.migrate import WrongKey, bound_key
from handcart.core.secret import Keys, SealBroken
from handcart.core.settings import Settings, SettingsError
from handcart.upkeep import rotation
from tests.support import postgres
from tests.support.callback_receiver import CLIENT_SECRET, Receiver, receiver, subscribe
from tests.support.extent import DATABASES
from tests.support.server import SECRET_KEY, live_server, make_data
from tests.support.shop import Shop, new_address

OLD = Keys(SECRET_KEY.encode())


def quiet(label: str, done: int, total: int) -> None:
    """No progress."""


def install(kind: str, directory: Path, request: pytest.FixtureRequest) -> Settings:
    """An installation with the key of tests in a file."""
    make_data(directory)
    if kind == "sqlite":
        return Settings(data=str(directory))
    url = postgres.create_database(request.getfixturevalue("postgres_cluster"))
    migrate.migrate(url, OLD)
    return Settings(data=str(directory), database=url)


@pytest.fixture(params=DATABASES)
def chosen(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation on each database in turn."""
    return install(request.param, tmp_path, request)


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    """The same on SQLite."""
    make_data(tmp_path)
    return Settings(data=str(tmp_path))


def rows(chosen: Settings, keys: Keys, sql: str) -> list[Any]:
    async def ask(tx: Tx) -> list[Any]:
        await migrate.check_schema(tx)
        return [tuple(row) for row in await tx.all(sql)]

    async def run() -> list[Any]:
        database = await connect.connect(chosen.database_url, keys, 1)
        try:
            return await database.read(ask)
        finally:
            await database.close()

    return asyncio.run(run())


class Filled:
    """What a retailer has before the rotation."""

    def __init__(self, shop: Shop, to: Receiver) -> None:
        member = shop.account(member_for=clock.DAY)
        self.linked, self.unlinked, self.deleted = shop.user(), shop.user(), shop.user()
        self.spent, self.unspent = shop.linking_token(member), shop.linking_token(shop.account())
        assert shop.link(self.linked, self.spent).status_code == 200
        shop.post(f"/v2/fulfillment/users/{self.deleted}/privacy_request").raise_for_status()
        webhook_id = shop.server.write(subscribe, shop.retailer.id, to).webhook.id
        shop.server.write(webhooks.delete, shop.retailer.id, webhook_id)  # which leaves empty secrets
        shop.server.write(subscribe, shop.retailer.id, to)
        visitor = shop.visitor()
        visitor.open("/account/sign-in")
        visitor.sign_in(member)
        assert visitor.open("/account").status_code == 200
        self.cookies = visitor.http.cookies


@dataclass
class Installation:
    """An installation with data, whose key was rotated twice. It is served again; `shop` calls the new server."""

    chosen: Settings
    first: rotation.Rotated
    second: rotation.Rotated
    shop: Shop
    filled: Filled


@pytest.fixture(scope="module", params=DATABASES)
def rotated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("rotated")
    chosen = install(request.param, directory, request)
    with live_server(chosen.database_url, directory) as server, receiver() as to:
        shop = Shop(server)
        filled = Filled(shop, to)
    with pytest.MonkeyPatch.context() as patch:  # small steps, so that there are several
        patch.setattr(rotation, "_STEP", 2)
        patch.setattr(rotation, "_BATCH", 3)
        first, second = rotation.rotate(chosen, quiet), rotation.rotate(chosen, quiet)
    key = chosen.key_file.read_text().strip()
    with live_server(chosen.database_url, directory, secret_key=key) as server:
        shop.server, shop.http = server, server.http(address=new_address())
        yield Installation(chosen, first, second, shop, filled)


def test_rotated_twice_then_each_report_counts_what_was_changed(rotated: Installation) -> None:
    first, second = rotated.first, rotated.second
    assert (first.old_fingerprint, first.fingerprint) == (OLD.fingerprint, second.old_fingerprint)
    assert first.sessions >= 1 > second.sessions
    assert first.hashed == second.hashed > 5
    assert first.sealed == second.sealed == 2


def test_rotated_then_the_audit_log_has_both_fingerprints(rotated: Installation) -> None:
    rows = rotated.shop.server.sql("SELECT operation, detail FROM audit_log ORDER BY id")
    assert [row["operation"] for row in rows] == ["handcart key rotate"] * 2
    for row, done in zip(rows, (rotated.first, rotated.second), strict=True):
        fingerprints = {"fingerprint": done.fingerprint, "old_fingerprint": done.old_fingerprint}
        assert msgspec.json.decode(row["detail"]) == fingerprints


def test_rotated_then_the_key_file_is_private_and_the_old_key_is_kept(rotated: Installation) -> None:
    chosen = rotated.chosen
    assert stat.S_IMODE(chosen.key_file.stat().st_mode) == 0o600
    bound = bound_key(chosen.database_url)
    assert settings_module.keys(chosen).fingerprint == bound == rotated.second.fingerprint
    assert rotated.first.old_key.read_text() == SECRET_KEY


def test_rotated_then_tokens_links_and_client_secrets_still_work(rotated: Installation) -> None:
    shop, filled = rotated.shop, rotated.filled
    assert shop.get_link(filled.linked).json()["instacartplus_member"] is True  # with the token of before
    assert shop.link(filled.linked, filled.spent).status_code == 200  # the same link again
    assert shop.link(filled.unlinked, filled.unspent).status_code == 200
    assert shop.post_token(grant_type="client_credentials").status_code == 200


def test_rotated_then_the_id_of_a_deleted_user_stays_refused(rotated: Installation) -> None:
    user = {"user_id": rotated.filled.deleted, "first_name": "A"}
    assert rotated.shop.post("/v2/fulfillment/users", user).status_code == 403


def test_rotated_then_customers_are_signed_out(rotated: Installation) -> None:
    browser = rotated.shop.server.http(address=new_address())
    browser.cookies = rotated.filled.cookies
    assert browser.get("/account").status_code == 303


def test_rotated_then_only_the_new_key_opens_secrets_and_the_database(rotated: Installation) -> None:
    keys = settings_module.keys(rotated.chosen)
    ((sealed,),) = rows(rotated.chosen, keys, "SELECT client_secret FROM webhooks WHERE status <> 'deleted'")
    assert keys.open(bytes(sealed)) == CLIENT_SECRET
    with pytest.raises(SealBroken):
        OLD.open(bytes(sealed))
    with pytest.raises(WrongKey, match=f"its fingerprint is {rotated.second.fingerprint}"):
        rows(rotated.chosen, OLD, "SELECT 1")


def test_database_in_use_then_refused_and_nothing_changes(chosen: Settings, tmp_path: Path) -> None:
    with live_server(chosen.database_url, tmp_path), pytest.raises(Unavailable, match="stop `handcart serve`"):
        rotation.rotate(chosen, quiet)
    assert chosen.key_file.read_text() == SECRET_KEY
    assert sorted(file.name for file in tmp_path.glob("secret.key*")) == ["secret.key"]
    assert bound_key(chosen.database_url) == OLD.fingerprint


@pytest.mark.parametrize("step", ["link", "replace"])
def test_cut_short_after_the_commit_then_another_one_finishes(
    installed: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(installed, quiet)
    with pytest.raises(WrongKey):
        rows(installed, settings_module.keys(installed), "SELECT 1")
    done = rotation.rotate(installed, quiet)
    assert done.old_fingerprint == OLD.fingerprint
    assert settings_module.keys(installed).fingerprint == bound_key(installed.database_url) == done.fingerprint
    assert rows(installed, settings_module.keys(installed), "SELECT 1") == [(1,)]


def test_cut_short_before_the_commit_then_the_old_key_stays(
    installed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "_change", fail)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(installed, quiet)
    settings_module.write_private(installed.key_file.with_name("secret.key.next"), settings_module.new_key())  # a kill
    assert rows(installed, settings_module.keys(installed), "SELECT 1") == [(1,)]
    assert rotation.rotate(installed, quiet).old_fingerprint == OLD.fingerprint


def test_key_in_the_settings_or_no_database_then_a_sentence(installed: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="in HANDCART_SECRET_KEY, which this command cannot change"):
        rotation.rotate(replace(installed, secret_key=SECRET_KEY), quiet)
    (tmp_path / "handcart.db").unlink()
    with pytest.raises(Unavailable, match=r"there is no installation at /.* \(no handcart\.db\)"):
        rotation.rotate(installed, quiet)


def test_key_text_then_one_line_or_several_and_the_key_alone_is_judged() -> None:
    text = settings_module.new_key(OLD)
    keys = settings_module.read_keys(text)
    assert settings_module.read_keys(text.replace("\n", " ")).fingerprint == keys.fingerprint
    assert keys.hash("secret") == keys.hash_again(OLD.hash("secret")) != OLD.hash("secret")
    assert settings_module.read_keys(text.split()[0]).fingerprint != keys.fingerprint
    assert settings_module.is_key_guessable("k" * 32 + f"\n{text.splitlines()[1]}")
    with pytest.raises(SettingsError, match="too short"):
        settings_module.read_keys(f"short\n{text.splitlines()[1]}")


# What is stored as bytes and comes from no key: what a request said, what was answered, pictures, public keys.
_WITHOUT_KEY = {
    ("idempotency_keys", "fingerprint"),
    ("idempotency_keys", "answer"),
    ("orders", "fingerprint"),
    ("pictures", "content"),
    ("pictures", "content_hash"),
    ("uploads", "content"),
    ("passkeys", "public_key"),
}


def test_columns_of_bytes_in_the_schema_then_each_is_changed_or_ends(installed: Settings) -> None:
    engine = sa.create_engine(installed.database_url)
    inspector = sa.inspect(engine)
    there = {
        (table, column["name"])
        for table in inspector.get_table_names()
        for column in inspector.get_columns(table)
        if isinstance(column["type"], sa.LargeBinary)
    }
    engine.dispose()
    known = {(column.table, column.name) for column in (*rotation.HASHED, *rotation.SEALED)}
    ended = {(table, name) for table, name in there if table in rotation.ENDED}
    assert there == known | ended | _WITHOUT_KEY
