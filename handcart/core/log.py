"""Structured logs: one JSON object per line on standard error, without secrets or personal data.

Written here in place of a library, because every request writes a line: see docs/dependencies.md.
"""

import asyncio
import logging
import sys
import traceback
from typing import Any, TextIO

import msgspec

from handcart.core import clock

# Request lines are gathered for this time and written together; a crash may lose them.
_GATHER_SECONDS = 0.1

_encode = msgspec.json.Encoder().encode
_stream: TextIO | None = None  # None: standard error, looked up at each write so that it can be redirected
_gathered: list[bytes] = []
_second, _second_text = -1, ""
_lost = 0
# Events that may occur very often: the time of the last line, and the number of occurrences since.
_counted: dict[str, tuple[int, int]] = {}
_COUNT_FOR = 10 * clock.SECOND
_MOST_COUNTED = 100
_MOST_CHARACTERS = 200


def info(event: str, **fields: Any) -> None:
    """Log an expected event."""
    _gathered.append(_line("info", event, fields))
    flush()


def warning(event: str, **fields: Any) -> None:
    """Log an event that an operator may want to look at."""
    _gathered.append(_line("warning", event, fields))
    flush()


def counted(event: str, **fields: Any) -> None:
    """Log a frequent warning: at most one line per 10 seconds, with the number of `times` it occurred."""
    now = clock.of_process()
    last, times = _counted.get(event, (None, 0))
    if last is not None and last <= now < last + _COUNT_FOR:
        _counted[event] = last, times + 1
        return
    if len(_counted) >= _MOST_COUNTED:
        _counted.clear()
    _counted[event] = now, 0
    warning(event, times=times + 1, **fields)


def exception(event: str, error: BaseException, **fields: Any) -> None:
    """Log a defect and where it happened, without the values involved."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    fields["error"] = type(error).__name__
    fields["frames"] = [f"{frame.filename.rpartition('handcart/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _gathered.append(_line("error", event, fields))
    flush()


def access(**fields: Any) -> None:
    """Log an answered request."""
    if not _gathered:
        asyncio.get_running_loop().call_later(_GATHER_SECONDS, flush)
    _gathered.append(_line("info", "request", fields))


def flush() -> None:
    """Write the gathered lines. If that fails, requests are still served, and the lost lines are counted."""
    global _lost
    if not _gathered:
        return
    gathered = len(_gathered)
    if _lost:
        _gathered.append(_line("warning", "log lines lost", {"lines": _lost}))
    # A failed write may have left part of a line: end it, so that the next line is complete.
    lines = ("\n" if _lost else "") + b"\n".join(_gathered).decode() + "\n"
    _gathered.clear()
    stream = _stream or sys.stderr
    try:
        stream.write(lines)
        stream.flush()
    except OSError:  # a full disk, a closed pipe
        _lost += gathered
    else:
        _lost = 0


class _OfLibraries(logging.Handler):
    """Writes libraries' log records in this format: only their first line, and exceptions without their message."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            exception("library failed", record.exc_info[1], logger=record.name)
        else:
            counted(record.getMessage().partition("\n")[0][:_MOST_CHARACTERS], logger=record.name)


def take_libraries() -> None:
    """Write libraries' warnings and errors as JSON lines too; call once per process."""
    logging.basicConfig(level=logging.WARNING, handlers=[_OfLibraries()], force=True)


def to(stream: TextIO | None) -> None:
    """Write the lines to another stream (None: standard error)."""
    global _stream
    flush()
    _stream = stream


def _line(level: str, event: str, fields: dict[str, Any]) -> bytes:
    global _second, _second_text
    second = clock.of_process() // clock.SECOND
    if second != _second:
        _second, _second_text = second, clock.to_wire(second * clock.SECOND)
    # JSON escapes line ends, so no input can forge a line.
    return _encode({"at": _second_text, "level": level, "event": event, **fields})
