"""Start and stop the measured servers: pinned to cores, on a free loopback port, in a minimal environment."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Launch:
    """How to start one server: command, additions to its environment, directory, and a path that answers 200."""

    command: Sequence[str]
    live_path: str
    environment: Mapping[str, str]
    directory: Path


@dataclass(frozen=True)
class Running:
    """A started server."""

    pid: int
    url: str
    first_answer_seconds: float


class ServerError(RuntimeError):
    """A server that did not start or has ended; the text has the last lines and the path of its log."""


def server_cores(workers: int) -> list[int]:
    """The server's cores: one worker has core 0 to itself; more workers share every core with the load."""
    return CORES[:1] if workers == 1 else CORES


def load_cores(workers: int) -> list[int]:
    """The load's cores: with one worker, core 1; on a machine with one core they share it."""
    return (CORES[1:2] or CORES) if workers == 1 else CORES


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """`command`, restricted to `cores` with all its children."""
    taskset = shutil.which("taskset")
    if taskset is None:
        raise RuntimeError("taskset is missing: install the package util-linux")
    return [taskset, "--cpu-list", ",".join(map(str, cores)), *command]


def bare_environment() -> dict[str, str]:
    """The environment of every server, without variables that could slow Python down or change its behavior."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(launch: Launch, port: int, *, cores: Sequence[int], log: Path) -> Iterator[Running]:
    """
    Run a server for the length of the block, which begins when its live path answers 200.

    Raises ServerError if it does not start, or ends by itself.
    """
    with log.open("ab") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            pinned(launch.command, cores),
            env=bare_environment() | dict(launch.environment),
            cwd=launch.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while not _answers(port, launch.live_path):
            if process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                raise ServerError(f"did not start: {_last_line(log)}")
            time.sleep(POLL_SECONDS)
        yield Running(process.pid, f"http://{HOST}:{port}", time.monotonic() - begun)
        if process.poll() is not None:
            raise ServerError(f"ended under load: {_last_line(log)}")
    finally:
        _stop(process)


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=START_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, then remaining processes of its session."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return f"{next((line for line in reversed(lines) if line.strip()), '')} (in {log})"
