"""The load generator: wrk with a file of requests; returns throughput, latency and refusals of one window."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import cpu_seconds
from bench.processes import pinned

SCRIPT = Path(__file__).with_name("load.lua")
OVERTIME_SECONDS = 30


@dataclass(frozen=True)
class Request:
    """One HTTP request; `path` begins with a slash, headers and body contain no tab or line end."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Window:
    """The result of one measured window. Rates per second, CPU in microseconds per unit of work, latency in ms."""

    rate: float
    cpu_us: float
    database_cpu_us: float  # PostgreSQL's processes; 0 if the database is in the server's processes
    p50_ms: float
    p99_ms: float
    count: int


class LoadError(RuntimeError):
    """An invalid window: responses other than 2xx and 3xx, broken connections, or no response."""


def write_requests(path: Path, requests: Iterable[Request]) -> Path:
    """Write `requests` in the form that `load.lua` reads."""
    with path.open("w") as file:
        for request in requests:
            headers = "\1".join(f"{name}: {value}" for name, value in request.headers.items())
            file.write(f"{request.method}\t{request.path}\t{headers}\t{request.body}\n")
    return path


def wrk(
    url: str, requests: Path, *, seconds: float, connections: int, cores: Sequence[int], seed: int
) -> dict[str, int]:
    """
    Run wrk with one thread for `seconds` (at least 1) on `cores`; its counts, durations in microseconds.

    Raises LoadError when any answer was refused or a connection broke.
    """
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
    options += ["--timeout", f"{OVERTIME_SECONDS}s", "--script", str(SCRIPT)]
    command = ["wrk", *options, url, "--", str(requests), str(seed)]
    result = subprocess.run(
        pinned(command, cores), capture_output=True, text=True, timeout=seconds + OVERTIME_SECONDS, check=False
    )
    line = next((line for line in result.stdout.splitlines() if line.startswith("result ")), None)
    if result.returncode or line is None:
        raise LoadError(f"wrk failed: {result.stderr.strip() or result.stdout.strip()}")
    counts: dict[str, int] = json.loads(line.removeprefix("result "))
    if counts["refused"] or counts["broken"] or not counts["requests"]:
        raise LoadError(f"not a clean window: {counts}")
    return counts


class Meter:
    """Counts the CPU time of a server and its PostgreSQL since the meter was created."""

    def __init__(self, server: int, database: int | None) -> None:
        self._roots = (server, database)
        self._before = self._read()

    def window(self, count: int, seconds: float, p50_ms: float, p99_ms: float) -> Window:
        """The window that ends now, with `count` units of work in `seconds`."""
        spent = zip(self._read(), self._before, strict=True)
        server, database = ((now - before) / count * 1e6 for now, before in spent)
        return Window(count / seconds, server, database, p50_ms, p99_ms, count)

    def _read(self) -> list[float]:
        return [cpu_seconds(root) if root else 0.0 for root in self._roots]
