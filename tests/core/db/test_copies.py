"""Copies of an SQLite database: consistent, checked, and restored completely or not at all."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handcart.core.db import Unavailable, connect, copies, sqlite
from handcart.core.db.connect import BadCopy
from handcart.core.db.migrate import WrongKey
from handcart.core.db.sqlite import SqliteDatabase, connect_file
from handcart.core.secret import Keys
from tests.support.server import SECRET_KEY, make_data

KEYS = Keys(SECRET_KEY.encode())
KEY = KEYS.fingerprint
NOTES = "SELECT name FROM installation WHERE name LIKE 'note %' ORDER BY name"


def quiet(label: str, done: int, total: int) -> None:
    """No progress."""


def note(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO installation (name, value) VALUES (?, '')", [f"note {number}"])


def notes(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as opened:
        return [int(name.split()[1]) for (name,) in opened.execute(NOTES)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An unused database with note 1."""
    make_data(tmp_path)
    with closing(connect_file(str(tmp_path / "handcart.db"))) as connection:
        note(connection, 1)
    return tmp_path / "handcart.db"


@pytest.fixture
def copy(path: Path, tmp_path: Path) -> Path:
    """A backup, made before note 2."""
    copies.back_up(str(path), tmp_path / "copy.db", quiet)
    with closing(connect_file(str(path))) as connection:
        note(connection, 2)
    return tmp_path / "copy.db"


@pytest.fixture
def killed(path: Path, copy: Path) -> Iterator[Path]:
    """The database as a killed server leaves it: note 3 is only in the side file."""
    with closing(connect_file(str(path))) as connection:
        note(connection, 3)
        assert Path(f"{path}-wal").stat().st_size
        yield path


def restore(path: Path, copy: Path, key: str | None = KEY) -> tuple[copies.Copy, Path | None]:
    return copies.restore(str(path), copy, key, quiet)


def test_others_write_during_a_backup_then_the_copy_is_of_one_moment(path: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    with closing(connect_file(str(path))) as writer:

        def write(label: str, done: int, total: int) -> None:
            if label == "Copying" and done < total:
                steps.append(done)
                note(writer, 1 + len(steps))

        before = copies._PAGES
        try:
            copies._PAGES = 100
            made = copies.back_up(str(path), tmp_path / "copy.db", write)
        finally:
            copies._PAGES = before
    assert len(steps) > 5
    assert steps == sorted(steps), "the copy started again"
    assert notes(made.file) == [1]
    assert len(notes(path)) == 1 + len(steps)


def test_backup_then_private_and_named_by_its_key(path: Path, tmp_path: Path) -> None:
    made = copies.back_up(str(path), tmp_path / "copy.db", quiet)
    assert (made.key, made.size) == (KEY, (tmp_path / "copy.db").stat().st_size)
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    with pytest.raises(BadCopy, match=r"copy\.db exists already: name a new file"):
        copies.back_up(str(path), tmp_path / "copy.db", quiet)
    with pytest.raises(BadCopy, match=r"there is no installation at /.* \(no none\.db\)"):
        copies.back_up(str(tmp_path / "none.db"), tmp_path / "other.db", quiet)
    with pytest.raises(BadCopy, match=f"^there is no directory {tmp_path}/none/copies: make it first$"):
        copies.back_up(str(path), tmp_path / "none" / "copies" / "copy.db", quiet)
    assert not (tmp_path / "none.db").exists()


def test_restore_after_a_kill_then_only_rows_of_the_copy_and_the_old_kept(killed: Path, copy: Path) -> None:
    _, kept = restore(killed, copy)
    assert notes(killed) == [1]
    assert kept is not None
    assert notes(kept) == [1, 2, 3]
    assert notes(copy) == [1]
    assert stat.S_IMODE(killed.stat().st_mode) == 0o600


def test_canary_copied_over_by_hand_then_the_old_side_file_spoils_it(killed: Path, copy: Path) -> None:
    shutil.copy(copy, killed)
    try:
        assert notes(killed) != [1]
    except sqlite3.DatabaseError as error:
        assert "malformed" in str(error)  # noqa: PT017


def test_restore_without_a_database_then_it_is_made(path: Path, copy: Path, tmp_path: Path) -> None:
    new = tmp_path / "new" / "handcart.db"
    _, kept = restore(new, copy)
    assert (notes(new), kept) == ([1], None)
    assert stat.S_IMODE(new.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("step", ["link", "unlink", "rename"])
def test_restore_cut_short_then_nobody_serves_until_another_one_finishes(
    killed: Path, copy: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "unlink" else os, step, fail)
        with pytest.raises(KeyboardInterrupt):
            restore(killed, copy)
    with pytest.raises(Unavailable, match="was interrupted: run `handcart restore` with the same file again"):
        SqliteDatabase(str(killed), KEYS)
    restore(killed, copy)
    assert notes(killed) == [1]
    pairs = [file for file in killed.parent.glob("*.replaced-*Z") if Path(f"{file}-wal").exists()]
    assert notes(pairs[0]) == [1, 2, 3]


def test_database_in_use_then_no_restore_and_restored_then_no_use(path: Path, copy: Path) -> None:
    with connect.in_use(f"sqlite:///{path}"), pytest.raises(Unavailable, match="is in use: stop `handcart serve`"):
        restore(path, copy)
    with sqlite.alone(str(path)), pytest.raises(Unavailable, match="is being restored"):
        SqliteDatabase(str(path), KEYS)
    restore(path, copy)


def damage(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    for start in range(40 * 4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    copy.write_bytes(content)


def orphan(copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("INSERT INTO redirect_uris VALUES ('nobody', 'https://shop.example')")


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


BAD = {
    "damage": (damage, "is damaged"),
    "orphan": (orphan, "is damaged .*redirect_uris refers to nothing"),
    "newer": (newer, "has schema 9999, this release has .*: install the backup's release"),
    "text": (lambda copy: copy.write_text("no database"), "cannot be copied"),
    "empty": (lambda copy: copy.write_bytes(b""), "cannot be read as a Handcart database"),
    "gone": (Path.unlink, "there is no file"),
}


@pytest.mark.parametrize("name", BAD)
def test_copy_that_cannot_be_used_then_a_sentence_and_nothing_changes(killed: Path, copy: Path, name: str) -> None:
    spoil, sentence = BAD[name]
    spoil(copy)
    before = sorted(file.name for file in killed.parent.iterdir())
    with pytest.raises(BadCopy, match=sentence):
        restore(killed, copy)
    assert sorted(file.name for file in killed.parent.iterdir()) == sorted({*before, "handcart.db.use"})
    assert notes(killed) == [1, 2, 3]


def test_other_key_no_key_or_the_database_itself_then_a_sentence(path: Path, copy: Path) -> None:
    with pytest.raises(WrongKey, match=f"its fingerprint is {KEY}, that of the key in use is 0123"):
        restore(path, copy, "0123")
    with pytest.raises(BadCopy, match=f"copy the key with the fingerprint {KEY} to the key file of the settings"):
        restore(path, copy, None)
    with pytest.raises(BadCopy, match="is the database itself"):
        restore(path, path)
    assert notes(path) == [1, 2]


def test_snapshot_with_a_side_file_of_its_own_then_both_are_restored(killed: Path, tmp_path: Path) -> None:
    for side in ("", "-wal"):
        shutil.copy(f"{killed}{side}", tmp_path / f"snapshot.db{side}")
    restore(killed, tmp_path / "snapshot.db")
    assert notes(killed) == [1, 2, 3]


def test_copy_by_another_tool_then_the_restored_database_writes_ahead(path: Path, tmp_path: Path) -> None:
    with closing(connect_file(str(path))) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "vacuumed.db")])
    restore(path, tmp_path / "vacuumed.db")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert notes(path) == [1]
