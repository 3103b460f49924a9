"""Notes about this installation, in the table `installation`: where it is reached, and what has served its database."""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.settings import Settings

_SERVED = "{} served at"


async def remember_public_url(tx: Tx, public_url: str) -> None:
    """Store the server's public URL, for commands that print addresses."""
    await tx.run(
        "INSERT INTO installation (name, value) VALUES ('public_url', $1)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        public_url,
    )


async def public_url(tx: Tx) -> str:
    """The public URL of the last server; empty before its first start."""
    row = await tx.one("SELECT value FROM installation WHERE name = 'public_url'")
    return row["value"] if row else ""


async def issuer(tx: Tx, settings: Settings) -> str:
    """The public URL of this installation: from its settings, else of its last server; empty if unknown."""
    return settings.issuer or await public_url(tx)


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
