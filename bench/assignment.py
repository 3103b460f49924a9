"""Measure the planners on public pickup and delivery instances: `python -m bench.assignment --help`.

The instances of Li and Lim are not part of the repository. A directory holds their files, and `BKS.json` with the best
known number of vehicles and distance of each.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import machine
from bench.progress import Progress
from handcart.assignment import solver, vroom
from handcart.assignment.problem import DELIVERY, PICKUP, Act, Plan, Problem, Shopper, Stop, Task, check
from handcart.assignment.timing import Infeasible, plan

# The instances' unit of time and distance is split into this many, because a problem has whole numbers.
UNIT = 1000
# Time limits in seconds, and goals of the mean gap in percent for the solver, by folder.
LIMITS = {"li_lim_100": 2.0, "li_lim_200": 10.0}
GOALS = {"li_lim_100": 1.5, "li_lim_200": 3.0}
FALLBACK_GOAL = 15.0
Planner = Callable[[Problem, float], Plan]


def main() -> None:
    options = _options()
    best = json.loads((options.instances / "BKS.json").read_text())
    paths = sorted(path for path in options.instances.rglob("*.txt") if path.stem in best)
    paths = [path for path in paths if any(part in path.stem.lower() for part in options.only)][:: options.every]
    if not paths:
        sys.exit(f"No instance in {options.instances}: give a directory with BKS.json and the instances' files")
    planners: dict[str, Planner] = {"fallback": _fallback}
    if vroom.is_installed():
        planners = {"solver": _solver, **planners}
    else:
        print("VROOM is not installed: install the extra `assignment`", file=sys.stderr)
    if not options.without_pyvrp:
        try:
            print(f"PyVRP {version('pyvrp')} is measured too", file=sys.stderr)
            planners["PyVRP"] = _pyvrp
        except PackageNotFoundError:
            print("PyVRP is not installed: .venv/bin/pip install pyvrp", file=sys.stderr)
    results = {"machine": machine.describe(), "runs": _measure(paths, best, planners)}
    results["load at the end"] = machine.describe()["load average"]
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(_table(results["runs"]))
    print(f"\nLoad average: {results['machine']['load average']} before, {results['load at the end']} after.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.assignment", description=__doc__)
    parser.add_argument("--instances", type=Path, required=True, help="directory of the instances and BKS.json")
    parser.add_argument("--only", action="append", help="part of the name of an instance, in lower case; may repeat")
    parser.add_argument("--every", type=int, default=1, help="measure only every n-th instance")
    parser.add_argument("--without-pyvrp", action="store_true", help="leave PyVRP out, which uses its whole time limit")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    options.only = options.only or [""]
    return options


def read(path: Path, vehicles: int) -> Problem:
    """An instance with this many vehicles. A shopper is a vehicle; seconds and metres are thousandths of its unit."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    capacity = int(lines[0][1])
    rows = [[int(field) for field in line] for line in lines[1:]]
    spots = [(row[1], row[2]) for row in rows]
    travel = [[round(UNIT * math.dist(one, other)) for other in spots] for one in spots]
    depot = rows[0]
    return Problem(
        tasks=tuple(
            Task(id=str(row[0]), pickup=_stop(row), delivery=_stop(rows[row[8]]), load=(row[3],))
            for row in rows
            if row[8]
        ),
        shoppers=tuple(
            Shopper(id=number, start=0, end=0, shift=(UNIT * depot[4], UNIT * depot[5]), capacity=(capacity,))
            for number in range(vehicles)
        ),
        seconds=travel,
        metres=travel,
    )


def _stop(row: list[int]) -> Stop:
    return Stop(place=row[0], window=(UNIT * row[4], UNIT * row[5]), service=UNIT * row[6])


def _solver(problem: Problem, limit: float) -> Plan:
    return solver.solve(problem, time_limit=limit)


def _fallback(problem: Problem, limit: float) -> Plan:
    return solver.solve(problem, use_vroom=False)


def _pyvrp(problem: Problem, limit: float) -> Plan:
    """PyVRP with the whole time limit; tasks are optional at a price above any distance."""
    import pyvrp
    from pyvrp.stop import MaxRuntime

    model = pyvrp.Model()
    places = [model.add_location(0, 0) for _ in problem.seconds]
    for row, one in zip(problem.seconds, places, strict=True):
        for leg, other in zip(row, places, strict=True):
            model.add_edge(one, other, distance=leg, duration=leg)
    depot, first = model.add_depot(places[0]), problem.shoppers[0]
    model.add_vehicle_type(
        len(problem.shoppers),
        capacity=list(first.capacity),
        start_depot=depot,
        end_depot=depot,
        tw_early=first.shift[0],
        tw_late=first.shift[1],
    )
    for task in problem.tasks:
        pickup, delivery = task.pickup or task.delivery, task.delivery
        model.add_shipment(
            places[pickup.place],
            places[delivery.place],
            *(*pickup.window, pickup.service),
            *(*delivery.window, delivery.service),
            amount=list(task.load),
            required=False,
            prize=10 * max(max(row) for row in problem.seconds),
        )
    found = model.solve(MaxRuntime(limit), seed=0, display=False).best
    orders = {
        shopper.id: [
            Act(PICKUP if act.is_pickup() else DELIVERY, problem.tasks[act.idx].id)
            for act in route
            if act.is_shipment()
        ]
        for shopper, route in zip(problem.shoppers, found.routes(), strict=False)
    }
    return plan(problem, orders, "PyVRP")


def _measure(paths: list[Path], best: dict[str, Any], planners: dict[str, Planner]) -> list[dict[str, Any]]:
    progress, runs = Progress(len(paths) * len(planners)), []
    for path in paths:
        known = best[path.stem]
        problem = read(path, known["solved_with_vehicles"])
        for name, planner in planners.items():
            begun = time.monotonic()
            try:
                made = planner(problem, LIMITS.get(path.parent.name, solver.TIME_LIMIT))
                fault = "; ".join([*check(problem, made), *made.failures])
                unassigned, distance = len(made.unassigned), made.cost / UNIT
            except Infeasible as error:
                fault, unassigned, distance = str(error), len(problem.tasks), 0.0
            runs.append(
                {
                    "group": path.parent.name,
                    "instance": path.stem,
                    "planner": name,
                    "seconds": time.monotonic() - begun,
                    "tasks": len(problem.tasks),
                    "unassigned": unassigned,
                    "gap": 100 * (distance / known["best_known_cost"] - 1),
                    "fault": fault,
                }
            )
            progress.step(f"{path.stem} {name}")
    return runs


def _table(runs: list[dict[str, Any]]) -> str:
    lines = [
        "| instances | planner | all planned | left out | mean gap % | worst gap % | median s | worst s | goal |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for group, planner in dict.fromkeys((run["group"], run["planner"]) for run in runs):
        these = [run for run in runs if (run["group"], run["planner"]) == (group, planner)]
        gaps = [run["gap"] for run in these if not run["unassigned"]]
        seconds = [run["seconds"] for run in these]
        left = sum(run["unassigned"] for run in these) / sum(run["tasks"] for run in these)
        mean, worst = (f"{statistics.mean(gaps):.2f}", f"{max(gaps):.2f}") if gaps else ("none", "none")
        lines.append(
            f"| {group} | {planner} | {len(gaps)} of {len(these)} | {left:.1%} | {mean} | {worst} "
            f"| {statistics.median(seconds):.2f} | {max(seconds):.2f} | {_goal(group, planner, gaps)} |"
        )
    faults = [f"{run['instance']}, {run['planner']}: {run['fault']}" for run in runs if run["fault"]]
    return "\n".join([*lines, "", *faults])


def _goal(group: str, planner: str, gaps: list[float]) -> str:
    goal = {"solver": GOALS.get(group), "fallback": FALLBACK_GOAL}.get(planner)
    if goal is None or not gaps:
        return ""
    return f"mean gap <= {goal:g} %: {'reached' if statistics.mean(gaps) <= goal else 'missed'}"


if __name__ == "__main__":
    main()
