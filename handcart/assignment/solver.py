"""Plan any problem: in parts, each by VROOM if it is installed and answers well, otherwise by greedy insertion."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from handcart.core import log

from . import greedy, parts, timing, vroom
from .problem import InvalidProblem, Plan, Problem, check, faults

TIME_LIMIT = 2.0
# Seconds of VROOM for 100 tasks by its exploration level, on one core; they grow with the square of the tasks.
_SECONDS = {5: 3.2, 4: 2.0, 3: 1.2, 2: 0.7, 1: 0.4}
# The number of cores that levels are chosen for: fixed, so that each machine makes the same plan.
_CORES = 2
# Rounds of improvement after greedy insertion, times tasks.
_ROUNDS_TIMES_TASKS = 10_000
# Rounds of improvement after VROOM, times tasks, for each second of the time limit; a few rounds would change nothing.
_ROUNDS_AFTER_VROOM = 3_000
_FEWEST_ROUNDS = 10


def solve(
    problem: Problem,
    *,
    time_limit: float = TIME_LIMIT,
    seed: int = 0,
    use_vroom: bool = True,
    most: int = parts.MOST_TASKS,
    command: tuple[str, ...] = vroom.COMMAND,
) -> Plan:
    """A plan that obeys all rules. Raises InvalidProblem for a problem that contradicts itself.

    `time_limit`: seconds for VROOM; a part that is not answered then is planned by greedy insertion. `most`: tasks of a
    part. The same arguments give the same plan, byte by byte, unless VROOM fails: `Plan.failures` says so. It blocks,
    so an event loop calls it in a thread; greedy insertion holds the interpreter lock.
    """
    if found := faults(problem):
        raise InvalidProblem(found)
    pieces = parts.split(problem, most)
    plans: list[Plan | None] = [None] * len(pieces)
    failures: list[str] = []
    if use_vroom and problem.tasks and problem.shoppers:
        plans, failures = _ask(pieces, time_limit, command)
    rounds = min(greedy.ROUNDS, max(10, _ROUNDS_TIMES_TASKS // max(1, len(problem.tasks))))
    if failures:
        rounds //= 4  # VROOM has used up time
    done = [plan or greedy.solve(piece, rounds, seed) for plan, piece in zip(plans, pieces, strict=True)]
    after = int(_ROUNDS_AFTER_VROOM * time_limit) // max(1, len(problem.tasks)) if all(plans) else 0
    return _join(problem, done, failures, min(greedy.ROUNDS, after) if after >= _FEWEST_ROUNDS else 0, seed)


def _ask(pieces: list[Problem], time_limit: float, command: tuple[str, ...]) -> tuple[list[Plan | None], list[str]]:
    """VROOM's plan of each piece, None where it failed; and what failed."""
    if command is vroom.COMMAND and not vroom.is_installed():
        return [None] * len(pieces), []
    deadline = time.monotonic() + time_limit
    level = _level(pieces, time_limit)

    def ask(piece: Problem) -> Plan | vroom.SolverFailed:
        try:
            return vroom.solve(piece, max(0.01, deadline - time.monotonic()), level, command=command)
        except vroom.SolverFailed as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(ask, pieces))
    failures = [str(answer) for answer in answers if isinstance(answer, vroom.SolverFailed)]
    for failure in failures:
        log.warning("assignment.solver_failed", reason=failure)
    return [answer if isinstance(answer, Plan) else None for answer in answers], failures


def _level(pieces: list[Problem], time_limit: float) -> int:
    """The most thorough level that should take half of the time."""
    work = sum((len(piece.tasks) / 100) ** 2 for piece in pieces) / min(_CORES, len(pieces))
    return next((level for level, seconds in _SECONDS.items() if seconds * work <= time_limit / 2), 0)


def _join(problem: Problem, plans: list[Plan], failures: list[str], rounds: int, seed: int) -> Plan:
    """One plan of the plans of all parts, with breaks, with the tasks that another part has room for, and improved."""
    planner = greedy.Planner(problem)
    planner.follow(dict(chain.from_iterable(timing.orders(plan).items() for plan in plans)))
    greedy.improve(planner, planner.insert(planner.left()), rounds, seed)
    name = "+".join(sorted({plan.solver for plan in plans}, reverse=True))
    plan = timing.plan(problem, planner.orders(), name, tuple(failures))
    if broken := check(problem, plan):
        raise AssertionError("; ".join(broken))
    return plan
