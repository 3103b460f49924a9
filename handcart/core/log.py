"""Structured logs: one JSON object a line on standard error, never a secret, never a person's data.

Our own twenty lines in place of a library, since a line is written for every request: see docs/dependencies.md.
"""

import sys
import traceback
from typing import Any, TextIO

import msgspec

from handcart.core import clock

_encode = msgspec.json.Encoder().encode
_stream: TextIO | None = None  # None: standard error, looked up at each line so that it can be redirected


def info(event: str, **fields: Any) -> None:
    """Something that happened as it should."""
    _write("info", event, fields)


def warning(event: str, **fields: Any) -> None:
    """Something an operator may want to look at."""
    _write("warning", event, fields)


def exception(event: str, error: BaseException, **fields: Any) -> None:
    """A defect: where it happened, without the values that were at hand."""
    frames = traceback.extract_tb(error.__traceback__)
    fields["error"] = type(error).__name__
    fields["frames"] = [
        f"{frame.filename.rpartition('handcart/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-8:]
    ]
    _write("error", event, fields)


def to(stream: TextIO | None) -> None:
    """Send the lines elsewhere (None: standard error again)."""
    global _stream
    _stream = stream


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    line = {"at": clock.to_wire(clock.now()), "level": level, "event": event, **fields}
    # JSON escapes line ends, so that no input can forge a line.
    print(_encode(line).decode(), file=_stream or sys.stderr, flush=True)
