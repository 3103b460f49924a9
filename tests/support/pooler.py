"""PgBouncer in front of a test's PostgreSQL, until the block ends."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit


def find_pgbouncer() -> str | None:
    """The path of PgBouncer; None if it is not installed."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Pooler:
    """A PgBouncer; `start` and `stop` restart it on the same port."""

    def __init__(self, url: str, directory: Path, settings: dict[str, str]) -> None:
        self._parts = urlsplit(url)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        chosen = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self._port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": f"{directory}/users",
            "pool_mode": "transaction",
            **settings,
        }
        target = f"host={self._parts.hostname} port={self._parts.port}"
        lines = [
            "[databases]",
            f"* = {target}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in chosen.items()),
        ]
        (directory / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        (directory / "users").write_text(f'"{self._parts.username}" "{self._parts.password}"\n')
        self._directory = directory
        self.start()

    def url(self, query: str = "?pooler=transaction") -> str:
        netloc = f"{self._parts.username}:{self._parts.password}@127.0.0.1:{self._port}"
        return self._parts._replace(netloc=netloc).geturl() + query

    def start(self) -> None:
        program = find_pgbouncer()
        assert program, "PgBouncer is missing: install the package pgbouncer"
        user = {} if os.geteuid() else {"user": pwd.getpwnam("nobody").pw_uid}
        self._process = subprocess.Popen(
            [program, "-q", self._directory / "pgbouncer.ini"], stderr=subprocess.DEVNULL, **user
        )
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert self._process.poll() is None, "PgBouncer did not start"
            time.sleep(0.01)
        raise AssertionError("PgBouncer does not listen")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def pooler(url: str, **settings: str) -> Iterator[Pooler]:
    """Run PgBouncer in front of the server of `url`."""
    directory = Path(tempfile.mkdtemp(prefix="handcart-pooler-"))
    directory.chmod(0o755)
    running = Pooler(url, directory, settings)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory)
