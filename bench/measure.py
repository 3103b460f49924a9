"""Measure a server by /proc: CPU time and resident memory of a process with all its descendants."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
UTIME, CSTIME = 11, 14  # fields of /proc/PID/stat, counted from the one after the command name


@dataclass(frozen=True)
class Memory:
    """Resident bytes, summed over the processes: `rss` counts a page shared by two processes twice, `pss` once."""

    rss: int
    pss: int


def descendants(root: int) -> list[int]:
    """`root` and all its descendants, in any order; an empty list if it has ended."""
    children: dict[int, list[int]] = {}
    for path in PROC.iterdir():
        fields = _stat(int(path.name)) if path.name.isdecimal() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(path.name))
    found = [root] if _stat(root) else []
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """
    CPU seconds, user and system, that `root` and its descendants have used so far.

    Includes children that have ended and were waited for, so the figure never falls. Resolution: one tick (10 ms).
    """
    ticks = sum(int(value) for pid in descendants(root) for value in (_stat(pid) or [])[UTIME : CSTIME + 1])
    return ticks / TICKS_PER_SECOND


def memory(root: int) -> Memory:
    """Resident memory of `root` and its descendants."""
    rss = pss = 0
    for pid in descendants(root):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
            name, kilobytes, *_ = line.split()
            rss += int(kilobytes) * 1024 if name == "Rss:" else 0
            pss += int(kilobytes) * 1024 if name == "Pss:" else 0
    return Memory(rss, pss)


def parent(pid: int) -> int:
    """The process id of the parent. Raises ProcessLookupError if `pid` has ended."""
    fields = _stat(pid)
    if fields is None:
        raise ProcessLookupError(pid)
    return int(fields[1])


def _stat(pid: int) -> list[str] | None:
    """State, parent, ... of /proc/PID/stat: everything after the command name, which may contain spaces."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
