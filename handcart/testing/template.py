"""The database with which every test starts: created once per release, and kept in the user's cache directory."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from handcart import __file__ as package
from handcart import __version__
from handcart.core.secret import Keys

# Not secret: these databases are all alike, and only in the memory of a server on a loopback address.
KEYS = Keys(b"handcart.testing: a key for tests, and for tests alone")
REDIRECT_URI = "https://shop.example/account/link/callback"
_PASSWORD = "a password that nobody guesses"  # noqa: S105 (as above)
_ACCOUNTS = (("member@example.com", True), ("guest@example.com", False))
_KEPT_SECONDS = 30 * 86_400
# The files that create the template; a change of one makes the template stale.
_MADE_BY = (
    "migrations/versions/*.py",
    "stores/samples.py",
    "stores/postal.py",
    "demo/samples.py",
    "testing/template.py",
)


def load() -> tuple[sqlite3.Connection, dict[str, Any]]:
    """A copy in memory, and its credentials: client_id, client_secret, accounts. Creates the template if needed."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with _file() as file, closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as kept:
        kept.backup(copy)
    (text,) = copy.execute("SELECT value FROM installation WHERE name = 'testing'").fetchone()
    return copy, json.loads(text)


@contextmanager
def _file() -> Iterator[Path]:
    """The template's file. If the cache directory is not writable, a temporary directory is used."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # Relative paths are ignored (XDG Base Directory Specification); `~` is not expanded without a home directory.
    base = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    directory = Path(base, "handcart", "testing")
    file = directory / f"{_digest()}.db"
    try:
        if not directory.is_absolute():
            raise FileNotFoundError("there is no home directory")
        if not file.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_once(directory, file)
    except OSError:
        with tempfile.TemporaryDirectory() as passing:
            yield _make(Path(passing))
    else:
        yield file


def _digest() -> str:
    root = Path(package).parent
    digest = hashlib.sha256(__version__.encode())
    for pattern in _MADE_BY:
        for source in sorted(root.glob(pattern)):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:24]


def _make_once(directory: Path, file: Path) -> None:
    """Create the file atomically. If several processes run at once, one creates it and the others wait."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            return
        for broken_off in directory.glob("making-*"):
            shutil.rmtree(broken_off, ignore_errors=True)
        for old in directory.glob("*.db"):
            if old.stat().st_mtime < time.time() - _KEPT_SECONDS:
                old.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=directory) as making:
            os.replace(_make(Path(making)), file)


def _make(directory: Path) -> Path:
    from handcart.core.db import connect, migrate
    from handcart.demo import samples as demo_samples
    from handcart.sign_in import passwords

    made = directory / "made.db"
    url = f"sqlite:///{made}"
    samples = [{"email": email, "password": _PASSWORD, "instacartplus_member": member} for email, member in _ACCOUNTS]

    async def seed() -> None:
        database = await connect.connect(url, KEYS)
        try:
            hashed = passwords.hash_new(_PASSWORD)
            credentials = await database.write(demo_samples.make_samples, samples, [hashed for _ in samples])
            await database.write(demo_samples.stock)
            await database.write(_remember, json.dumps(credentials))
        finally:
            await database.close()

    migrate.migrate(url, KEYS)
    asyncio.run(seed())
    whole = directory / "template.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("VACUUM INTO ?", [str(whole)])
    whole.chmod(0o600)
    return whole


async def _remember(tx: Any, credentials: str) -> None:
    from handcart.retailers import clients

    await clients.register_redirect_uris(tx, json.loads(credentials)["client_id"], [REDIRECT_URI])
    await tx.run("INSERT INTO installation (name, value) VALUES ('testing', $1)", credentials)
