"""Counts and times of requests, kept in plain lists and handed to Prometheus only when it asks."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

# Seconds. From a point read to a sign-in that waits for its turn to hash.
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The requests that one process has served."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], list[float]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        kept = self._requests.get(key)
        if kept is None:
            kept = self._requests[key] = [0.0] * (len(_BOUNDS) + 2)
        kept[bisect_left(_BOUNDS, seconds)] += 1
        kept[-1] += seconds

    def collect(self) -> Iterator[Any]:
        """Prometheus' view of it."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(
            "handcart_http_request_seconds", "Time to answer, by route", labels=["method", "route", "status"]
        )
        for (method, route, status), kept in self._requests.items():
            family.add_metric([method, route, str(status)], _cumulative(kept), kept[-1])
        yield family

    def text(self) -> bytes:
        """The exposition text, with the process's own figures."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)


def _cumulative(kept: list[float]) -> list[tuple[str, float]]:
    buckets, total = [], 0.0
    for bound, hits in zip((*map(str, _BOUNDS), "+Inf"), kept, strict=False):
        total += hits
        buckets.append((bound, total))
    return buckets
