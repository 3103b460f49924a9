"""
Send single-use requests over a few connections, until the time is up or all are sent.

Runs in its own process, so that it can be kept off the server's core: `python -m bench.spend` reads an order (JSON)
from standard input and writes JSON to standard output.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import uvloop

from bench.load import LoadError, Request
from bench.processes import pinned

OVERTIME_SECONDS = 60
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Order:
    """`units`: requests as bytes; those of a unit are sent one after the other."""

    url: str
    connections: int
    seconds: float
    units: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Spent:
    """`count` units were sent and answered within `seconds`; times of a unit in ms."""

    count: int
    seconds: float
    p50_ms: float
    p99_ms: float


def spend(
    url: str, units: Sequence[Sequence[Request]], *, connections: int, seconds: float, cores: Sequence[int]
) -> Spent:
    """Send units of requests from a process on `cores`. Raises LoadError with the first refusal."""
    host = urlsplit(url).netloc
    order = Order(url, connections, seconds, [[_raw(request, host) for request in unit] for unit in units])
    result = subprocess.run(
        pinned([sys.executable, "-m", "bench.spend"], cores),
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        timeout=seconds + OVERTIME_SECONDS,
        check=False,
    )
    if result.returncode:
        raise LoadError(result.stderr.strip()[-2000:])
    return Spent(**json.loads(result.stdout))


def _raw(request: Request, host: str) -> str:
    headers = {"Host": host, "Content-Length": str(len(request.body.encode())), **request.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {request.path} HTTP/1.1\r\n{lines}\r\n{request.body}"


async def _carry_out(order: Order) -> Spent:
    waiting = iter([[request.encode() for request in unit] for unit in order.units])
    begun = time.perf_counter()
    customers = (_customer(order.url, waiting, begun + order.seconds) for _ in range(order.connections))
    times = sorted(moment for each in await asyncio.gather(*customers) for moment in each)
    seconds = time.perf_counter() - begun
    if not times:
        raise LoadError("nothing was sent")
    p50, p99 = (times[min(int(len(times) * share), len(times) - 1)] * 1000 for share in (0.5, 0.99))
    return Spent(len(times), seconds, p50, p99)


async def _customer(url: str, waiting: Iterator[Sequence[bytes]], until: float) -> list[float]:
    """Send one unit after the other; returns the time of each."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port)
    times = []
    while (begun := time.perf_counter()) < until and (unit := next(waiting, None)) is not None:
        for request in unit:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            if length is None:
                raise LoadError(f"an answer without a length: {head!r}")
            body = await reader.readexactly(int(length[1]))
            if not head.startswith(b"HTTP/1.1 2"):
                raise LoadError(f"{request!r} was refused: {head!r} {body[:1000]!r}")
            if CLOSE.search(head):
                writer.close()
                reader, writer = await asyncio.open_connection(host, port)
        times.append(time.perf_counter() - begun)
    writer.close()
    return times


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_carry_out(Order(**json.load(sys.stdin)))))))
