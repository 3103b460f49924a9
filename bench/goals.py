"""The goals, reached or not."""

from collections.abc import Iterator
from statistics import median

from bench.ordering import CLIENTS, CREATE, GET, LIFE, LIST, named
from bench.results import Results, kinds, measured, megabytes, middle, over_rounds, ratio
from bench.starting import START

Row = tuple[str, str, str, str]

LIMIT_GOAL = 0.7
# The share of its rate that the creation of orders must keep when it emits events.
SILENT_GOAL = 0.9
MEMORY_PEER_GOAL = 1.0
STORING_PEER_GOAL = 3.0
SHOP_GOAL = 10.0
FIRST_ANSWER_GOAL_SECONDS = 0.4
MEMORY_GOAL_MB = 75
LIST_P99_GOAL_MS = 15
MANY_ORDERS_GOAL = 1.5
LIVES_GOAL = 200


def rows(results: Results, memory_after: tuple[str, ...]) -> list[Row]:
    """The goal and the measured value, for everything measured."""
    return [
        *_rates(results),
        *_server(results, memory_after),
        *_latencies(results),
        *_lives(results),
        *_starts(results),
    ]


def _rates(results: Results) -> Iterator[Row]:
    """Handcart's rate divided by another candidate's."""
    operations = ["token", "link", *(named(CREATE, clients) for clients in CLIENTS)]
    for candidate in measured(results):
        name, rival = candidate["name"], candidate["rival"]
        for operation in operations:
            wanted = _wanted(candidate, operation)
            found = ratio(results, rival, name, operation) if wanted else None
            if wanted and found is not None:
                verdict = "reached" if found >= wanted else "not reached"
                yield f"{operation}, {rival} / {name}", f">= {wanted:.1f}", f"{found:.2f}", verdict


def _wanted(candidate: dict[str, str], operation: str) -> float | None:
    if candidate["kind"] == "limit":
        return LIMIT_GOAL
    if candidate["kind"] == "silent":
        return SILENT_GOAL if operation.startswith(CREATE) else None
    if candidate["kind"] == "handcart" or operation == "link":
        return None
    if operation != "token":
        return SHOP_GOAL
    return MEMORY_PEER_GOAL if candidate["name"].startswith("oidc-provider") else STORING_PEER_GOAL


def _server(results: Results, memory_after: tuple[str, ...]) -> Iterator[Row]:
    for candidate in kinds(results, "handcart"):
        name = candidate["name"]
        if name == "handcart-sqlite-1":
            seconds = middle(results, name, lambda visit: visit["first_answer_seconds"])
            yield _at_most(f"{name}: first answer, s", FIRST_ANSWER_GOAL_SECONDS, seconds, ".2f")
            for operation in memory_after:
                goal = f'{name}: resident after "{operation}", MB'
                yield _at_most(goal, MEMORY_GOAL_MB, megabytes(results, name, operation, "rss") or 0.0, ".0f")


def _latencies(results: Results) -> Iterator[Row]:
    ours = [candidate["name"] for candidate in kinds(results, "handcart")]
    for clients in CLIENTS:
        for name in ours:
            p99 = over_rounds(results, [name], named(LIST, clients), lambda window: window["p99_ms"])
            if p99 is not None:
                yield _at_most(f"{named(LIST, clients)}, {name}: p99, ms", LIST_P99_GOAL_MS, p99, ".1f")
    for operation in (GET, CREATE):
        for clients in CLIENTS:
            for many in (name for name in ours if name.endswith("-1m")):
                few = many.removesuffix("m") + "k"
                found = over_rounds(
                    results, [many, few], named(operation, clients), lambda one, other: one["p99_ms"] / other["p99_ms"]
                )
                if found is not None:
                    goal = f"{named(operation, clients)}, p99 of {many} / {few}"
                    yield _at_most(goal, MANY_ORDERS_GOAL, found, ".2f")


def _lives(results: Results) -> Iterator[Row]:
    for clients in CLIENTS:
        found = over_rounds(results, ["orders-sandbox-sqlite"], named(LIFE, clients), lambda window: window["rate"])
        if found is not None:
            verdict = "reached" if found >= LIVES_GOAL else "not reached"
            yield f"{named(LIFE, clients)}, a second on SQLite", f">= {LIVES_GOAL}", f"{found:.0f}", verdict


def _starts(results: Results) -> Iterator[Row]:
    """Handcart must start sooner than every other server, and use less memory than half of them."""
    started = [one for one in measured(results) if one["name"].startswith("start-")]
    others = [one["name"] for one in started if one["kind"] == "peer"]
    seconds = {
        one["name"]: middle(results, one["name"], lambda visit: visit["first_answer_seconds"]) for one in started
    }
    sizes = {one["name"]: megabytes(results, one["name"], START, "rss") or 0.0 for one in started}
    for name in (one["name"] for one in started if one["kind"] == "handcart" and others):
        first = min(others, key=lambda other: seconds[other])
        yield _below(f"{name}: first answer, s, before {first}", seconds[first], seconds[name], ".2f")
        goal = f"{name}: resident, MB, below the others' median"
        yield _below(goal, median(sizes[other] for other in others), sizes[name], ".0f")


def _below(goal: str, wanted: float, found: float, form: str) -> Row:
    return goal, f"< {wanted:{form}}", f"{found:{form}}", "reached" if found < wanted else "not reached"


def _at_most(goal: str, wanted: float, found: float, form: str) -> Row:
    return goal, f"<= {wanted}", f"{found:{form}}", "reached" if found <= wanted else "not reached"
