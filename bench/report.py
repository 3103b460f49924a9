"""Results as tables for a terminal or a page."""

from collections.abc import Iterator, Sequence

from bench import goals
from bench.ordering import CLIENTS, CREATE, GET, LIFE, LIST, RESERVE, named
from bench.results import Results, failures, measured, megabytes, middle, over_rounds, ratio
from bench.starting import START

Row = Sequence[str]

GROUPS = {1: "one worker", 2: "two workers"}
LINKING = {
    "token": "Token: client_credentials, stored durably before the answer",
    "link": "Get link: one user's link, with a bearer token",
    "flow with sign-in": "Whole flow: authorize, sign in (argon2: nearly all of it), allow, exchange, link, get link",
    "flow signed in": "Whole flow of a customer who has signed in before",
}
ORDERING = {
    LIST: "List slots: delivery, 14 days of one of 200 stores",
    RESERVE: "Reserve: another slot than the one that is held",
    CREATE: "Create order: three items, stored durably before the answer",
    GET: "Get order: one of those stored",
    LIFE: "Whole life: create an order, then the robot shopper takes it through every state to completed",
}
TEXT = " --- |"
QUIET_LOAD_AVERAGE = 0.5
LAST_CALL, LAST_FLOW = "token", "flow signed in"  # the operations after which memory is shown
LAST_ORDER = named(CREATE, CLIENTS[-1])


def text(results: Results) -> str:
    """The whole report for a terminal."""
    parts = [_header(results)]
    for title, rows in _tables(results):
        parts += [title, _aligned(rows), ""]
    return "\n".join([*parts, "Goals", _aligned(_goal_rows(results))])


def markdown(results: Results) -> str:
    """The whole report as a page, `docs/performance.md`."""
    parts = ["# Performance", "", "Written by `python -m bench --markdown`; see `bench/README.md` for the method.", ""]
    parts += [_header(results), "", "## Goals", "", _pipes(_goal_rows(results)), ""]
    for title, rows in _tables(results):
        parts += [f"## {title}", "", _pipes(rows), ""]
    machine = [("what", "value"), *results["machine"].items()]
    about = [("candidate", "what it is"), *((one["name"], one["about"]) for one in results["candidates"])]
    parts += ["## Candidates", "", _pipes(about, TEXT), "", "## Machine", "", _pipes(machine, TEXT)]
    return "\n".join(parts) + "\n"


def _header(results: Results) -> str:
    scale = results["scale"]
    lines = [
        f"Measured {results['measured_at']}, {results['machine']['cores']} cores, {results['machine']['processor']}.",
        f"Medians of {results['rounds']} rounds of {results['seconds']} s, in a new random order for every round.",
        *_about_linking(scale, [one["name"] for one in results["candidates"]]),
        *_about_ordering(scale, [one["name"] for one in results["candidates"]]),
        "One worker: the server on core 0, the load on core 1 (PostgreSQL on both). Two workers: everything on both.",
        "`ours / it`: our rate divided by that candidate's, round by round.",
    ]
    if results["quick"] or results["rounds"] < 5:
        lines.append("TOO FEW ROUNDS TO BE QUOTED.")
    if float(results["machine"]["load average"]) > QUIET_LOAD_AVERAGE:
        lines.append(f"THE MACHINE WAS NOT QUIET: load average {results['machine']['load average']} at the start.")
    lines += [f"NOT MEASURED: {one['name']}: {one['why']}" for one in results.get("missing", [])]
    lines += [f"FAILED: {failure}" for failure in failures(results)]
    return "\n".join([*lines, ""])


def _about_linking(scale: dict[str, int], names: Sequence[str]) -> Iterator[str]:
    if not all(name.startswith(("orders-", "start-")) for name in names):
        yield f"Databases hold {scale['links']:,} linked users; ours and the limit's {scale['tokens']:,} older tokens."
    if any(name.startswith("oidc-provider") for name in names):
        yield "oidc-provider: tokens in memory, always one process; the number says how many cores it may use."


def _about_ordering(scale: dict[str, int], names: Sequence[str]) -> Iterator[str]:
    if any(name.startswith("orders-") for name in names):
        few, many = scale["few_orders"], scale["many_orders"]
        yield f"For orders: 200 stores, {scale['holds']:,} users who hold a place; 1k: {few:,} orders, 1m: {many:,}."
        yield "The shops of others begin without orders, and with carts that are filled."


def _tables(results: Results) -> Iterator[tuple[str, list[Row]]]:
    titles = [*LINKING.items()]
    titles += [
        (named(step, clients), f"{title}; {named('', clients).removeprefix(', ')}")
        for step, title in ORDERING.items()
        for clients in CLIENTS
    ]
    for operation, title in titles:
        for workers, group in GROUPS.items():
            rows = list(_operation_rows(results, operation, workers))
            if rows:
                yield f"{title}; {group}", [_operation_head(operation), *rows]
    yield (
        "Start to first answer; resident memory of all processes after the load, and after whole flows",
        _visit_rows(results),
    )


def _operation_head(operation: str) -> Row:
    unit = "flow" if operation.startswith("flow") else "req"
    return ("candidate", f"{unit}/s", "ours / it", f"CPU us/{unit}", "PostgreSQL us", "p50 ms", "p99 ms")


def _operation_rows(results: Results, operation: str, workers: int) -> Iterator[Row]:
    for candidate in measured(results):
        name = candidate["name"]

        def of_window(key: str, name: str = name) -> float | None:
            return over_rounds(results, [name], operation, lambda window: window[key])

        if candidate["workers"] != workers or of_window("rate") is None:
            continue
        found = {key: of_window(key) or 0.0 for key in ("rate", "cpu_us", "database_cpu_us", "p50_ms", "p99_ms")}
        compared = ratio(results, candidate["rival"], name, operation)
        is_ours = candidate["kind"] == "handcart"
        yield (
            name,
            _short(found["rate"]),
            "" if is_ours or compared is None else f"{compared:.2f}",
            _short(found["cpu_us"]),
            _short(found["database_cpu_us"]) if "postgresql" in name else "",
            f"{found['p50_ms']:.1f}",
            f"{found['p99_ms']:.1f}",
        )


def _visit_rows(results: Results) -> list[Row]:
    rows: list[Row] = [("candidate", "first answer s", "RSS MB", "PSS MB", "RSS MB after flows", "PSS MB after flows")]
    for candidate in measured(results):
        name = candidate["name"]
        seconds = middle(results, name, lambda visit: visit["first_answer_seconds"])
        last = START if name.startswith("start-") else LAST_ORDER if name.startswith("orders-") else LAST_CALL
        sizes = [megabytes(results, name, step, kind) for step in (last, LAST_FLOW) for kind in ("rss", "pss")]
        rows.append((name, f"{seconds:.2f}", *(f"{size:.0f}" if size else "" for size in sizes)))
    return rows


def _goal_rows(results: Results) -> list[Row]:
    return [("goal", "wanted", "measured", ""), *goals.rows(results, (LAST_CALL, LAST_FLOW))]


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
