"""Results as tables: medians over the rounds, ratios taken round by round, and the goals, reached or not."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

Results = dict[str, Any]
Row = Sequence[str]

GROUPS = {1: "one worker", 2: "two workers"}
OPERATIONS = {
    "token": "Token: client_credentials, stored durably before the answer",
    "link": "Get link: one user's link, with a bearer token",
    "flow with sign-in": "Whole flow: authorize, sign in (argon2: nearly all of it), allow, exchange, link, get link",
    "flow signed in": "Whole flow of a customer who has signed in before",
}
TEXT = " --- |"
QUIET_LOAD_AVERAGE = 0.5
LAST_CALL, LAST_FLOW = "token", "flow signed in"  # after which memory is shown
LIMIT_GOAL = 0.7
MEMORY_PEER_GOAL = 1.0
STORING_PEER_GOAL = 3.0
FIRST_ANSWER_GOAL_SECONDS = 0.4
MEMORY_GOAL_MB = 75


def text(results: Results) -> str:
    """Everything for a terminal."""
    parts = [_header(results)]
    for title, rows in _tables(results):
        parts += [title, _aligned(rows), ""]
    return "\n".join([*parts, "Goals", _aligned(_goal_rows(results))])


def markdown(results: Results) -> str:
    """Everything as a page, `docs/performance.md`."""
    parts = ["# Performance", "", "Written by `python -m bench --markdown`; see `bench/README.md` for the method.", ""]
    parts += [_header(results), "", "## Goals", "", _pipes(_goal_rows(results)), ""]
    for title, rows in _tables(results):
        parts += [f"## {title}", "", _pipes(rows), ""]
    machine = [("what", "value"), *results["machine"].items()]
    about = [("candidate", "what it is"), *((one["name"], one["about"]) for one in results["candidates"])]
    parts += ["## Candidates", "", _pipes(about, TEXT), "", "## Machine", "", _pipes(machine, TEXT)]
    return "\n".join(parts) + "\n"


def ratio(results: Results, ours: str, other: str, operation: str) -> float | None:
    """Median over the rounds of our rate divided by the other's; None unless both were measured."""
    mine, theirs = _rates(results, ours, operation), _rates(results, other, operation)
    both = sorted(mine.keys() & theirs.keys())
    return median(mine[number] / theirs[number] for number in both) if both else None


def _header(results: Results) -> str:
    scale = results["scale"]
    lines = [
        f"Measured {results['measured_at']}, {results['machine']['cores']} cores, {results['machine']['processor']}.",
        f"Medians of {results['rounds']} rounds of {results['seconds']} s, in an order drawn anew for every round.",
        f"Stores hold {scale['links']:,} linked users; ours and the limit's {scale['tokens']:,} older tokens.",
        "One worker: the server on core 0, the load on core 1 (PostgreSQL on both). Two workers: everything on both.",
        "oidc-provider: tokens in memory, always one process; the number says how many cores it may use.",
        "`ours / it`: our rate divided by that candidate's, round by round.",
    ]
    if results["quick"] or results["rounds"] < 5:
        lines.append("TOO FEW ROUNDS TO BE QUOTED.")
    if float(results["machine"]["load average"]) > QUIET_LOAD_AVERAGE:
        lines.append(f"THE MACHINE WAS NOT QUIET: load average {results['machine']['load average']} at the start.")
    lines += [f"FAILED: {failure}" for failure in failures(results)]
    return "\n".join([*lines, ""])


def failures(results: Results) -> list[str]:
    """The visits that measured nothing, and why."""
    return [
        f"round {visit['round'] + 1}, {visit['candidate']}: {visit['error']}"
        for visit in results["visits"]
        if "error" in visit
    ]


def _tables(results: Results) -> list[tuple[str, list[Row]]]:
    tables = []
    for operation, title in OPERATIONS.items():
        for workers, group in GROUPS.items():
            rows = _operation_rows(results, operation, workers)
            if rows:
                tables.append((f"{title}; {group}", [_operation_head(operation), *rows]))
    return [
        *tables,
        (
            "Start to first answer; resident memory of all processes after the load, and after whole flows",
            _visit_rows(results),
        ),
    ]


def _operation_head(operation: str) -> Row:
    unit = "flow" if operation.startswith("flow") else "req"
    return ("candidate", f"{unit}/s", "ours / it", f"CPU us/{unit}", "PostgreSQL us", "p50 ms", "p99 ms")


def _operation_rows(results: Results, operation: str, workers: int) -> list[Row]:
    rows: list[Row] = []
    for candidate in _measured(results):
        windows = [visit["windows"].get(operation) for visit in _visits(results, candidate["name"])]
        if candidate["workers"] != workers or not any(windows):
            continue

        def middle(key: str, windows: list[dict[str, float]] = windows) -> float:
            return median(window[key] for window in windows)

        compared = ratio(results, candidate["rival"], candidate["name"], operation)
        is_ours = candidate["kind"] == "handcart"
        rows.append(
            (
                candidate["name"],
                _short(middle("rate")),
                "" if is_ours or compared is None else f"{compared:.2f}",
                _short(middle("cpu_us")),
                _short(middle("store_cpu_us")) if "postgresql" in candidate["name"] else "",
                f"{middle('p50_ms'):.1f}",
                f"{middle('p99_ms'):.1f}",
            )
        )
    return rows


def _visit_rows(results: Results) -> list[Row]:
    rows: list[Row] = [("candidate", "first answer s", "RSS MB", "PSS MB", "RSS MB after flows", "PSS MB after flows")]
    for candidate in _measured(results):
        name = candidate["name"]
        seconds = _middle(results, name, lambda visit: visit["first_answer_seconds"])
        sizes = [_megabytes(results, name, step, kind) for step in (LAST_CALL, LAST_FLOW) for kind in ("rss", "pss")]
        rows.append((name, f"{seconds:.2f}", *(f"{size:.0f}" if size else "" for size in sizes)))
    return rows


def _megabytes(results: Results, name: str, operation: str, kind: str) -> float | None:
    """Resident memory at the end of an operation; None where that was not measured."""
    sizes = [visit["memory"][operation][kind] / 1e6 for visit in _visits(results, name) if operation in visit["memory"]]
    return median(sizes) if sizes else None


def _goal_rows(results: Results) -> list[Row]:
    rows: list[Row] = [("goal", "wanted", "measured", "")]
    for candidate in _measured(results):
        for operation in ("token", "link"):
            _add_rate_goal(rows, results, candidate, operation)
        if candidate["name"] == "handcart-sqlite-1":
            seconds = _middle(results, candidate["name"], lambda visit: visit["first_answer_seconds"])
            rows.append(_at_most(f"{candidate['name']}: first answer, s", FIRST_ANSWER_GOAL_SECONDS, seconds, ".2f"))
            for operation in (LAST_CALL, LAST_FLOW):
                megabytes = _megabytes(results, candidate["name"], operation, "rss") or 0.0
                goal = f'{candidate["name"]}: resident after "{operation}", MB'
                rows.append(_at_most(goal, MEMORY_GOAL_MB, megabytes, ".0f"))
    return rows


def _add_rate_goal(rows: list[Row], results: Results, candidate: dict[str, Any], operation: str) -> None:
    name, rival = candidate["name"], candidate["rival"]
    measured = ratio(results, rival, name, operation)
    if measured is None or candidate["kind"] == "handcart":
        return
    if candidate["kind"] == "limit":
        wanted = LIMIT_GOAL
    elif operation == "token":
        wanted = MEMORY_PEER_GOAL if name.startswith("oidc-provider") else STORING_PEER_GOAL
    else:
        return
    verdict = "reached" if measured >= wanted else "not reached"
    rows.append((f"{operation}, {rival} / {name}", f">= {wanted:.1f}", f"{measured:.2f}", verdict))


def _at_most(goal: str, wanted: float, measured: float, form: str) -> Row:
    return (goal, f"<= {wanted}", f"{measured:{form}}", "reached" if measured <= wanted else "not reached")


def _rates(results: Results, name: str, operation: str) -> dict[int, float]:
    return {
        visit["round"]: visit["windows"][operation]["rate"]
        for visit in _visits(results, name)
        if operation in visit["windows"]
    }


def _measured(results: Results) -> list[dict[str, Any]]:
    """The candidates of which at least one visit went well."""
    return [one for one in results["candidates"] if _visits(results, one["name"])]


def _visits(results: Results, name: str) -> list[dict[str, Any]]:
    return [visit for visit in results["visits"] if visit["candidate"] == name and "error" not in visit]


def _middle(results: Results, name: str, read: Callable[[dict[str, Any]], float]) -> float:
    return median(read(visit) for visit in _visits(results, name))


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _aligned(rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _pipes(rows: Sequence[Row], other_columns: str = " ---: |") -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "| --- |" + other_columns * (len(rows[0]) - 1), *body])
