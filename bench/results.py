"""Combine the windows of a run: medians over the rounds, ratios computed per round."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

Results = dict[str, Any]


def measured(results: Results) -> list[dict[str, Any]]:
    """The candidates with at least one successful visit."""
    return [one for one in results["candidates"] if visits(results, one["name"])]


def kinds(results: Results, kind: str) -> list[dict[str, Any]]:
    """The measured candidates of a kind."""
    return [one for one in measured(results) if one["kind"] == kind]


def visits(results: Results, name: str) -> list[dict[str, Any]]:
    """The successful visits to a candidate."""
    return [visit for visit in results["visits"] if visit["candidate"] == name and "error" not in visit]


def middle(results: Results, name: str, read: Callable[[dict[str, Any]], float]) -> float:
    """The median over the visits."""
    return median(read(visit) for visit in visits(results, name))


def over_rounds(results: Results, names: Sequence[str], operation: str, read: Callable[..., float]) -> float | None:
    """The median of `read(window, ...)`, with a window of each candidate; None unless a round measured them all."""
    by_round = [
        {one["round"]: one["windows"][operation] for one in visits(results, name) if operation in one["windows"]}
        for name in names
    ]
    rounds = sorted(set.intersection(*(set(windows) for windows in by_round)))
    return median(read(*(windows[number] for windows in by_round)) for number in rounds) if rounds else None


def ratio(results: Results, ours: str, other: str, operation: str) -> float | None:
    """Handcart's rate divided by the other's; None unless both were measured."""
    return over_rounds(results, [ours, other], operation, lambda mine, theirs: mine["rate"] / theirs["rate"])


def megabytes(results: Results, name: str, operation: str, kind: str) -> float | None:
    """Resident memory at the end of an operation; None if not measured."""
    sizes = [visit["memory"][operation][kind] / 1e6 for visit in visits(results, name) if operation in visit["memory"]]
    return median(sizes) if sizes else None


def failures(results: Results) -> list[str]:
    """The failed visits, and why they failed."""
    return [
        f"round {visit['round'] + 1}, {visit['candidate']}: {_in_short(visit['error'])}"
        for visit in results["visits"]
        if "error" in visit
    ]


def _in_short(error: str) -> str:
    """The last line of an error, which has the cause; a long one is cut in the middle."""
    line = error.strip().rpartition("\n")[2].strip()
    return line if len(line) < 250 else f"{line[:100]} ... {line[-140:]}"
