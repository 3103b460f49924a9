"""Measure all candidates in one run: `python -m bench --help`."""

import argparse
import fcntl
import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from http.client import HTTPException
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from bench import install, machine, report
from bench.candidates import Candidate, Scale, Workshop
from bench.catalog import CATALOG, chosen
from bench.check import WrongAnswer
from bench.flow import FlowError
from bench.load import LoadError
from bench.processes import ROOT, ServerError
from bench.progress import Progress
from bench.results import failures
from bench.visit import visit

BUILD = ROOT / "build" / "bench"
FEWEST_ROUNDS = 5
VISIT_FAILURES = (
    WrongAnswer,
    LoadError,
    ServerError,
    FlowError,
    OSError,
    HTTPException,
    SubprocessError,
)
QUICK_SCALE = Scale(links=2_000, tokens=1_000, flows=4_000, holds=28_800, many_orders=20_000, carts=500, slow_carts=100)


class Busy(RuntimeError):
    """Another run is in progress in this directory."""


def main() -> None:
    options = _options()
    if options.show:
        results = json.loads(options.show.read_text())
    else:
        try:
            results = _measure(options)
        except (install.MissingTool, Busy, ValueError) as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit(130)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.markdown(results))
    print(report.text(results))
    sys.exit(1 if failures(results) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=FEWEST_ROUNDS, help="rounds to take medians of (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="length of each measured window (default 3)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="candidates that begin so; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="one short round on small data: shows that all of it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single window")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, show what --json wrote")
    parser.add_argument("--list", action="version", version="\n".join(CATALOG), help="list the candidates")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds take whole numbers of 1 or more")
    return options


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    names, described = chosen(options.only), machine.describe()
    install.debian_tool("wrk", "wrk")
    with ExitStack() as stack:
        stack.enter_context(alone())
        stack.callback(shutil.rmtree, BUILD / "prepared", ignore_errors=True)
        workshop = Workshop(BUILD, QUICK_SCALE if options.quick else Scale(), stack)
        candidates, missing = [], []
        for name in names:
            print(f"Preparing {name} ...", file=sys.stderr, flush=True)
            try:
                candidates.append(CATALOG[name](workshop))
            except install.Unavailable as error:
                missing.append({"name": name, "why": str(error)})
        visits = _rounds(candidates, workshop, options.rounds, options.seconds)
    return {
        "measured_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": described,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "quick": options.quick,
        "scale": asdict(workshop.scale),
        "candidates": [
            {key: getattr(one, key) for key in ("name", "kind", "about", "workers", "rival")} for one in candidates
        ],
        "missing": missing,
        "visits": visits,
    }


@contextmanager
def alone() -> Iterator[None]:
    """Make sure that only one run is in progress: two would disturb each other."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("Another benchmark runs here; two at once would measure each other.") from None
        shutil.rmtree(BUILD / "prepared", ignore_errors=True)
        yield


def _rounds(candidates: list[Candidate], workshop: Workshop, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Visit every candidate once in each round, in a new random order each time."""
    progress = Progress(rounds * sum(len(candidate.part.operations) for candidate in candidates))
    visits = []
    for number in range(rounds):
        for candidate in random.Random(number).sample(candidates, len(candidates)):
            steps = list(candidate.part.operations)
            label = {"round": number, "candidate": candidate.name}

            def done(step: str, name: str = candidate.name, steps: list[str] = steps) -> None:
                steps.remove(step)
                progress.step(f"{name}: {step}")

            try:
                found = visit(candidate, workshop, seconds=seconds, seed=number, done=done)
                visits.append({**label, **asdict(found)})
            except VISIT_FAILURES as error:
                visits.append({**label, "error": str(error)})
                progress.step(f"{candidate.name}: FAILED: {error}", len(steps))
    return visits


if __name__ == "__main__":
    main()
