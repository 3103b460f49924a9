"""Counts and times of requests, kept in plain lists and converted for Prometheus only on demand."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from handcart.core.web.connections import Connections

# Seconds: from a point read to a sign-in that waits to be hashed.
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_WORKERS = 64


class Metrics:
    """Metrics of one process: of its requests and connections if it is a server, and of its background work."""

    def __init__(self, connections: Connections | None = None) -> None:
        self._connections = connections
        self._others: list[Callable[[], Iterator[Any]]] = []
        self._requests: dict[tuple[str, str, int], list[float]] = {}

    def add(self, collect: Callable[[], Iterator[Any]]) -> None:
        """Show the metrics of background work too, in Prometheus' form."""
        self._others.append(collect)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        kept = self._requests.get(key)
        if kept is None:
            kept = self._requests[key] = [0.0] * (len(_BOUNDS) + 2)
        kept[bisect_left(_BOUNDS, seconds)] += 1
        kept[-1] += seconds

    def collect(self) -> Iterator[Any]:
        """The metrics in Prometheus' form."""
        if self._connections is not None:
            yield from self._of_server(self._connections)
        for collect in self._others:
            yield from collect()

    def _of_server(self, connections: Connections) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        family = HistogramMetricFamily(
            "handcart_http_request_seconds", "Time to answer, by route", labels=["method", "route", "status"]
        )
        for (method, route, status), kept in self._requests.items():
            family.add_metric([method, route, str(status)], _cumulative(kept), kept[-1])
        yield family
        yield GaugeMetricFamily("handcart_connections", "Open connections", connections.open)
        yield GaugeMetricFamily("handcart_connections_most", "Open connections at most", connections.most)
        yield GaugeMetricFamily("handcart_streams", "Open pages that wait for news", len(connections.streams))
        ended = CounterMetricFamily(
            "handcart_connections_ended",
            "Connections that were refused (address, all) or closed to make room for another (room)",
            labels=["reason"],
        )
        for reason in ("address", "all", "room"):
            ended.add_metric([reason], connections.ended[reason])
        yield ended

    def text(self) -> bytes:
        """The Prometheus text format, including the metrics of the process itself."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry())

    def listen(self, port: int) -> int:
        """Serve `/metrics` on the first free loopback port from `port` on; returns the port.

        Raises OSError if none of 64 ports is free.
        """
        from prometheus_client import start_http_server

        for candidate in range(port, port + _WORKERS):
            try:
                start_http_server(candidate, addr="127.0.0.1", registry=self._registry())
            except OSError:  # another worker has it
                continue
            return candidate
        raise OSError(f"no port from {port} to {port + _WORKERS - 1} is free for the metrics")

    def _registry(self) -> Any:
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry


def _cumulative(kept: list[float]) -> list[tuple[str, float]]:
    buckets, total = [], 0.0
    for bound, hits in zip((*map(str, _BOUNDS), "+Inf"), kept, strict=False):
        total += hits
        buckets.append((bound, total))
    return buckets
