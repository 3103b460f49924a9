"""What a planner is asked and what it answers, as plain data; and the check of an answer against its question.

Times are whole seconds from any zero that the caller chooses; a place is an index into both matrices.

Rules of time:
- a leg takes `seconds[a][b]`; a shopper who comes before a window waits; service starts inside the window;
- a break starts inside its window, and may interrupt a leg: the rest of the leg follows the break;
- a route ends inside the shift: at the end place, or where the last service ends if there is no end place.

Acts that a shopper has accepted come first, in their order, and are never taken away. They may be late, as may breaks
before them and right after them, and they are not measured against capacity, skills or the end of the shift. All others
obey every rule.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from msgspec import Struct

PICKUP: Literal["pickup"] = "pickup"
DELIVERY: Literal["delivery"] = "delivery"
BREAK: Literal["break"] = "break"
MAX_PRIORITY = 100
Window = tuple[int, int]
ANY_TIME: Window = (0, 2**31 - 1)


class Stop(Struct, frozen=True, kw_only=True):
    """One end of a task. `window`: first and last second at which the `service` (seconds) may start."""

    place: int
    window: Window = ANY_TIME
    service: int = 0


class Task(Struct, frozen=True, kw_only=True):
    """Goods that one shopper takes from a pickup to a delivery.

    `pickup` None: `pinned_to` has the goods already. `load`: what the task fills, one number for each dimension of
    `Shopper.capacity` (for example orders, units, grams). `skills`: the shopper must have all of them.
    `priority`: 0 to 100; with too few shoppers, the plan keeps the highest sum. `pinned_to`: the only shopper allowed.
    """

    id: str
    pickup: Stop | None
    delivery: Stop
    load: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    priority: int = 0
    pinned_to: int | None = None


class Break(Struct, frozen=True, kw_only=True):
    """A pause of `seconds` that starts inside the window. It counts only if it fits into the shift."""

    window: Window
    seconds: int


class Act(Struct, frozen=True):
    """The pickup or delivery of a task."""

    kind: Literal["pickup", "delivery"]
    task_id: str


class Shopper(Struct, frozen=True, kw_only=True):
    """A person who works. `end` None: the route ends at its last stop. `shift`: first and last second of work.

    `breaks`: in order of time. `accepted`: acts that stay first in the route, in this order; a pickup needs
    its delivery.
    """

    id: int
    start: int
    end: int | None = None
    shift: Window
    breaks: tuple[Break, ...] = ()
    capacity: tuple[int, ...] = ()
    skills: frozenset[str] = frozenset()
    accepted: tuple[Act, ...] = ()

    def due_breaks(self) -> tuple[Break, ...]:
        """The breaks that fit into the shift: a shopper with any stop takes all of them."""
        first, last = self.shift
        return tuple(
            pause
            for pause in self.breaks
            if pause.window[1] >= first and max(pause.window[0], first) + pause.seconds <= last
        )


class Problem(Struct, frozen=True, kw_only=True):
    """Tasks, shoppers, and the travel between all places: `seconds[a][b]`, `metres[a][b]`, -1 for no way."""

    tasks: tuple[Task, ...]
    shoppers: tuple[Shopper, ...]
    seconds: list[list[int]]
    metres: list[list[int]]


class Step(Struct, frozen=True, kw_only=True):
    """A stop or a break of a route. `begin`: start of the service. `late`: seconds from the window's end to `begin`."""

    kind: Literal["pickup", "delivery", "break"]
    task_id: str | None
    place: int | None
    arrive: int
    begin: int
    leave: int
    late: int = 0


class Route(Struct, frozen=True, kw_only=True):
    """The work of one shopper. `seconds`, `metres`: all travel, including to the end place. `finish`: end of work."""

    shopper_id: int
    steps: tuple[Step, ...]
    seconds: int
    metres: int
    finish: int


class Plan(Struct, frozen=True, kw_only=True):
    """Routes of shoppers with stops, in the order of `Problem.shoppers`; and tasks that nobody gets.

    `cost`: sum of `Route.seconds`. `solver`: what made the plan (`vroom`, `greedy`, or `vroom+greedy` in parts).
    `failures`: why VROOM was not used where it was not.
    """

    routes: tuple[Route, ...]
    unassigned: tuple[str, ...]
    cost: int
    solver: str
    failures: tuple[str, ...] = ()


class InvalidProblem(ValueError):
    """The problem contradicts itself; `faults` says where."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def faults(problem: Problem) -> list[str]:
    """What makes the problem impossible to read: double ids, unknown places, acts accepted by two shoppers."""
    return [*_faults(problem)] or [*_accepted_faults(problem)]


def _faults(problem: Problem) -> Iterator[str]:
    size = len(problem.seconds)
    for matrix in (problem.seconds, problem.metres):
        if len(matrix) != size or any(len(row) != size for row in matrix):
            yield "seconds and metres are not square matrices of one size"
    for kind, ids in (("task", [t.id for t in problem.tasks]), ("shopper", [s.id for s in problem.shoppers])):
        yield from (f"{kind} {one} is given {times} times" for one, times in Counter(ids).items() if times > 1)
    dimensions = {len(task.load) for task in problem.tasks} | {len(one.capacity) for one in problem.shoppers}
    if len(dimensions) > 1:
        yield "loads and capacities do not have the same number of dimensions"
    for task in problem.tasks:
        if any(not 0 <= stop.place < size for stop in (task.pickup, task.delivery) if stop):
            yield f"task {task.id} has a place outside the matrices"
        if min(task.load, default=0) < 0 or not 0 <= task.priority <= MAX_PRIORITY:
            yield f"task {task.id} has a negative load, or a priority outside 0 to {MAX_PRIORITY}"
        if task.pickup is None and task.pinned_to is None:
            yield f"task {task.id} has no pickup and is pinned to nobody"
    for shopper in problem.shoppers:
        if any(not 0 <= place < size for place in (shopper.start, shopper.end) if place is not None):
            yield f"shopper {shopper.id} has a place outside the matrices"


def _accepted_faults(problem: Problem) -> Iterator[str]:
    tasks = {task.id: task for task in problem.tasks}
    holders: dict[str, int] = {}
    for shopper in problem.shoppers:
        done = {task.id for task in problem.tasks if task.pickup is None}
        seen: set[Act] = set()
        for act in shopper.accepted:
            if act.task_id not in tasks:
                yield f"shopper {shopper.id} accepted the unknown task {act.task_id}"
                continue
            if holders.setdefault(act.task_id, shopper.id) != shopper.id:
                yield f"task {act.task_id} is accepted by shoppers {holders[act.task_id]} and {shopper.id}"
            if tasks[act.task_id].pinned_to not in (None, shopper.id):
                yield f"task {act.task_id} is accepted by shopper {shopper.id} but pinned to another"
            if act in seen or (act.kind == PICKUP and act.task_id in done):
                yield f"shopper {shopper.id} accepted the {act.kind} of task {act.task_id} twice"
            if act.kind == DELIVERY and act.task_id not in done:
                yield f"shopper {shopper.id} accepted the delivery of task {act.task_id} before its pickup"
            seen.add(act)
            done |= {act.task_id} if act.kind == PICKUP else set()
        for act in sorted(seen, key=lambda one: one.task_id):
            if act.kind == PICKUP and Act(DELIVERY, act.task_id) not in seen:
                yield f"shopper {shopper.id} accepted the pickup of task {act.task_id} without its delivery"
        yield from _unreachable(problem, tasks, shopper)


def _unreachable(problem: Problem, tasks: dict[str, Task], shopper: Shopper) -> Iterator[str]:
    stops = [tasks[act.task_id] for act in shopper.accepted if act.task_id in tasks]
    places = [shopper.start]
    for act, task in zip(shopper.accepted, stops, strict=False):
        places.append((task.pickup or task.delivery if act.kind == PICKUP else task.delivery).place)
    places += [shopper.end] if shopper.end is not None and shopper.accepted else []
    if len(stops) == len(shopper.accepted) and any(problem.seconds[one][other] < 0 for one, other in pairwise(places)):
        yield f"shopper {shopper.id} accepted acts that no way connects"


def check(problem: Problem, plan: Plan) -> list[str]:
    """All rules that the plan breaks, as sentences; empty for a plan that may be used.

    It reads only the two arguments, and shares no code with the planners.
    """
    return [*_violations(problem, plan)]


def _violations(problem: Problem, plan: Plan) -> Iterator[str]:
    tasks = {task.id: task for task in problem.tasks}
    shoppers = {shopper.id: shopper for shopper in problem.shoppers}
    acts = Counter((step.kind, step.task_id) for route in plan.routes for step in route.steps if step.kind != BREAK)
    yield from (f"{kind} of task {task} stands {n} times" for (kind, task), n in acts.items() if n > 1)
    yield from (f"unknown task {task}" for _, task in acts if task not in tasks)
    yield from (f"shopper {i} has {n} routes" for i, n in Counter(r.shopper_id for r in plan.routes).items() if n > 1)
    planned = {task for _, task in acts}
    unassigned = Counter(plan.unassigned)
    yield from (f"task {task} is unassigned {n} times" for task, n in unassigned.items() if n > 1)
    for task in problem.tasks:
        if (task.id in planned) == (task.id in unassigned):
            yield f"task {task.id} is both planned and unassigned, or neither"
    yield from (f"unknown task {task} is unassigned" for task in unassigned.keys() - tasks.keys())
    if plan.cost != sum(route.seconds for route in plan.routes):
        yield "cost is not the travel time of all routes"
    routes = {route.shopper_id: route for route in plan.routes}
    for shopper in problem.shoppers:
        if shopper.accepted and shopper.id not in routes:
            yield f"shopper {shopper.id} lost all accepted acts"
    for route in plan.routes:
        if route.shopper_id not in shoppers:
            yield f"unknown shopper {route.shopper_id}"
        elif all(step.kind == BREAK or step.task_id in tasks for step in route.steps):
            shopper = shoppers[route.shopper_id]
            for rule in (_wrong_tasks, _wrong_loads, _wrong_times, _wrong_breaks):
                yield from (f"shopper {shopper.id}: {text}" for text in rule(problem, tasks, shopper, route))


def _stops(route: Route) -> list[Step]:
    return [step for step in route.steps if step.kind != BREAK]


def _wrong_tasks(problem: Problem, tasks: dict[str, Task], shopper: Shopper, route: Route) -> Iterator[str]:
    acts = [(step.kind, step.task_id or "") for step in _stops(route)]
    accepted = [(act.kind, act.task_id) for act in shopper.accepted]
    if acts[: len(accepted)] != accepted:
        yield "accepted acts do not come first in their order"
    if not acts:
        yield "the route has no stop"
    kept = {act.task_id for act in shopper.accepted}
    for task in (tasks[i] for i in dict.fromkeys(task_id for _, task_id in acts)):
        order = [kind for kind, task_id in acts if task_id == task.id]
        if order != ([PICKUP, DELIVERY] if task.pickup else [DELIVERY]):
            yield f"task {task.id} is not one pickup and then one delivery"
        if task.pinned_to not in (None, shopper.id):
            yield f"task {task.id} is pinned to shopper {task.pinned_to}"
        if task.id not in kept and not task.skills <= shopper.skills:
            yield f"task {task.id} needs skills that the shopper does not have"


def _wrong_loads(problem: Problem, tasks: dict[str, Task], shopper: Shopper, route: Route) -> Iterator[str]:
    load = [0] * len(shopper.capacity)
    aboard = [task for task in problem.tasks if task.pickup is None and task.pinned_to == shopper.id]
    changes = [(1, task) for task in aboard]
    changes += [(1 if step.kind == PICKUP else -1, tasks[step.task_id or ""]) for step in _stops(route)]
    for number, (sign, task) in enumerate(changes):
        load = [now + sign * more for now, more in zip(load, task.load, strict=True)]
        is_accepted = number < len(aboard) + len(shopper.accepted)
        if sign > 0 and not is_accepted and any(now > most for now, most in zip(load, shopper.capacity, strict=True)):
            yield f"task {task.id} exceeds the capacity"


def _wrong_times(problem: Problem, tasks: dict[str, Task], shopper: Shopper, route: Route) -> Iterator[str]:
    place, free, paused, number, travel, metres = shopper.start, shopper.shift[0], 0, 0, 0, 0
    for step in route.steps:
        if step.kind == BREAK:
            paused += step.leave - step.begin
            continue
        task = tasks[step.task_id or ""]
        stop = task.delivery if step.kind == DELIVERY else task.pickup
        if stop is None or step.place != stop.place:
            yield f"the {step.kind} of task {task.id} is at another place"
            return
        leg = problem.seconds[place][stop.place]
        number += 1
        if leg < 0:
            yield f"no way leads to the {step.kind} of task {task.id}"
        if step.arrive < free + leg + paused or not step.arrive <= step.begin == step.leave - stop.service:
            yield f"the {step.kind} of task {task.id} comes sooner than travel, break or service allow"
        is_late = step.begin > stop.window[1]
        if step.begin < stop.window[0] or (is_late and number > len(shopper.accepted)):
            yield f"the {step.kind} of task {task.id} starts outside its window"
        if step.late != max(0, step.begin - stop.window[1]):
            yield f"the {step.kind} of task {task.id} has a wrong `late`"
        travel, metres = travel + leg, metres + problem.metres[place][stop.place]
        place, free, paused = stop.place, step.leave, 0
    if shopper.end is not None:
        leg = problem.seconds[place][shopper.end]
        travel, metres = travel + leg, metres + problem.metres[place][shopper.end]
        free += leg
        if leg < 0:
            yield "no way leads to the end place"
    if route.finish < free + paused or (route.finish > shopper.shift[1] and number > len(shopper.accepted)):
        yield "the route ends after the shift, or sooner than it can"
    if (route.seconds, route.metres) != (travel, metres):
        yield "seconds or metres are not those of the legs"


def _wrong_breaks(problem: Problem, tasks: dict[str, Task], shopper: Shopper, route: Route) -> Iterator[str]:
    taken = [step for step in route.steps if step.kind == BREAK]
    if len(taken) != len(shopper.due_breaks()):
        yield "the number of breaks is wrong"
    free = _stops(route)[len(shopper.accepted) :]
    for step, pause in zip(taken, shopper.due_breaks(), strict=False):
        if step.leave - step.begin != pause.seconds:
            yield "a break has the wrong length"
        is_late = step.begin > pause.window[1]
        if step.begin < pause.window[0] or (
            is_late and not (shopper.accepted and all(step.leave <= stop.begin for stop in free))
        ):
            yield "a break starts outside its window"
    ordered = [moment for step in route.steps for moment in (step.begin, step.leave)]
    if ordered != sorted(ordered):
        yield "steps overlap"
