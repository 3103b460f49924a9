"""One visit in progress: a server on its own copy of a database, and its load."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Copy
from bench.load import Meter, Request, Window, write_requests, wrk
from bench.processes import Running, load_cores

WARM_UP_SECONDS = 2  # Node.js still gets quicker during the first one
SETTLE_SECONDS = 0.3  # lets the server finish what the warm-up left in its queue


@dataclass(frozen=True)
class Session:
    """`name` of the candidate; `seed` is the same for all candidates of a round."""

    name: str
    workers: int
    directory: Path
    copy: Copy
    running: Running
    seconds: float
    seed: int

    @property
    def cores(self) -> Sequence[int]:
        """The cores of the load."""
        return load_cores(self.workers)

    def warmed_up(self, name: str, requests: Sequence[Request], connections: int) -> Callable[[float], dict[str, int]]:
        """A function that loads the server with these requests for the given seconds; it has run once to warm up."""
        run = self.loading(name, requests, connections)
        run(min(self.seconds, WARM_UP_SECONDS))
        time.sleep(SETTLE_SECONDS)
        return run

    def loading(self, name: str, requests: Sequence[Request], connections: int) -> Callable[[float], dict[str, int]]:
        """A function that sends these requests in random order for the given seconds."""
        path = write_requests(self.directory / f"{name}.requests", requests)
        url, cores, seed = self.running.url, self.cores, self.seed
        return lambda seconds: wrk(url, path, seconds=seconds, connections=connections, cores=cores, seed=seed)

    def measured(self, run: Callable[[float], dict[str, int]]) -> Window:
        """The window measured with a function from `loading`."""
        meter = self.meter()
        counts = run(self.seconds)
        return meter.window(counts["requests"], counts["microseconds"] / 1e6, counts["p50"] / 1e3, counts["p99"] / 1e3)

    def meter(self) -> Meter:
        """A meter that starts now."""
        return Meter(self.running.pid, self.copy.root)
