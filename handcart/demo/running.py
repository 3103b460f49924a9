"""The demo of a data directory: a lock that its process holds, and an info file with its URL and credentials.

Both are in the data directory, so that every command finds a demo that runs on this machine.
"""

import fcntl
import json
import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from handcart.core.errors import Refused
from handcart.core.settings import Settings

INFO = "info.json"
_LOCK = "demo.lock"
# Tries to get the lock, since a command that checks for a running demo holds it for a moment.
_TRIES = 10
_PAUSE_SECONDS = 0.02


class NotAnInfoFile(Refused):
    """A file that was not written by a demo; the text says so."""


class AlreadyRuns(Exception):
    """Another demo is running in the data directory; the text has its URL."""


def default_directory() -> Path:
    """The data directory of a demo without `--data`."""
    return Settings().data_directory / "demo"


def stop_command(own: str, data: Path) -> str:
    """The command that stops the demo of a data directory; `own`: how the shell calls `handcart`."""
    is_default = data.resolve() == default_directory().resolve()
    return f"{own} demo --stop" if is_default else f"{own} demo --stop --data {shlex.quote(str(data))}"


@contextmanager
def claim(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory until the block ends. Raises `AlreadyRuns` if another demo has it."""
    with os.fdopen(os.open(data / _LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        if not _lock(lock.fileno()):
            where = _read(data / INFO).get("api_url") if (data / INFO).exists() else None
            raise AlreadyRuns(
                f"a demo already runs in {data}, at {where}: stop it by `{stop_command('handcart', data)}`"
                if where
                else f"a demo is already starting in {data}"
            )
        yield


def find(data: Path) -> Mapping[str, Any] | None:
    """The info file of the demo that runs in a data directory; None if none is running and ready."""
    if not (data / INFO).exists():
        return None
    try:
        with (data / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read(data / INFO)
    except OSError:  # no lock file, or it belongs to another user
        return None
    return None  # the demo was killed


def read(file: Path) -> Mapping[str, Any]:
    """Read an info file; `file` may also be its data directory. Raises `NotAnInfoFile`, OSError."""
    if file.is_dir():
        file /= INFO
    info = _read(file)
    if not {"api_url", "client_id", "client_secret"} <= info.keys():
        raise NotAnInfoFile(f"{file} is not an info file of `handcart demo`")
    return info


def write_private(file: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with mode 0600, atomically."""
    descriptor, part = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # with an unpredictable name
    with os.fdopen(descriptor, "w") as opened:
        json.dump(content, opened, indent=2)
        opened.write("\n")
    os.replace(part, file)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        info = json.loads(file.read_text())
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def _lock(descriptor: int) -> bool:
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_SECONDS)
    return False
