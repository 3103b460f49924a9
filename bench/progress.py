"""A progress bar on standard error; plain lines where that is not a terminal."""

import sys
import time

WIDTH = 30


class Progress:
    """Counts `total` steps; shows the last finished step and the remaining time."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begun = time.monotonic()

    def step(self, what: str, steps: int = 1) -> None:
        """Count finished steps."""
        self._done += steps
        filled = WIDTH * self._done // self._total
        left = (time.monotonic() - self._begun) / self._done * (self._total - self._done)
        line = f"[{'#' * filled:.<{WIDTH}}] {self._done}/{self._total}  {left / 60:4.1f} min left  {what}"
        if sys.stderr.isatty():
            print(f"\r{line:<100.100}", end="" if self._done < self._total else "\n", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
