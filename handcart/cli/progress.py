"""Progress on standard error, for steps that take longer than a second."""

import sys
import time
from typing import Any

import click

from handcart.cli.options import echo

_QUIET_SECONDS = 1.0


class Progress:
    """Shows a bar for each step that takes longer than a second.

    Call it with the name of the step, how much is done, and how much there is; 0 if that is unknown: then the name
    alone is shown. Use it in a `with` block, which ends the last bar.
    """

    def __init__(self) -> None:
        self._label = ""
        self._started = time.monotonic()
        self._bar: Any = None
        self._is_shown = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def __call__(self, label: str, done: int, total: int) -> None:
        if label != self._label:
            self._end()
            self._label, self._started = label, time.monotonic()
        if time.monotonic() - self._started < _QUIET_SECONDS:
            return
        if not self._is_shown:
            self._show(total)
        if self._bar is not None and done > self._bar.pos:
            self._bar.update(done - self._bar.pos)

    def _show(self, total: int) -> None:
        self._is_shown = True
        if total:
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        else:
            echo(f"{self._label} ...", err=True)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        self._bar, self._is_shown = None, False
