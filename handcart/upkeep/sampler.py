"""Keeps the figures of the network for `/metrics`, for one process."""

from collections.abc import Iterator, Sequence
from typing import Any

from handcart.core.db import Database
from handcart.core.rounds import Rounds
from handcart.upkeep import figures
from handcart.upkeep.figures import Figure

PAUSE_SECONDS = 15.0


class Sampler:
    """Counts every 15 seconds."""

    def __init__(self) -> None:
        self._rounds = Rounds("figures", self._count)
        self._figures: Sequence[Figure] = ()
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start counting."""
        self._database = database
        self._rounds.open(PAUSE_SECONDS)

    async def close(self) -> None:
        """Stop counting."""
        await self._rounds.close(0.0)

    def collect(self) -> Iterator[Any]:
        """The metrics in Prometheus' form; none before the first count."""
        from prometheus_client.core import GaugeMetricFamily

        for figure in self._figures:
            family = GaugeMetricFamily(figure.name, figure.about, labels=figure.labels)
            for labels, value in figure.values.items():
                family.add_metric(labels, value)
            yield family

    async def _count(self) -> bool:
        self._figures = await self._database.read(figures.gauges)
        return False
