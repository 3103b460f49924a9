"""The earliest times of a route whose order is given, and the plan that routes make up.

A planner only decides the order of acts and breaks; `plan` here turns the order into times, the same for every planner.
"""

from collections.abc import Mapping, Sequence

from .problem import BREAK, PICKUP, Act, Break, Plan, Problem, Route, Shopper, Step, Stop, Task

# What a route is made of: an act, or BREAK for the shopper's next break.
Item = Act | str


class Infeasible(Exception):
    """A route cannot be kept in this order."""


def pause(now: int, left: int, rest: Break) -> tuple[int, int]:
    """Begin of a break, and what is left of the leg then; `left`: seconds of the leg still to travel at `now`.

    The shopper travels until the break's window opens.
    """
    begin = max(now, rest.window[0])
    return begin, max(0, left - (begin - now))


def accepted_items(problem: Problem, tasks: Mapping[str, Task], shopper: Shopper) -> list[Item]:
    """The accepted acts, with each break before the act that would make it late."""
    items: list[Item] = []
    breaks, now, place = list(shopper.due_breaks()), shopper.shift[0], shopper.start
    for act in shopper.accepted:
        stop = stop_of(tasks[act.task_id], act.kind)
        left = problem.seconds[place][stop.place]
        while breaks and max(now + left, stop.window[0]) + stop.service > breaks[0].window[1]:
            begin, left = pause(now, left, breaks[0])
            now = begin + breaks.pop(0).seconds
            items.append(BREAK)
        now = max(now + left, stop.window[0]) + stop.service
        place = stop.place
        items.append(act)
    return items


def stop_of(task: Task, kind: str) -> Stop:
    stop = task.pickup if kind == PICKUP else task.delivery
    if stop is None:
        raise Infeasible(f"task {task.id} has no pickup")
    return stop


def route(problem: Problem, tasks: Mapping[str, Task], shopper: Shopper, items: Sequence[Item]) -> Route:
    """The route with the earliest times. Raises Infeasible if a window, a break or the shift cannot be kept."""
    steps: list[Step] = []
    breaks = iter(shopper.due_breaks())
    place, now, travelled, travel, metres = shopper.start, shopper.shift[0], 0, 0, 0
    done, kept = 0, len(shopper.accepted)
    stops = [stop_of(tasks[item.task_id], item.kind) if isinstance(item, Act) else None for item in items]
    for number, (item, stop) in enumerate(zip(items, stops, strict=True)):
        if not isinstance(item, Act) or stop is None:
            rest = next(breaks, None)
            if rest is None:
                raise Infeasible(f"shopper {shopper.id} has no such break")
            following = next((one.place for one in stops[number:] if one), shopper.end)
            left = 0 if following is None else _leg(problem, place, following) - travelled
            begin, left_then = pause(now, left, rest)
            if begin > rest.window[1] and (done > kept or not kept):
                raise Infeasible(f"shopper {shopper.id} misses a break")
            travelled += left - left_then
            now = begin + rest.seconds
            steps.append(Step(kind=BREAK, task_id=None, place=None, arrive=begin, begin=begin, leave=now))
            continue
        leg = _leg(problem, place, stop.place)
        arrive = now + leg - travelled
        begin = max(arrive, stop.window[0])
        late = max(0, begin - stop.window[1])
        if late and done >= kept:
            raise Infeasible(f"the {item.kind} of task {item.task_id} is late")
        now, travelled, done = begin + stop.service, 0, done + 1
        travel, metres, place = travel + leg, metres + problem.metres[place][stop.place], stop.place
        steps.append(
            Step(
                kind=item.kind,
                task_id=item.task_id,
                place=place,
                arrive=arrive,
                begin=begin,
                leave=now,
                late=late,
            )
        )
    if shopper.end is not None:
        leg = _leg(problem, place, shopper.end)
        now, travel, metres = now + leg - travelled, travel + leg, metres + problem.metres[place][shopper.end]
    if now > shopper.shift[1] and sum(isinstance(item, Act) for item in items) > len(shopper.accepted):
        raise Infeasible(f"shopper {shopper.id} ends after the shift")
    return Route(shopper_id=shopper.id, steps=tuple(steps), seconds=travel, metres=metres, finish=now)


def _leg(problem: Problem, place: int, following: int) -> int:
    seconds = problem.seconds[place][following]
    if seconds < 0:
        raise Infeasible(f"no way leads from place {place} to place {following}")
    return seconds


def plan(problem: Problem, orders: Mapping[int, Sequence[Item]], solver: str, failures: tuple[str, ...] = ()) -> Plan:
    """The plan in which each shopper (by id) follows these items. Raises Infeasible."""
    tasks = {task.id: task for task in problem.tasks}
    routes = tuple(
        route(problem, tasks, shopper, items)
        for shopper in problem.shoppers
        if (items := orders.get(shopper.id)) and any(isinstance(item, Act) for item in items)
    )
    planned = {step.task_id for one in routes for step in one.steps}
    return Plan(
        routes=routes,
        unassigned=tuple(task.id for task in problem.tasks if task.id not in planned),
        cost=sum(one.seconds for one in routes),
        solver=solver,
        failures=failures,
    )


def orders(plan: Plan) -> dict[int, list[Item]]:
    """What each shopper of a plan does, by id."""
    return {one.shopper_id: [_item(step) for step in one.steps] for one in plan.routes}


def _item(step: Step) -> Item:
    return BREAK if step.kind == BREAK or step.task_id is None else Act(step.kind, step.task_id)
