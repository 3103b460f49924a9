"""Checks whether other users can read or replace a file: its mode and owner, and those of the directories above it.

As OpenSSH's StrictModes (sshd_config(5)), with three differences: the group root counts as root, since containers run
as any user of that group; other groups with write access, and other owners of higher directories, are warnings.
"""

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """A sentence that says what is wrong and what to run. `is_grave`: another user can read or replace a secret."""

    text: str
    is_grave: bool


def findings(files: Iterable[Path]) -> list[Finding]:
    """Problems of private files and the directories above them; files that do not exist are skipped.

    Files must belong to the user of this process or to root. For root, they must belong to the owner of the first file.
    """
    there = [file.resolve() for file in files if file.exists()]
    if not there:
        return []
    user = os.geteuid() or there[0].stat().st_uid
    found = [finding for file in there for finding in _of_file(file, user)]
    for near in sorted({file.parent for file in there}):
        found += _of_directory(near, user, is_near=True)
    for far in sorted({parent for file in there for parent in file.parent.parents}):
        found += _of_directory(far, user, is_near=False)
    return list(dict.fromkeys(found))


def _of_file(file: Path, user: int) -> Iterator[Finding]:
    status = file.stat()
    if status.st_uid not in (user, 0):
        yield Finding(f"{file} belongs to {_name(status.st_uid)}: run chown {_name(user)} {file}", True)
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(f"{file} can be read by others: run chmod 600 {file}", True)


def _of_directory(directory: Path, user: int, *, is_near: bool) -> Iterator[Finding]:
    status = directory.stat()
    replaced = f"The files in {directory} can be replaced by"
    if status.st_uid not in (user, 0):
        owner = _name(status.st_uid)
        yield Finding(f"{replaced} {owner}: run chown {_name(user)} {directory}", is_near)
    # In a sticky directory, such as /tmp, users cannot rename files of others, but they can add files.
    is_guarded = bool(status.st_mode & stat.S_ISVTX) and not is_near
    if status.st_mode & stat.S_IWOTH and not is_guarded:
        yield Finding(f"{replaced} everybody: run chmod o-w {directory}", True)
    if status.st_mode & stat.S_IWGRP and status.st_gid != 0 and not is_guarded:
        yield Finding(f"{replaced} its group: run chmod g-w {directory}", False)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
