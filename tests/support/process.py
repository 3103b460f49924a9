"""`handcart` as a separate process, as an operator runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
HANDCART = (sys.executable, "-m", "handcart")
START_SECONDS = 60


def heed_interrupts() -> None:
    """Undo what a shell does to a background job: it ignores SIGINT, and so does every program that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Server:
    """A running `handcart serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        """Return when it answers. The socket listens before the process starts, so one request waits for it."""
        try:
            answer = httpx.get(f"{self.url}/ready", timeout=START_SECONDS, verify=False)
        except httpx.TransportError:
            raise AssertionError(self.log.read_text()) from None
        assert answer.status_code == 200, answer.text

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its log lines about an event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def kill(self) -> None:
        """SIGKILL, as a power cut does it."""
        self.process.kill()
        self.process.wait()


def environment(**settings: str) -> dict[str, str]:
    """The environment without any setting but these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HANDCART_")}
    return {**clean, **{f"HANDCART_{name.upper()}": value for name, value in settings.items()}}


def run(*arguments: str, stdin: str | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*HANDCART, *arguments],
        cwd=ROOT,
        env=environment(**settings),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


def start_server(
    database_url: str, data: Path, *options: str, command: Sequence[str] = HANDCART, **settings: str
) -> Server:
    """Start `handcart serve` on a socket that listens already; the caller ends it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        url, number = f"http://127.0.0.1:{listener.getsockname()[1]}", listener.fileno()
        log = data / f"server-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            arguments = ["serve", "--environment", "sandbox", "--fd", str(number), "--public-url", url, *options]
            process = subprocess.Popen(
                [*command, *arguments, "--database", database_url, "--data", str(data)],
                cwd=ROOT,
                env=environment(**{"rate_limit_per_second": "0", "access_log": "off", **settings}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[number],
                start_new_session=True,
            )
    return Server(url, process, log)


def start_worker(database_url: str, data: Path, *options: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start `handcart worker`, for a sandbox; the caller ends it."""
    where = ["--database", database_url, "--data", str(data)]
    with (data / f"worker-{time.monotonic_ns()}.log").open("wb") as output:
        return subprocess.Popen(
            [*HANDCART, "worker", "--environment", "sandbox", *where, *options],
            cwd=ROOT,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@contextmanager
def server(database_url: str, data: Path, *options: str, **settings: str) -> Iterator[Server]:
    """`handcart serve` until the block ends."""
    running = start_server(database_url, data, *options, **settings)
    try:
        running.wait_until_ready()
        yield running
    finally:
        end(running.process)


def kill_group(process: subprocess.Popen[Any]) -> None:
    """SIGKILL to a process and all that it has started, as a power cut does it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end(process: subprocess.Popen[Any]) -> int:
    """Send SIGTERM and wait; returns the status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
