"""Checks for unsafe production settings. Each finding says what to change.

A problem prevents `serve` from starting: strangers could read, forge or reach what they must not. A warning does not:
it may be intended, and a server that started before must start again. docs/operations/production.md lists both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from handcart.core import ownership
from handcart.core.db import Database, Tx, Unavailable, installation
from handcart.core.db.connect import connect, is_postgres, sqlite_path
from handcart.core.db.migrate import WrongKey, check_schema
from handcart.core.outbound.addresses import Network, danger, public_addresses
from handcart.core.settings import Settings, is_key_guessable, key_text, keys, parts
from handcart.core.web.sockets import is_loopback
from handcart.messages.gateways import setup as gateways
from handcart.retailers import ops as retailers
from handcart.staff import queries as staff

DEMO_RETAILER = "sample-market"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# A /8 of IPv4 and a /20 of IPv6: larger than the network of any provider's proxies.
_MOST_PROXIES = (1 << 24, 1 << 108)
_SIDE_FILES = ("-wal", "-shm", ".lock", ".use")


@dataclass
class Findings:
    """Sentences: `problems` prevent `serve` from starting, `warnings` are printed, `notes` say what is not set up."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def check(settings: Settings) -> Findings:
    """Open the database that the settings name, and `look`. A database that cannot be opened is a problem."""
    try:
        database = await connect(settings.database_url, keys(settings), pool_size=1, may_only_read=True)
        try:
            await database.read(check_schema)
            return await look(settings, database)
        finally:
            await database.close()
    except (Unavailable, WrongKey) as error:
        return Findings([str(error)])


async def look(settings: Settings, database: Database) -> Findings:
    """Check whether it is safe to serve customers with these settings and this database."""
    found = Findings()
    _look_at_settings(settings, found)
    _look_at_callbacks(settings, found)
    found.warnings += gateways.unsafe(settings)
    found.notes += gateways.missing(settings)
    _look_at_files(settings, found)
    await database.read(_look_at_rows, found)
    if database.kind == "postgresql":
        found.problems += _postgres_url_problems(settings.database_url)
        found.problems += await database.read(_postgres_problems)
    return found


def _look_at_settings(settings: Settings, found: Findings) -> None:
    if not settings.public_url:
        found.problems.append("The public URL is missing: set HANDCART_PUBLIC_URL to https://your.host")
    elif not settings.is_https:
        found.problems.append(f"{settings.public_url} is not encrypted: set HANDCART_PUBLIC_URL to an https:// address")
    found.problems += _proxy_problems(settings)
    found.warnings += _console_warnings(settings)
    if settings.metrics_public:
        found.problems.append(
            "Anybody can read the metrics: unset HANDCART_METRICS_PUBLIC and use HANDCART_METRICS_PORT"
        )
    if settings.rate_limit_per_second == 0:
        found.problems.append("There is no rate limit: set HANDCART_RATE_LIMIT_PER_SECOND above 0")
    if is_key_guessable(key_text(settings)):
        found.problems.append(
            "The secret key can be guessed: use 32 random bytes, as from `python3 -c 'import secrets;"
            " print(secrets.token_urlsafe(32))'`, before anything is stored"
        )


def _console_warnings(settings: Settings) -> list[str]:
    """What opens the console to more than the operator's people."""
    if settings.console_listener is None:
        return ["The console is open to the world: set HANDCART_CONSOLE to host:port, such as 127.0.0.1:8090"]
    found = []
    host = settings.console_listener[0]
    if not is_loopback(host) and not _is_private(host):
        found.append(
            f"The console is open to everybody who can reach {host}: set HANDCART_CONSOLE to a loopback or private"
            " address, or let a firewall open its port to your people only"
        )
    shown = urlsplit(settings.console_origin)
    if shown.scheme != "https" and not is_loopback(shown.hostname or ""):
        found.append(
            "Passwords of the console may be sent unencrypted: set HANDCART_CONSOLE_URL to the https:// address of a"
            " proxy in front of it"
        )
    return found


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_unspecified


def _proxy_problems(settings: Settings) -> list[str]:
    if settings.is_https and not settings.trusted_proxies:
        return [
            "No proxy is trusted, so all customers count as one address: set HANDCART_TRUSTED_PROXIES to the addresses"
            " of your proxies, or to none if browsers connect without a proxy"
        ]
    held = public_addresses(_networks(settings.proxies))
    if "*" in settings.proxies or any(count >= most for count, most in zip(held, _MOST_PROXIES, strict=True)):
        return ["Strangers can be trusted proxies: set HANDCART_TRUSTED_PROXIES to only your proxies' addresses"]
    return []


def _look_at_callbacks(settings: Settings, found: Findings) -> None:
    for network in _networks(settings.callback_networks):
        if held := danger(network):
            found.problems.append(
                f"Callbacks may reach {held}: remove {network} from HANDCART_CALLBACK_NETWORKS, or use a smaller one"
            )
    if settings.callback_http:
        found.warnings.append(
            "Callbacks and the credentials for their tokens may be sent unencrypted: unset HANDCART_CALLBACK_HTTP"
        )
    if "*" in parts(settings.callback_ports):
        found.warnings.append(
            "Callbacks may reach every port: set HANDCART_CALLBACK_PORTS to the ports that are needed"
        )


def _networks(text: str) -> list[Network]:
    return [ip_network(part) for part in parts(text) if part != "*"]


def _look_at_files(settings: Settings, found: Findings) -> None:
    for finding in ownership.findings(_files(settings)):
        (found.problems if finding.is_grave else found.warnings).append(finding.text)


def _files(settings: Settings) -> Iterable[Path]:
    if not is_postgres(settings.database_url):
        path = sqlite_path(settings.database_url)
        yield from (Path(path), *(Path(f"{path}{side}") for side in _SIDE_FILES))
    if not settings.secret_key:
        yield settings.key_file


def _postgres_url_problems(url: str) -> list[str]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = parts.hostname or query.get("host", [""])[0]
    is_local = not host or host in _LOOPBACK or host.startswith("/")
    if is_local or query.get("sslmode", [""])[0] in ("require", "verify-ca", "verify-full"):
        return []
    return [f"The connection to {host} may be unencrypted: add ?sslmode=verify-full to the database URL"]


async def _look_at_rows(tx: Tx, found: Findings) -> None:
    there = await retailers.retailers(tx)
    if DEMO_RETAILER in (retailer.slug for retailer in there):
        found.problems.append(
            "The database has the demo's retailer and accounts: use a separate database for production"
        )
    if await installation.has_served(tx, "sandbox"):
        found.problems.append(
            "A sandbox has served this database, so it may have data of tests: set HANDCART_DATABASE or"
            " HANDCART_DATA to a new database for production, and run `handcart migrate`"
        )
    if not await staff.has_admin(tx):
        found.warnings.append(
            "No operator admin can sign in to the console: open the link that `handcart serve` logs when it starts, or"
            " run `handcart staff invite --role operator_admin`"
        )
    for retailer in there:
        for switch in ("is_lenient", "serves_everywhere"):
            if getattr(retailer, switch):
                change = f"handcart retailer set {retailer.slug} {switch}=false"
                found.warnings.append(f"{retailer.slug} has a setting that is for tests: run `{change}`")


async def _postgres_problems(tx: Tx) -> list[str]:
    found = []
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        row = await tx.one("SELECT current_setting($1) AS value", name)
        if row is None or row["value"] == "off":
            found.append(f"PostgreSQL may lose acknowledged writes: set {name} = on")
    return found
