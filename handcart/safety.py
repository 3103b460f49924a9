"""What makes production settings unsafe, each with what to change."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from handcart.core.db import Database, Tx
from handcart.core.settings import Settings, is_private
from handcart.core.stores import is_postgres, sqlite_path

DEMO_RETAILER = "sample-market"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def problems(settings: Settings, database: Database) -> list[str]:
    """Every reason not to serve customers with these settings; empty if there is none."""
    found = [*_settings_problems(settings), *_file_problems(settings)]
    found += await database.read(_demo_problems)
    if database.kind == "postgresql":
        found += await database.read(_postgres_problems)
    return found


def _settings_problems(settings: Settings) -> list[str]:
    found = []
    if not settings.public_url:
        found.append("The public URL is missing: set HANDCART_PUBLIC_URL to https://your.host")
    elif not settings.is_https:
        found.append(f"{settings.public_url} is not encrypted: set HANDCART_PUBLIC_URL to an https:// address")
    if re.search(r"\*|/0\b", settings.trusted_proxies):
        found.append("Every address is a trusted proxy: set HANDCART_TRUSTED_PROXIES to your proxies' own addresses")
    if settings.metrics_public:
        found.append("Anybody can read the metrics: unset HANDCART_METRICS_PUBLIC and use HANDCART_METRICS_PORT")
    if settings.rate_limit_per_second == 0:
        found.append("There is no rate limit: set HANDCART_RATE_LIMIT_PER_SECOND above 0")
    return found


def _file_problems(settings: Settings) -> list[str]:
    files = [] if settings.secret_key else [settings.key_file]
    if is_postgres(settings.database_url):
        return [*_readable_by_others(files), *_postgres_url_problems(settings.database_url)]
    return _readable_by_others([*files, Path(sqlite_path(settings.database_url))])


def _readable_by_others(files: list[Path]) -> list[str]:
    return [f"{file} can be read by others: run chmod 600 {file}" for file in files if not is_private(file)]


def _postgres_url_problems(url: str) -> list[str]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = parts.hostname or query.get("host", [""])[0]
    is_local = not host or host in _LOOPBACK or host.startswith("/")
    if is_local or query.get("sslmode", [""])[0] in ("require", "verify-ca", "verify-full"):
        return []
    return [f"The connection to {host} may be unencrypted: add ?sslmode=verify-full to the database URL"]


async def _demo_problems(tx: Tx) -> list[str]:
    if await tx.one("SELECT 1 AS found FROM retailers WHERE slug = $1", DEMO_RETAILER) is None:
        return []
    return ["The database holds the demo's retailer and accounts: use a database of its own for production"]


async def _postgres_problems(tx: Tx) -> list[str]:
    found = []
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        row = await tx.one("SELECT current_setting($1) AS value", name)
        if row is None or row["value"] == "off":
            found.append(f"PostgreSQL may lose acknowledged writes: set {name} = on")
    return found
