"""Show where the processor's time of an operation goes, beside the limit program: `python -m bench.profile --help`."""

import argparse
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import install
from bench.__main__ import BUILD, VISIT_FAILURES, Busy, alone
from bench.candidates import Candidate, Scale, Workshop
from bench.candidates import handcart as ours
from bench.catalog import CATALOG
from bench.ordering import CREATE, GET, LIST, RESERVE, Ordering, named
from bench.processes import free_port, server_cores, serving
from bench.session import Session

CLIENTS = 16
SCALE = Scale(links=20_000, tokens=10_000, flows=100, holds=28_800)
# The name of the window, and that of the candidates without `handcart` or `limit`.
OPERATIONS = {
    "link": ("link", "{}-{kind}-1"),
    "token": ("token", "{}-{kind}-1"),
    "list": (named(LIST, CLIENTS), "orders-{}-{kind}-1k"),
    "reserve": (named(RESERVE, CLIENTS), "orders-{}-{kind}-1k"),
    "create": (named(CREATE, CLIENTS), "orders-{}-{kind}-1k"),
    "get": (named(GET, CLIENTS), "orders-{}-{kind}-1k"),
}
WRITE_SECONDS = 10


@dataclass(frozen=True)
class Profile:
    """CPU microseconds of one request: of all of it, by component, and by function."""

    name: str
    total: float
    database: float
    components: dict[str, float]
    functions: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=int, default=5, help="length of the measured window (default 5)")
    parser.add_argument("--functions", type=int, default=12, help="the number of functions to list (default 12)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    operation, pattern = OPERATIONS[options.operation]
    install.debian_tool("wrk", "wrk")
    try:
        with ExitStack() as stack:
            stack.enter_context(alone())
            workshop = Workshop(BUILD, SCALE, stack)
            found = [
                _profile(
                    _candidate(pattern.format(name, kind=options.database), workshop), operation, workshop, options
                )
                for name in ("handcart", "limit")
            ]
    except (Busy, *VISIT_FAILURES) as error:
        sys.exit(str(error))
    print(json.dumps([vars(one) for one in found]) if options.json else _text(operation, found, options.functions))


def _candidate(name: str, workshop: Workshop) -> Candidate:
    """A candidate as in the benchmark, but in production."""
    print(f"Preparing {name} ...", file=sys.stderr, flush=True)
    found = CATALOG[name](workshop)
    if not isinstance(found.part, Ordering):
        found = replace(found, part=replace(found.part, flow=None))  # type: ignore[type-var]
        if found.kind == "handcart":
            plan = (ours.sqlite if "sqlite" in name else ours.postgresql)(workshop).plan
            found = replace(found, launch=lambda copy, port: ours.launch(workshop, plan, 1, copy, port))
    return found


def _profile(candidate: Candidate, operation: str, workshop: Workshop, options: argparse.Namespace) -> Profile:
    """Sample the server within the window of the operation alone."""
    log = workshop.directory / "logs" / f"profile-{candidate.name}.log"
    log.parent.mkdir(exist_ok=True)
    file = workshop.directory / f"{candidate.name}.samples.json"
    file.unlink(missing_ok=True)
    part: Any = candidate.part
    if isinstance(part, Ordering):
        part = replace(part, steps=[step for step in part.steps if operation.startswith(step.name)])
    before = part.operations[part.operations.index(operation) - 1] if part.operations[0] != operation else None
    with candidate.database.copy() as copy:
        port = free_port()
        launch = candidate.launch(copy, port)
        sampled = [sys.executable, "-m", "bench.sampler", str(file), *launch.command]
        environment = {**launch.environment, "PYTHONPATH": str(Path(__file__).parent.parent)}
        launch = replace(launch, command=sampled, environment=environment)
        with serving(launch, port, cores=server_cores(1), log=log) as running:
            session = Session(candidate.name, 1, workshop.directory, copy, running, options.seconds, seed=1)
            if before is None:
                os.kill(running.pid, signal.SIGUSR1)
            for name, window in part.windows(session):
                print(f"  {candidate.name}: {name}", file=sys.stderr, flush=True)
                if name == before:
                    os.kill(running.pid, signal.SIGUSR1)
                if name == operation:
                    os.kill(running.pid, signal.SIGUSR1)
                    samples, measured = _read(file), window
                    break
    whole = sum(samples["components"].values())

    def scaled(seconds: dict[str, float]) -> dict[str, float]:
        rows = sorted(seconds.items(), key=lambda row: -row[1])
        return {name: round(measured.cpu_us * spent / whole, 1) for name, spent in rows}

    components, functions = scaled(samples["components"]), scaled(samples["functions"])
    return Profile(candidate.name, round(measured.cpu_us, 1), round(measured.database_cpu_us, 1), components, functions)


def _read(file: Path) -> Any:
    """What the sampler wrote; it writes when it gets the signal."""
    until = time.monotonic() + WRITE_SECONDS
    while time.monotonic() < until:
        try:
            return json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    raise OSError(f"the sampler wrote nothing to {file} in {WRITE_SECONDS} seconds")


def _text(operation: str, found: list[Profile], most: int) -> str:
    lines = [f"{operation}: CPU microseconds of a request"]
    for one in found:
        lines += ["", f"{one.name}: {one.total:,.1f} in all"]
        if one.database:
            lines += [f"  {one.database:8.1f}  PostgreSQL's processes, which are not part of the above"]
        lines += [f"  {spent:8.1f}  {name}" for name, spent in one.components.items() if spent >= 0.5]
        lines += ["  the most expensive functions:"]
        lines += [f"  {spent:8.1f}  {name}" for name, spent in list(one.functions.items())[:most]]
    ours_, bare = found
    return "\n".join([*lines, "", f"limit / ours: {bare.total / ours_.total:.2f}"])


if __name__ == "__main__":
    main()
