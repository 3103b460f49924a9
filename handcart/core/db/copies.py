"""Copy an SQLite database while servers write to it, and restore it from a copy.

Every file is written under a temporary name, flushed and checked before it is renamed, so a kill at any moment leaves
either the old file or the new one.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from handcart.core.db import no_installation
from handcart.core.db.connect import BadCopy, is_postgres, sqlite_path
from handcart.core.db.migrate import WrongKey
from handcart.core.db.sqlite import RESTORING, alone, connect_file, give_to_owner, use
from handcart.migrations import SCHEMA_VERSION

# Called with the current step, the number of pages done, and the total (0: unknown).
Progress = Callable[[str, int, int], None]
_PAGE = "docs/operations/backup.md"
_PAGES = 1024  # per step: 4 MiB
_CHECK_STEPS = 1_000_000  # SQLite instructions between two reports


@dataclass(frozen=True)
class Copy:
    """A checked copy. `size` in bytes; `schema` its newest migration; `key` the fingerprint of its secret key."""

    file: Path
    size: int
    schema: str
    key: str


def database_file(url: str) -> str:
    """The file of an SQLite database; raises `BadCopy` for PostgreSQL, which has tools of its own for backups."""
    if is_postgres(url):
        raise BadCopy(f"the database is PostgreSQL: back it up and restore it with PostgreSQL's own tools, see {_PAGE}")
    return sqlite_path(url)


def back_up(path: str, target: Path, progress: Progress) -> Copy:
    """Copy a consistent snapshot of the database at `path` into the new file `target` (mode 0600), and check it.

    Servers can read and write meanwhile. Raises `BadCopy` if `target` exists, if its directory or the
    database does not, or if the copy fails its check; `OSError` if the file cannot be written.
    """
    if target.exists():
        raise BadCopy(f"{target} exists already: name a new file")
    if not Path(path).exists():
        raise BadCopy(no_installation(path))
    directory = target.absolute().parent
    if not directory.is_dir():
        raise BadCopy(f"there is no directory {directory}: make it first")
    in_use = use(path)
    try:
        with closing(connect_file(path)) as source:
            made = _copy(source, target, progress)
    finally:
        os.close(in_use)
    try:
        found = inspect(made, progress)
        os.rename(made, target)
    finally:
        made.unlink(missing_ok=True)
    _flush_directory(target)
    return Copy(target, found.size, found.schema, found.key)


def restore(path: str, copy: Path, key: str | None, progress: Progress) -> tuple[Copy, Path | None]:
    """Replace the database at `path` by a copy; returns the copy, and the path of the replaced database.

    `key`: the fingerprint of the installation's secret key, None if there is no key.
    The copy is checked first. The replaced database is renamed together with its side file (`-wal`), so it can still
    be opened. After an interrupted restore, run it again. Raises `Unavailable` while any other process uses the
    database, `BadCopy` for a file that cannot be used, `WrongKey` if it belongs to another key.
    """
    database = Path(path)
    if not copy.is_file():
        raise BadCopy(f"there is no file {copy}")
    if database.exists() and database.samefile(copy):
        raise BadCopy(f"{copy} is the database itself: give a backup of it")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(path):
        with closing(_open_copy(copy)) as source:
            made = _copy(source, database, progress)
        try:
            give_to_owner(path, made)
            found = inspect(made, progress)
            if found.schema > SCHEMA_VERSION:
                raise BadCopy(
                    f"{copy} has schema {found.schema}, this release has {SCHEMA_VERSION}: install the backup's release"
                )
            if key is None:
                raise BadCopy(
                    "there is no secret key here, and a backup does not contain it: copy the key with the fingerprint"
                    f" {found.key} to the key file of the settings, then restore again"
                )
            if found.key != key:
                raise WrongKey(found.key, key)
            os.replace(made, f"{path}{RESTORING}")
        finally:
            made.unlink(missing_ok=True)
        _flush_directory(database)
        return found, _swap(database)


def inspect(file: Path, progress: Progress) -> Copy:
    """Check a copy that no process writes to: every page, index and foreign key. Raises `BadCopy`."""
    steps = 0

    def tick() -> None:
        nonlocal steps
        steps += 1
        progress("Checking the copy", steps, 0)

    try:
        with closing(sqlite3.connect(_uri(file, "immutable=1"), uri=True)) as opened:
            opened.set_progress_handler(tick, _CHECK_STEPS)
            damage = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
            orphans = islice(opened.execute("PRAGMA foreign_key_check"), 3)
            damage += [f"a row of {row[0]} refers to nothing" for row in orphans]
            if damage:
                raise BadCopy(f"the copy is damaged ({'; '.join(damage)}): use another one")
            (schema,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
            (key,) = opened.execute("SELECT value FROM installation WHERE name = 'secret_key_fingerprint'").fetchone()
    except sqlite3.DatabaseError as error:
        raise BadCopy(f"the copy cannot be read as a Handcart database ({error}): use another one") from None
    except TypeError:  # no row
        raise BadCopy("the copy is not a database of Handcart: use another one") from None
    return Copy(file, file.stat().st_size, schema, key)


def _open_copy(copy: Path) -> sqlite3.Connection:
    """Open a copy, with its side file if it has one: snapshots of a file system contain both."""
    side = Path(f"{copy}-wal")
    has_side = side.exists() and side.stat().st_size > 0
    return sqlite3.connect(_uri(copy, "mode=ro" if has_side else "immutable=1"), uri=True, isolation_level=None)


def _copy(source: sqlite3.Connection, beside: Path, progress: Progress) -> Path:
    """Copy a snapshot of `source` into a new private file in the directory of `beside`; returns the file."""
    descriptor, name = tempfile.mkstemp(prefix=f".{beside.name}.", dir=beside.parent)
    made = Path(name)
    try:
        with closing(sqlite3.connect(made, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # flushed once, below
            # Within a transaction SQLite keeps reading the state of its first read, whatever others write.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_PAGES, progress=lambda _, left, all_: progress("Copying", all_ - left, all_))
            source.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = WAL")  # some copying tools change it
        os.fsync(descriptor)
    except BaseException as error:
        made.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError):  # such as a full disk
            raise BadCopy(f"the file cannot be copied: {error}") from None
        if isinstance(error, sqlite3.DatabaseError):
            raise BadCopy(f"the file cannot be copied ({error}): it is damaged, or not an SQLite database") from None
        raise
    finally:
        os.close(descriptor)
    return made


def _swap(database: Path) -> Path | None:
    """Move the restored file to the place of the database; keep the old database and its side file under new names.

    Both old files are linked under their new names first and unlinked afterwards, so the kept pair is always complete.
    """
    kept = None
    if database.exists():
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        kept = database.with_name(f"{database.name}.replaced-{moment}")
        os.link(database, kept)
    wal = Path(f"{database}-wal")
    if wal.exists():
        if kept is not None:
            os.link(wal, f"{kept}-wal")
        wal.unlink()
    Path(f"{database}-shm").unlink(missing_ok=True)
    os.rename(f"{database}{RESTORING}", database)
    _flush_directory(database)
    return kept


def _uri(file: Path, options: str) -> str:
    return f"file:{quote(str(file.resolve()))}?{options}"


def _flush_directory(file: Path) -> None:
    """Flush the directory of a file, so that a new name in it survives a power cut."""
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
