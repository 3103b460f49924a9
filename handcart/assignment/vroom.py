"""VROOM, asked in a process of its own: a problem as its JSON, and its answer as the order of acts.

Only the order is taken from an answer. Times are computed by `timing`, and `problem.check` judges the result, so a
wrong answer is never used.

Breaks are not sent: VROOM 1.15 leaves out shipments that must be delivered before a break's window opens (its issue
1345). The caller places the breaks afterwards.
"""

import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from . import timing
from .problem import DELIVERY, MAX_PRIORITY, PICKUP, Act, Plan, Problem, Shopper, Stop, Task, check
from .timing import Infeasible, Item

EXPLORE = 5
NO_ROUTES = b'{"routes": []}'
COMMAND = (sys.executable, "-I", str(Path(__file__).with_name("vroom_process.py")))


class SolverFailed(Exception):
    """VROOM is missing, crashed, took too long, or answered nonsense."""


class _Step(Struct):
    type: str
    id: Annotated[int, Meta(ge=0)] = 0


class _Route(Struct):
    vehicle: Annotated[int, Meta(ge=0)]
    steps: list[_Step]


class _Answer(Struct):
    routes: list[_Route]


_ANSWER = msgspec.json.Decoder(_Answer)


def is_installed() -> bool:
    """Whether the extra `assignment` is there."""
    return find_spec("vroom") is not None


def solve(
    problem: Problem, seconds: float, explore: int = EXPLORE, threads: int = 1, command: tuple[str, ...] = COMMAND
) -> Plan:
    """The plan of VROOM for the shoppers without their breaks, checked. Raises SolverFailed.

    `seconds`: it is killed after this time. `explore`: 0 (quick) to 5 (thorough).
    """
    problem = replace(problem, shoppers=tuple(replace(shopper, breaks=()) for shopper in problem.shoppers))
    asked = _Question(problem)
    limit = str(math.ceil(seconds) * threads + 1)
    try:
        answer = NO_ROUTES
        if asked.tasks and asked.vehicles:  # VROOM calls anything else an error
            answer = _run(asked.json(), seconds, (*command, limit, "-x", str(explore), "-t", str(threads)))
        plan = timing.plan(problem, asked.orders(answer), "vroom")
    except (Infeasible, msgspec.ValidationError, msgspec.DecodeError, LookupError) as error:
        raise SolverFailed(f"VROOM gave an answer that cannot be used: {error}") from error
    if broken := check(problem, plan):
        raise SolverFailed(f"VROOM broke a rule: {broken[0]}")
    return plan


def _run(question: bytes, seconds: float, command: tuple[str, ...]) -> bytes:
    try:
        done = subprocess.run(command, input=question, capture_output=True, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise SolverFailed(f"VROOM took more than {seconds:g} s") from error
    except OSError as error:
        raise SolverFailed(f"VROOM cannot be started: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-200:]
        raise SolverFailed(f"VROOM ended with code {done.returncode}: {said}")
    return done.stdout


class _Question:
    """A problem in the words of VROOM: the accepted acts are left out, and a route starts where they end.

    Times are moved so that the first shift starts at 0, because VROOM knows no negative times.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.known = {task.id: task for task in problem.tasks}
        self.kept = {act.task_id for shopper in problem.shoppers for act in shopper.accepted}
        stops = [stop for task in problem.tasks for stop in (task.pickup, task.delivery) if stop]
        ends = [place for one in problem.shoppers for place in (one.start, one.end) if place is not None]
        self.places = sorted({stop.place for stop in stops} | {*ends})
        self.number_of = {place: number for number, place in enumerate(self.places)}
        self.zero = min((shopper.shift[0] for shopper in problem.shoppers), default=0)
        self.horizon = max((shopper.shift[1] for shopper in problem.shoppers), default=0) - self.zero
        self.prefixes = {s.id: timing.accepted_items(problem, self.known, s) for s in problem.shoppers}
        names = sorted({name for task in problem.tasks for name in task.skills})
        self.skills = {name: number for number, name in enumerate(names)}
        self.tasks = [(number, task) for number, task in enumerate(problem.tasks) if self._is_possible(task)]
        found = (self._vehicle(number, shopper) for number, shopper in enumerate(problem.shoppers))
        self.vehicles = [vehicle for vehicle in found if vehicle]

    def json(self) -> bytes:
        rows = [self.problem.seconds[place] for place in self.places]
        question = {
            "vehicles": self.vehicles,
            "shipments": [self._shipment(number, task) for number, task in self.tasks if task.pickup],
            "jobs": [self._job(number, task) for number, task in self.tasks if not task.pickup],
            "matrices": {
                "car": {
                    "durations": [[row[to] if row[to] >= 0 else self.horizon + 1 for to in self.places] for row in rows]
                }
            },
        }
        return msgspec.json.encode(question)

    def _is_possible(self, task: Task) -> bool:
        stops = [stop for stop in (task.pickup, task.delivery) if stop]
        return task.id not in self.kept and all(
            stop.window[1] >= self.zero and stop.window[0] <= min(stop.window[1], self.zero + self.horizon)
            for stop in stops
        )

    def _vehicle(self, number: int, shopper: Shopper) -> dict[str, Any] | None:
        prefix = self.prefixes[shopper.id]
        place, now = shopper.start, shopper.shift[0]
        if prefix:
            steps = timing.route(self.problem, self.known, shopper, prefix).steps
            place, now = steps[-1].place or 0, steps[-1].leave
        if now > shopper.shift[1]:
            return None
        vehicle = {
            "id": number,
            "start_index": self.number_of[place],
            "capacity": shopper.capacity,
            "time_window": self._window((now, shopper.shift[1])),
            "skills": [*(self.skills[name] for name in shopper.skills if name in self.skills), self._pin(number)],
        }
        return vehicle | ({} if shopper.end is None else {"end_index": self.number_of[shopper.end]})

    def _window(self, window: tuple[int, int]) -> tuple[int, int]:
        return max(0, window[0] - self.zero), min(max(0, window[1] - self.zero), self.horizon)

    def _pin(self, number: int) -> int:
        return len(self.skills) + number

    def _needs(self, task: Task) -> list[int]:
        pins = [self._pin(n) for n, one in enumerate(self.problem.shoppers) if one.id == task.pinned_to]
        nobody = [self._pin(len(self.problem.shoppers))]
        return [
            *(self.skills[name] for name in sorted(task.skills)),
            *(pins or nobody if task.pinned_to is not None else []),
        ]

    def _stop(self, number: int, stop: Stop) -> dict[str, Any]:
        window = self._window(stop.window)
        return {
            "id": number,
            "location_index": self.number_of[stop.place],
            "service": stop.service,
            "time_windows": [window],
        }

    def _shipment(self, number: int, task: Task) -> dict[str, Any]:
        pickup = task.pickup or task.delivery
        return {
            "amount": task.load,
            "skills": self._needs(task),
            "priority": task.priority,
            "pickup": self._stop(number, pickup),
            "delivery": self._stop(number, task.delivery),
        }

    def _job(self, number: int, task: Task) -> dict[str, Any]:
        more = {"delivery": task.load, "skills": self._needs(task), "priority": MAX_PRIORITY}
        return self._stop(number, task.delivery) | more

    def orders(self, answer: bytes) -> dict[int, list[Item]]:
        """What each shopper does, by id. Raises LookupError or msgspec's errors for nonsense."""
        found = dict(self.prefixes)
        for route in _ANSWER.decode(answer).routes:
            shopper = self.problem.shoppers[route.vehicle]
            found[shopper.id] = self.prefixes[shopper.id] + [one for step in route.steps for one in self._item(step)]
        return found

    def _item(self, step: _Step) -> list[Item]:
        if step.type in ("start", "end"):
            return []
        task = self.problem.tasks[step.id]
        return [Act(PICKUP if step.type == PICKUP else DELIVERY, task.id)]
