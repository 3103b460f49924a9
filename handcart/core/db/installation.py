"""Notes about this installation, in the table `installation`: where it is reached, and what has served its database."""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.settings import Settings

_SERVED = "{} served at"


async def remember_urls(tx: Tx, settings: Settings) -> None:
    """Store the server's public URL, and the URL of its console, for commands that print addresses."""
    for name, url in (("public_url", settings.issuer), ("console_url", settings.console_origin)):
        if await _stored(tx, name) != url:
            await tx.run(
                "INSERT INTO installation (name, value) VALUES ($1, $2)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                *(name, url),
            )


async def public_url(tx: Tx) -> str:
    """The public URL of the last server; empty before its first start."""
    return await _stored(tx, "public_url")


async def console_url(tx: Tx, settings: Settings) -> str:
    """The URL of the console for browsers: from its setting, else of the last server, else made from the settings."""
    return settings.console_url.rstrip("/") or await _stored(tx, "console_url") or settings.console_origin


async def issuer(tx: Tx, settings: Settings) -> str:
    """The public URL of this installation: from its settings, else of its last server; empty if unknown."""
    return settings.issuer or await public_url(tx)


async def _stored(tx: Tx, name: str) -> str:
    row = await tx.one("SELECT value FROM installation WHERE name = $1", name)
    return row["value"] if row else ""


async def note_served(tx: Tx, environment: str) -> None:
    """Record permanently that a server of this environment has served this database; only the first time is kept."""
    await tx.run(
        "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        _SERVED.format(environment),
        str(clock.of_process()),
    )


async def has_served(tx: Tx, environment: str) -> bool:
    """Whether a server of this environment has ever served this database.

    Earlier releases did not record it; there, stored sandbox settings show it.
    """
    row = await tx.one(
        "SELECT 1 AS found FROM installation WHERE name = $1 OR ($2 AND name LIKE 'sandbox of %') LIMIT 1",
        _SERVED.format(environment),
        environment == "sandbox",
    )
    return row is not None
