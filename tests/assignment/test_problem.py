"""The check of a plan finds every kind of wrong plan."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handcart.assignment import greedy
from handcart.assignment.problem import DELIVERY, PICKUP, Act, Break, Plan, Problem, Route, Step, Stop, check
from tests.support.planning import HOUR, on_a_line, shopper, task

Change = Callable[[Plan], Plan]


def problem() -> Problem:
    """Two shoppers: the first has accepted `late`, the second alone may carry `beer`; both have a break."""
    rest = (Break(window=(HOUR, 2 * HOUR), seconds=600),)
    accepted = (Act(PICKUP, "late"), Act(DELIVERY, "late"))
    late = replace(task("late", 3, 4, window=(0, 60)), pickup=Stop(place=3, service=300))
    tasks = [late, task("beer", 5, 6, (0, HOUR), skills=frozenset({"alcohol"})), task("pinned", 1, 2, pinned_to=1)]
    people = [
        shopper(1, breaks=rest, accepted=accepted, capacity=(1,)),
        shopper(2, breaks=rest, skills=frozenset({"alcohol"}), end=0),
    ]
    return on_a_line(tasks, people)


def steps(change: Callable[[list[Step]], list[Step]], number: int = 0) -> Change:
    """Change the steps of one route."""

    def changed(plan: Plan) -> Plan:
        routes = list(plan.routes)
        routes[number] = replace(routes[number], steps=tuple(change(list(routes[number].steps))))
        return replace(plan, routes=tuple(routes))

    return changed


def step(number: int, route: int = 0, **facts: object) -> Change:
    """Change one step of a route."""
    return steps(lambda old: [replace(one, **facts) if at == number else one for at, one in enumerate(old)], route)


def route(number: int = 0, **facts: object) -> Change:
    """Change one route."""
    return lambda plan: replace(
        plan, routes=tuple(replace(one, **facts) if at == number else one for at, one in enumerate(plan.routes))
    )


def earlier(old: list[Step]) -> list[Step]:
    return [replace(one, arrive=one.arrive - 1, begin=one.begin - 1, leave=one.leave - 1) for one in old]


def test_plan_of_the_problem_then_it_keeps_all_rules() -> None:
    plan = greedy.solve(problem())
    assert check(problem(), plan) == []
    kinds = [[(one.kind, one.task_id) for one in each.steps] for each in plan.routes]
    assert kinds == [
        [("pickup", "late"), ("delivery", "late"), ("pickup", "pinned"), ("delivery", "pinned"), ("break", None)],
        [("pickup", "beer"), ("delivery", "beer"), ("break", None)],
    ]
    assert plan.routes[0].steps[1].late == 3 * 60 + 300 + 60 - 60


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        (steps(lambda old: old[:2] + old[2:4] * 2 + old[4:]), "stands 2 times"),
        (steps(lambda old: old[:2] + old[4:]), "both planned and unassigned, or neither"),
        (lambda plan: replace(plan, unassigned=("beer",)), "both planned and unassigned, or neither"),
        (lambda plan: replace(plan, unassigned=("x",)), "unknown task x is unassigned"),
        (lambda plan: replace(plan, cost=plan.cost - 1), "cost"),
        (lambda plan: replace(plan, routes=plan.routes[1:], unassigned=("late", "pinned")), "lost all accepted"),
        (lambda plan: replace(plan, routes=(*plan.routes, plan.routes[0])), "has 2 routes"),
        (route(shopper_id=9), "unknown shopper 9"),
        (route(seconds=1), "not those of the legs"),
        (route(1, metres=1), "not those of the legs"),
        (route(1, finish=60), "ends after the shift, or sooner"),
        (step(0, task_id="x"), "unknown task x"),
        (step(2, task_id="beer"), "alcohol|skills|stands"),
        (step(2, place=7), "at another place"),
        (step(4, begin=0, leave=600), "break starts outside"),
        (step(4, leave=HOUR + 1), "wrong length"),
        (steps(lambda old: old[:4]), "number of breaks"),
        (steps(lambda old: [*old[2:4], *old[:2], old[4]]), "accepted acts do not come first"),
        (steps(lambda old: [old[0], old[1], old[3], old[2], old[4]]), "one pickup and then one delivery"),
        (steps(earlier), "sooner than travel"),
        (step(1, late=0), "wrong `late`"),
        (step(1, route=1, arrive=HOUR + 1, begin=HOUR + 1, leave=HOUR + 1, late=1), "starts outside its window"),
    ],
)
def test_plan_is_changed_then_the_broken_rule_is_named(change: Change, violation: str) -> None:
    found = check(problem(), change(greedy.solve(problem())))
    assert any(any(part in one for part in violation.split("|")) for one in found), found


def change_problem(**facts: object) -> Problem:
    """The problem with other facts about the second shopper."""
    first, second = problem().shoppers
    return replace(problem(), shoppers=(first, replace(second, **facts)))


@pytest.mark.parametrize(
    ("harder", "violation"),
    [
        (change_problem(skills=frozenset()), "needs skills"),
        (change_problem(capacity=(0,)), "exceeds the capacity"),
        (change_problem(shift=(0, HOUR + 300)), "ends after the shift"),
        (change_problem(shift=(60, 8 * HOUR)), "sooner than travel"),
        (replace(problem(), tasks=tuple(replace(one, pinned_to=1) for one in problem().tasks)), "is pinned to"),
        (replace(problem(), seconds=[[-1] * 10] * 10), "no way leads"),
    ],
)
def test_plan_of_an_easier_problem_then_the_broken_rule_is_named(harder: Problem, violation: str) -> None:
    found = check(harder, greedy.solve(problem()))
    assert any(violation in one for one in found), found


def test_route_without_stops_then_it_is_a_violation() -> None:
    plan = Plan(
        routes=(Route(shopper_id=1, steps=(), seconds=0, metres=0, finish=0),), unassigned=(), cost=0, solver="x"
    )
    assert check(on_a_line([], [shopper(1)]), plan) == ["shopper 1: the route has no stop"]
