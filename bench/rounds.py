"""What the benchmarks of one server process share: their options, rounds on both databases, and the page they write."""

import argparse
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import machine
from bench.callbacks import DATABASES
from bench.processes import ROOT, load_cores
from bench.progress import Progress
from tests.support.postgres import cluster, create_database

Visits = Sequence[Mapping[str, Any]]


def parser(name: str, about: str | None, rounds: int = 5) -> argparse.ArgumentParser:
    """The options of each of these benchmarks; `about` is shown by --help."""
    made = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=about)
    made.add_argument("--rounds", type=int, default=rounds, help=f"rounds to take medians of (default {rounds})")
    made.add_argument("--database", action="append", choices=DATABASES, help="repeatable; else both")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every single figure")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    return made


def run(
    options: argparse.Namespace,
    directory: Path,
    visit: Callable[[str, argparse.Namespace], Mapping[str, Any]],
    page: Callable[[Visits, argparse.Namespace], Sequence[str]],
) -> None:
    """Call `visit` with a new database in each round, on each database; print the lines of `page`, and the machine.

    `directory` holds the files of the run, and is deleted at the end.
    """
    about = machine.describe()
    os.sched_setaffinity(0, load_cores(1))
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    visits: list[dict[str, Any]] = []
    try:
        kinds = options.database or DATABASES
        progress = Progress(options.rounds * len(kinds))
        with ExitStack() as stack:
            running = stack.enter_context(cluster(durable=True)) if "postgresql" in kinds else None
            for number in range(options.rounds):
                for kind in kinds:
                    url = create_database(running) if running and kind == "postgresql" else ""
                    found = visit(url or f"sqlite:///{directory}/{number}.db", options)
                    visits.append({"round": number, "database": kind, **found})
                    progress.step(f"round {number + 1}, {kind}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    lines = [*page(visits, options), "", "## Machine", "", "| what | value |", "| --- | --- |"]
    text = "\n".join([*lines, *(f"| {what} | {value} |" for what, value in about.items())]) + "\n"
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "visits": visits}, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(text)
    print(text)


def by_database(visits: Visits) -> Iterator[tuple[str, Visits]]:
    """The visits of each database."""
    for kind in dict.fromkeys(visit["database"] for visit in visits):
        yield kind, [visit for visit in visits if visit["database"] == kind]


def directory_of(name: str) -> Path:
    return ROOT / "build" / f"bench-{name}"
