"""A private PostgreSQL cluster for tests and benchmarks; deleted when its owner ends, however that ends."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_SECONDS = 60
STOP_SECONDS = 30
START_TRIES = 5  # another process may take the free port between our look and the start

# postgres, and a watchdog beside it that reads the pipe on fd 0: a line means all is well, its end without one means
# that the owner was killed, so stop and clean up. The second fork gives the watchdog to init, for postgres must not
# find a child it does not know.
GUARDED = """
( { read -r _ || {
      kill -QUIT $$; tries=0
      while [ -e "$0/data/postmaster.pid" ] && [ $((tries += 1)) -le 100 ]; do sleep 0.1; done
      rm -rf -- "$0"
    }; } <&3 >/dev/null 2>&1 & ) 3<&0
exec "$@" </dev/null
"""

# The number of deadlocks in a database since its cluster started: each leaves a line in the cluster's log.
DEADLOCKS = """SELECT count(*) AS found FROM regexp_matches(
    pg_read_file(current_setting('data_directory') || '/../log'),
    '^' || current_database() || ' ERROR:  deadlock detected', 'gn')"""

# The data is thrown away: nothing waits for the disk unless the caller asks.
VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_binaries() -> Path | None:
    """Directory of the newest installed PostgreSQL server binaries, None when there are none."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda initdb: int(initdb.parts[-3]), default=None)
    on_path = shutil.which("initdb")
    if newest is None and on_path:
        newest = Path(on_path).resolve()
    return newest.parent if newest else None


@contextmanager
def cluster(*, durable: bool = False, settings: Sequence[str] = (), base: Path | None = None) -> Iterator[str]:
    """
    Run a fresh cluster; yield the DSN of its empty database `postgres` (superuser, loopback, random password).

    `durable=True` keeps PostgreSQL's own settings for fsync, commits and page writes; `settings` are further ones,
    as name=value. `base`: a base backup to start from; it is moved, and its own password belongs into the DSN.
    Raises RuntimeError when the server binaries are missing or the cluster does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="handcart-pg-"))
    try:
        password = ""
        if base is None:
            password = _initialise(directory)
        else:
            give(directory)
            shutil.move(base, directory / "data")
        process, port = _start(directory, (*(() if durable else VOLATILE), *settings))
        try:
            yield f"postgresql://handcart:{password}@127.0.0.1:{port}/postgres"
        finally:
            _stop(process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def create_database(dsn: str, template: str | None = None) -> str:
    """Create a database in the cluster of `dsn`, as a copy of the database `template` if given; return its DSN."""
    server = urlsplit(dsn)
    name = f"test_{secrets.token_hex(6)}"
    where = {"PGHOST": server.hostname, "PGPORT": server.port, "PGUSER": server.username, "PGPASSWORD": server.password}
    subprocess.run(
        [binary("createdb"), *(["--template", template] if template else []), name],
        env=os.environ | {key: str(value) for key, value in where.items()},
        check=True,
    )
    return server._replace(path=f"/{name}").geturl()


def give(path: Path) -> None:
    """Give a file, or a directory with its content, to the user that runs the servers."""
    identity = _unprivileged()
    for file in [path, *path.rglob("*")] if identity else ():
        os.chown(file, identity["user"], identity["group"])


def binary(name: str) -> Path:
    """One of PostgreSQL's programs; raises RuntimeError if it is missing."""
    directory = find_binaries()
    if directory is None:
        raise RuntimeError("PostgreSQL server binaries are missing: install the package postgresql")
    return directory / name


def _unprivileged() -> dict[str, Any]:
    """Process options for the servers: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(directory: Path) -> str:
    """Make the data directory; return the superuser's password."""
    password = secrets.token_urlsafe(16)
    password_file = directory / "password"
    password_file.write_text(password)
    identity = _unprivileged()
    give(directory)
    # trust on the socket only, which lies in a directory that is closed to others
    options = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}", "--username=handcart"]
    options += ["--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
    command: list[str | Path] = [binary("initdb"), "-D", directory / "data"]
    result = subprocess.run([*command, *options], cwd=directory, capture_output=True, text=True, **identity)
    if result.returncode:
        raise RuntimeError(f"initdb failed: {result.stderr.strip()}")
    return password


def _start(directory: Path, settings: tuple[str, ...]) -> tuple[subprocess.Popen[Any], int]:
    for _ in range(START_TRIES):
        port = _free_port()
        options = [f"unix_socket_directories={directory}", "listen_addresses=127.0.0.1", f"port={port}"]
        options += ["max_connections=200", "log_line_prefix=%d ", *settings]
        command: list[str | Path] = ["/bin/sh", "-c", GUARDED, directory, binary("postgres"), "-D", directory / "data"]
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *(f"--{option}" for option in options)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=directory,
                start_new_session=True,  # Ctrl-C is meant for the owner, who then stops the cluster
                **_unprivileged(),
            )
        if _becomes_ready(process, directory / "data" / "postmaster.pid"):
            return process, port
        _stop(process)
    raise RuntimeError(f"PostgreSQL did not start:\n{(directory / 'log').read_text()[-2000:]}")


def _becomes_ready(process: subprocess.Popen[Any], status: Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            if status.read_text().rstrip().endswith("ready"):
                return True
        time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[Any]) -> None:
    process.send_signal(signal.SIGQUIT)  # at once: the data is thrown away
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.communicate(b"\n")  # lets the watchdog go


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
