"""What makes production settings unsafe, problem by problem: one sentence each, that says what to change."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handcart import safety
from handcart.core import migrate, stores
from handcart.core.db import Database
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.retailers import ops as retailers
from tests.support import postgres
from tests.support.server import SECRET_KEY, make_data


@pytest.fixture
def safe(tmp_path: Path) -> Settings:
    """Settings of a production server on SQLite."""
    make_data(tmp_path)
    return Settings(data=str(tmp_path), public_url="https://connect.example.org")


async def problems(settings: Settings, prepare: Callable[[Database], Any] | None = None) -> list[str]:
    database = await stores.connect(settings.database_url, Keys(SECRET_KEY.encode()), 1)
    try:
        if prepare:
            await prepare(database)
        return await safety.problems(settings, database)
    finally:
        await database.close()


async def test_safe_then_nothing_to_say(safe: Settings) -> None:
    assert await problems(safe) == []


UNSAFE: list[tuple[dict[str, Any], str]] = [
    ({"public_url": ""}, "The public URL is missing: set HANDCART_PUBLIC_URL to https://your.host"),
    (
        {"public_url": "http://connect.example.org"},
        "http://connect.example.org is not encrypted: set HANDCART_PUBLIC_URL to an https:// address",
    ),
    (
        {"trusted_proxies": "*"},
        "Every address is a trusted proxy: set HANDCART_TRUSTED_PROXIES to your proxies' own addresses",
    ),
    (
        {"trusted_proxies": "10.0.0.1, 0.0.0.0/0"},
        "Every address is a trusted proxy: set HANDCART_TRUSTED_PROXIES to your proxies' own addresses",
    ),
    (
        {"trusted_proxies": "::/0"},
        "Every address is a trusted proxy: set HANDCART_TRUSTED_PROXIES to your proxies' own addresses",
    ),
    (
        {"metrics_public": True},
        "Anybody can read the metrics: unset HANDCART_METRICS_PUBLIC and use HANDCART_METRICS_PORT",
    ),
    (
        {"rate_limit_per_second": 0},
        "There is no rate limit: set HANDCART_RATE_LIMIT_PER_SECOND above 0",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), UNSAFE, ids=lambda value: str(value)[:40])
async def test_one_setting_unsafe_then_its_sentence_alone(
    safe: Settings, change: dict[str, Any], sentence: str
) -> None:
    assert await problems(dataclasses.replace(safe, **change)) == [sentence]


async def test_everything_unsafe_then_every_sentence(safe: Settings, tmp_path: Path) -> None:
    changes = {name: value for change, _ in UNSAFE for name, value in change.items()}
    (tmp_path / "secret.key").chmod(0o644)
    assert len(await problems(dataclasses.replace(safe, **changes))) == 5


@pytest.mark.parametrize("proxies", ["", "127.0.0.1", "10.0.0.0/8, 192.168.1.1", "fd00::/8"])
async def test_proxies_named_then_nothing_to_say(safe: Settings, proxies: str) -> None:
    assert await problems(dataclasses.replace(safe, trusted_proxies=proxies)) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
@pytest.mark.parametrize("name", ["secret.key", "handcart.db"])
async def test_file_readable_by_others_then_its_sentence(safe: Settings, tmp_path: Path, name: str, mode: int) -> None:
    file = tmp_path / name
    file.chmod(mode)
    assert await problems(safe) == [f"{file} can be read by others: run chmod 600 {file}"]


async def test_key_in_the_settings_then_no_file_is_asked_for(safe: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret.key").unlink()
    assert await problems(dataclasses.replace(safe, secret_key=SECRET_KEY)) == []


async def test_demos_retailer_in_the_database_then_its_sentence(safe: Settings) -> None:
    async def prepare(database: Database) -> None:
        await database.write(retailers.create_retailer, slug=safety.DEMO_RETAILER, name="Sample Market")

    assert await problems(safe, prepare) == [
        "The database holds the demo's retailer and accounts: use a database of its own for production"
    ]


def on_postgres(safe: Settings, url: str) -> Settings:
    migrate.migrate(url, Keys(SECRET_KEY.encode()))
    return dataclasses.replace(safe, database=url)


async def test_postgres_loses_writes_then_a_sentence_for_each_setting(safe: Settings, postgres_cluster: str) -> None:
    url = postgres.create_database(postgres_cluster)
    settings = await asyncio.to_thread(on_postgres, safe, url)
    assert await problems(settings) == [
        f"PostgreSQL may lose acknowledged writes: set {name} = on"
        for name in ("fsync", "full_page_writes", "synchronous_commit")
    ]


URLS = {
    "postgresql://handcart:x@db.example.org/handcart": False,
    "postgresql://handcart:x@db.example.org/handcart?sslmode=prefer": False,
    "postgresql://handcart:x@db.example.org/handcart?sslmode=disable": False,
    "postgresql:///handcart?host=db.example.org": False,
    "postgresql://handcart:x@db.example.org/handcart?sslmode=require": True,
    "postgresql://handcart:x@db.example.org/handcart?sslmode=verify-full": True,
    "postgresql://handcart:x@127.0.0.1/handcart": True,
    "postgresql://localhost/handcart": True,
    "postgresql://handcart@[::1]/handcart": True,
    "postgresql:///handcart?host=/var/run/postgresql": True,
    "postgresql:///handcart": True,
}


@pytest.mark.parametrize("url", URLS)
def test_connection_to_postgres_then_encrypted_or_local_or_a_sentence_without_the_password(
    safe: Settings, url: str
) -> None:
    found = safety._file_problems(dataclasses.replace(safe, database=url, secret_key=SECRET_KEY))
    expected = "The connection to db.example.org may be unencrypted: add ?sslmode=verify-full to the database URL"
    assert found == ([] if URLS[url] else [expected])
