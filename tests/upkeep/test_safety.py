"""Unsafe production settings: for each problem, one sentence that says what to change."""

import asyncio
import dataclasses
import os
import pwd
import secrets
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from handcart import serve
from handcart.core import ownership
from handcart.core.db import Database, Tx, connect, migrate
from handcart.core.ownership import Finding
from handcart.core.secret import Keys, is_guessable
from handcart.core.settings import Settings
from handcart.retailers import ops as retailers
from handcart.sandbox import state
from handcart.staff import ops as staff
from handcart.upkeep import safety
from handcart.upkeep.safety import Findings
from tests.support import postgres
from tests.support.server import SECRET_KEY, make_data
from tests.support.shop import new_email


@pytest.fixture
def safe(tmp_path: Path) -> Settings:
    """Settings of a production server on SQLite."""
    tmp_path.chmod(0o700)
    make_data(tmp_path)
    return Settings(data=str(tmp_path), public_url="https://connect.example.org", trusted_proxies="127.0.0.1")


async def look(settings: Settings, prepare: Callable[[Database], Any] | None = None) -> Findings:
    database = await connect.connect(settings.database_url, Keys(SECRET_KEY.encode()), 1)
    try:
        await database.write(_add_admin)
        if prepare:
            await prepare(database)
        return await safety.look(settings, database)
    finally:
        await database.close()


async def _add_admin(tx: Tx) -> None:
    admin = await staff.add(tx, new_email(), "Ada Sample", "operator_admin", None, None)
    assert await staff.set_password_hash(tx, admin.id, "a hash") is not None


async def problems(settings: Settings, prepare: Callable[[Database], Any] | None = None) -> list[str]:
    """The problems where there is no warning."""
    found = await look(settings, prepare)
    assert found.warnings == []
    return found.problems


async def test_safe_then_nothing_to_say(safe: Settings) -> None:
    assert await problems(safe) == []


NO_PROXY = (
    "No proxy is trusted, so all customers count as one address: set HANDCART_TRUSTED_PROXIES to the addresses of your"
    " proxies, or to none if browsers connect without a proxy"
)
STRANGERS = "Strangers can be trusted proxies: set HANDCART_TRUSTED_PROXIES to only your proxies' addresses"
UNSAFE: list[tuple[dict[str, Any], str]] = [
    ({"public_url": ""}, "The public URL is missing: set HANDCART_PUBLIC_URL to https://your.host"),
    (
        {"public_url": "http://connect.example.org"},
        "http://connect.example.org is not encrypted: set HANDCART_PUBLIC_URL to an https:// address",
    ),
    (
        {"metrics_public": True},
        "Anybody can read the metrics: unset HANDCART_METRICS_PUBLIC and use HANDCART_METRICS_PORT",
    ),
    (
        {"rate_limit_per_second": 0},
        "There is no rate limit: set HANDCART_RATE_LIMIT_PER_SECOND above 0",
    ),
    ({"trusted_proxies": ""}, NO_PROXY),
    ({"trusted_proxies": "*"}, STRANGERS),
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


# By what they hold, not by how they are written: halves make a whole.
TOO_MANY = (
    "10.0.0.1, 0.0.0.0/0",
    "::/0",
    "0.0.0.0/1, 128.0.0.0/1",
    "::/1, 8000::/1",
    "8.0.0.0/7",
    "8.0.0.0/9, 8.128.0.0/9",
    "2000::/3",
    "2a00::/12",
    "0.0.0.0/5",
)


@pytest.mark.parametrize("proxies", TOO_MANY)
async def test_proxies_hold_strangers_then_a_sentence(safe: Settings, proxies: str) -> None:
    assert await problems(dataclasses.replace(safe, trusted_proxies=proxies)) == [STRANGERS]


PROXIES = (
    "none",
    "127.0.0.1",
    "10.0.0.0/8, 192.168.1.1",
    "fd00::/8",
    "100.64.0.0/10",
    "173.245.48.0/20, 104.16.0.0/13, 2400:cb00::/32",  # a provider's
)


@pytest.mark.parametrize("proxies", PROXIES)
async def test_proxies_named_then_nothing_to_say(safe: Settings, proxies: str) -> None:
    assert await problems(dataclasses.replace(safe, trusted_proxies=proxies)) == []


# What each network opens to URLs that retailers choose.
OPENED = {
    "0.0.0.0/0": "0.0.0.0/8, an address of this machine itself",
    "::/0": "::/128, an address of this machine itself",
    "127.0.0.1": "127.0.0.0/8, a loopback address",
    "64.0.0.0/2": "127.0.0.0/8, a loopback address",
    "100.64.0.0/10": "100.100.100.200/32, a cloud platform's own address",
    "169.254.0.0/16": "169.254.0.0/16, a link-local address",
    "169.254.169.254": "169.254.0.0/16, a link-local address",
    "168.63.129.0/24": "168.63.129.16/32, a cloud platform's own address",
    "::1": "::1/128, a loopback address",
    "fe80::/64": "fe80::/10, a link-local address",
    "fd00:ec2::/32": "fd00:ec2::254/128, a cloud platform's own address",
    "64:ff9b::/96": "64:ff9b::/96, an IPv4 address in a tunnel",
    "2002:a00::/24": "2002::/16, an IPv4 address in a tunnel",
}


@pytest.mark.parametrize("network", OPENED)
async def test_callback_network_holds_what_it_must_not_then_a_sentence(safe: Settings, network: str) -> None:
    found = await problems(dataclasses.replace(safe, callback_networks=f"10.1.0.0/16, {network}"))
    assert found == [
        f"Callbacks may reach {OPENED[network]}: remove {ip_network(network)} from HANDCART_CALLBACK_NETWORKS, or use"
        " a smaller one"
    ]


async def test_callback_networks_private_then_nothing_to_say(safe: Settings) -> None:
    networks = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fd12:3456::/32"
    assert await problems(dataclasses.replace(safe, callback_networks=networks, callback_ports="443, 8443")) == []


async def test_callbacks_over_http_and_on_every_port_then_two_warnings(safe: Settings) -> None:
    found = await look(dataclasses.replace(safe, callback_http=True, callback_ports="*"))
    assert (found.problems, found.warnings) == (
        [],
        [
            "Callbacks and the credentials for their tokens may be sent unencrypted: unset HANDCART_CALLBACK_HTTP",
            "Callbacks may reach every port: set HANDCART_CALLBACK_PORTS to the ports that are needed",
        ],
    )


async def test_no_gateway_is_set_up_then_notes_name_the_settings(safe: Settings) -> None:
    assert (await look(safe)).notes == [
        "Mails are not sent: set HANDCART_SMTP_HOST and HANDCART_MAIL_FROM",
        "Text messages are not sent: set HANDCART_SMS_GATEWAY",
    ]
    mail = dataclasses.replace(safe, smtp_host="localhost", smtp_security="none", mail_from="a@example.com")
    found = await look(dataclasses.replace(mail, sms_gateway="twilio", sms_from="+18005550100"))
    assert found.warnings == []
    assert found.notes == ["Text messages are not sent: set HANDCART_SMS_ACCOUNT and HANDCART_SMS_SECRET_FILE"]


async def test_messages_leave_unencrypted_then_two_warnings(safe: Settings) -> None:
    found = await look(
        dataclasses.replace(safe, smtp_host="mail.example", smtp_security="none", sms_url="http://sms.example")
    )
    assert found.warnings == [
        "Mail, with its one-time links, goes to mail.example unencrypted: set HANDCART_SMTP_SECURITY to starttls or"
        " tls",
        "Text messages and the gateway's secret go to sms.example unencrypted: set HANDCART_SMS_URL to https",
    ]


GUESSABLE = (
    "k" * 32,
    "1" * 64,
    "0123456789" * 4,
    "".join(map(chr, range(48, 90))),
    "another key, " * 3,
    "3141592653589" * 2,
)


@pytest.mark.parametrize("key", GUESSABLE)
async def test_secret_key_guessable_then_a_sentence(safe: Settings, key: str) -> None:
    (found,) = await problems(dataclasses.replace(safe, secret_key=key))
    assert found.startswith("The secret key can be guessed: use 32 random bytes")


def test_secret_key_random_then_never_taken_for_guessable() -> None:
    for _ in range(2000):
        made = (secrets.token_urlsafe(32), secrets.token_hex(16), secrets.token_hex(32), secrets.token_urlsafe(24))
        assert not any(map(is_guessable, made))


# Files and directories, as OpenSSH's StrictModes

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
@pytest.mark.parametrize("name", ["secret.key", "handcart.db"])
async def test_file_readable_by_others_then_its_sentence(safe: Settings, tmp_path: Path, name: str, mode: int) -> None:
    file = tmp_path / name
    file.chmod(mode)
    found = await problems(safe)
    # SQLite gives its side files the mode of the database.
    files = [file, *(Path(f"{file}{side}") for side in ("-wal", "-shm"))][: len(found)]
    assert found == [f"{one} can be read by others: run chmod 600 {one}" for one in files]


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
async def test_data_directory_open_to_everybody_then_its_sentence(safe: Settings, tmp_path: Path, mode: int) -> None:
    os.chmod(tmp_path, mode)
    sentence = f"The files in {tmp_path} can be replaced by everybody: run chmod o-w {tmp_path}"
    assert [one for one in (await look(safe)).problems if "everybody" in one] == [sentence]


def test_directory_above_open_then_by_whom(tmp_path: Path) -> None:
    above, data = tmp_path / "above", tmp_path / "above" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "secret.key").touch(0o600)
    tmp_path.chmod(0o700)
    for mode, expected in {0o755: [], 0o1777: [], 0o770: [], 0o757: [True]}.items():
        above.chmod(mode)
        assert [one.is_grave for one in ownership.findings([data / "secret.key"])] == expected


@needs_root
def test_group_that_may_write_then_a_warning_unless_it_is_roots(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch(0o600)
    tmp_path.chmod(0o770)
    assert ownership.findings([tmp_path / "secret.key"]) == []
    os.chown(tmp_path, 0, NOBODY)
    assert ownership.findings([tmp_path / "secret.key"]) == [
        Finding(f"The files in {tmp_path} can be replaced by its group: run chmod g-w {tmp_path}", False)
    ]


@needs_root
async def test_owner_is_another_user_then_a_sentence_for_each_file(safe: Settings, tmp_path: Path) -> None:
    other = pwd.getpwuid(NOBODY).pw_name
    os.chown(tmp_path / "secret.key", NOBODY, 0)
    assert await problems(safe) == [f"{tmp_path}/secret.key belongs to {other}: run chown root {tmp_path}/secret.key"]
    os.chown(tmp_path / "handcart.db", NOBODY, 0)  # root looks after another user's installation
    assert await problems(safe) == []
    os.chown(tmp_path, 1, 0)
    who = pwd.getpwuid(1).pw_name
    assert await problems(safe) == [f"The files in {tmp_path} can be replaced by {who}: run chown {other} {tmp_path}"]


async def test_key_in_the_settings_then_no_file_is_asked_for(safe: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret.key").unlink()
    assert await problems(dataclasses.replace(safe, secret_key=SECRET_KEY)) == []


# What the database says


async def test_demos_retailer_in_the_database_then_its_sentence(safe: Settings) -> None:
    async def prepare(database: Database) -> None:
        await database.write(retailers.create_retailer, slug=safety.DEMO_RETAILER, name="Sample Market")

    assert await problems(safe, prepare) == [
        "The database has the demo's retailer and accounts: use a separate database for production"
    ]


SERVED = (
    "A sandbox has served this database, so it may have data of tests: set HANDCART_DATABASE or"
    " HANDCART_DATA to a new database for production, and run `handcart migrate`"
)


def test_sandbox_served_then_production_refuses_its_database_for_good(safe: Settings) -> None:
    keys = Keys(SECRET_KEY.encode())
    for _ in range(2):
        asyncio.run(serve._check(dataclasses.replace(safe, environment="sandbox"), keys))
    with pytest.raises(serve.Unsafe, match="A sandbox has served this database"):
        asyncio.run(serve._check(safe, keys))
    assert asyncio.run(problems(safe)) == [SERVED]


def test_production_served_then_a_sandbox_refuses_its_database(safe: Settings) -> None:
    keys = Keys(SECRET_KEY.encode())
    for _ in range(2):
        asyncio.run(serve._check(safe, keys))
    with pytest.raises(serve.Unsafe, match=r"Production has served this database\. "):
        asyncio.run(serve._check(dataclasses.replace(safe, environment="sandbox"), keys))
    assert asyncio.run(problems(safe)) == []


async def test_sandbox_of_an_earlier_release_served_then_its_sentence(safe: Settings) -> None:
    async def prepare(database: Database) -> None:
        await database.write(state.lock, 7)

    assert await problems(safe, prepare) == [SERVED]


async def test_retailer_with_switches_for_tests_then_a_warning_for_each(safe: Settings) -> None:
    async def prepare(database: Database) -> None:
        await database.write(
            retailers.create_retailer, slug="shop", name="Shop", is_lenient=True, serves_everywhere=True
        )

    found = await look(safe, prepare)
    assert (found.problems, found.warnings) == (
        [],
        [
            f"shop has a setting that is for tests: run `handcart retailer set shop {switch}=false`"
            for switch in ("is_lenient", "serves_everywhere")
        ],
    )


async def test_no_admin_can_sign_in_then_a_warning(safe: Settings) -> None:
    for change in (
        "closed_at = 1",
        "password_hash = NULL, closed_at = NULL",
        "role = 'dispatcher', password_hash = 'x'",
    ):
        change_all = f"UPDATE staff SET {change}"

        async def prepare(database: Database, change_all: str = change_all) -> None:
            await database.write(lambda tx: tx.run(change_all))

        found = await look(safe, prepare)
        assert (found.problems, len(found.warnings)) == ([], 1), change
        assert found.warnings[0].startswith("No operator admin can sign in to the console: open the link")


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
def test_postgres_connection_unencrypted_then_reported_without_password(url: str) -> None:
    found = safety._postgres_url_problems(url)
    expected = "The connection to db.example.org may be unencrypted: add ?sslmode=verify-full to the database URL"
    assert found == ([] if URLS[url] else [expected])


async def test_console_is_open_to_more_than_its_people_then_warned(safe: Settings) -> None:
    for change, expected in {
        (("console", "127.0.0.1:9000"),): [],
        (("console", "10.0.0.4:9000"), ("console_url", "https://console.example.org")): [],
        (("console", "public"),): ["open to the world"],
        (("console", "10.0.0.4:9000"),): ["unencrypted"],
        (("console", "0.0.0.0:9000"), ("console_url", "https://console.example.org")): ["open to everybody"],
        (("console", "[::]:9000"), ("console_url", "http://console.example.org")): ["open to everybody", "unencrypted"],
    }.items():
        found = await look(dataclasses.replace(safe, **dict(change)))
        assert len(found.warnings) == len(expected), (change, found.warnings)
        assert all(text in warning for text, warning in zip(expected, found.warnings, strict=True)), change
