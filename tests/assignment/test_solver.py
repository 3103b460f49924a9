"""Every plan obeys every rule, whatever the problem is and whatever VROOM does."""

import json
import sys
import time

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from handcart.assignment import greedy, solver, vroom
from handcart.assignment.problem import (
    DELIVERY,
    PICKUP,
    Act,
    Break,
    InvalidProblem,
    Plan,
    Problem,
    Stop,
    Task,
    check,
)
from tests.support.planning import HOUR, day, on_a_line, problems, shopper, task

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_answer(code: str) -> tuple[str, ...]:
    """A command that stands for VROOM and runs this Python instead."""
    return (sys.executable, "-c", code)


def orders_of(plan: Plan) -> dict[int, list[tuple[str, str | None]]]:
    return {route.shopper_id: [(step.kind, step.task_id) for step in route.steps] for route in plan.routes}


@given(problems())
@settings(QUIET, max_examples=150)
def test_any_problem_for_greedy_then_no_rule_is_broken(problem: Problem) -> None:
    first = greedy.solve(problem, rounds=15, seed=3)
    assert check(problem, first) == []
    again = greedy.solve(msgspec.json.decode(msgspec.json.encode(problem), type=Problem), rounds=15, seed=3)
    assert msgspec.json.encode(again) == msgspec.json.encode(first)


@given(problems())
@settings(QUIET, max_examples=40)
def test_any_problem_for_vroom_then_no_rule_is_broken(problem: Problem) -> None:
    first = solver.solve(problem, time_limit=60)  # by insertion where VROOM breaks a rule
    assert check(problem, first) == []
    again = solver.solve(msgspec.json.decode(msgspec.json.encode(problem), type=Problem), time_limit=60)
    assert msgspec.json.encode(again) == msgspec.json.encode(first)


@given(problems())
@settings(QUIET, max_examples=40)
def test_any_problem_in_small_parts_then_no_rule_is_broken(problem: Problem) -> None:
    plan = solver.solve(problem, use_vroom=False, most=2)
    assert check(problem, plan) == []


@pytest.mark.parametrize("use_vroom", [True, False])
def test_day_with_enough_shoppers_then_all_is_planned(use_vroom: bool) -> None:
    problem = day(40, 10)
    plan = solver.solve(problem, time_limit=60, use_vroom=use_vroom)
    assert (plan.unassigned, plan.solver, plan.failures) == ((), "vroom" if use_vroom else "greedy", ())
    assert check(problem, plan) == []
    one_by_one = greedy.solve(problem, rounds=0)
    assert plan.cost < one_by_one.cost


def test_same_seed_then_same_bytes_and_other_seed_then_other_search() -> None:
    problem = day(40, 10)
    plans = [greedy.solve(problem, rounds=40, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (msgspec.json.encode(plan) for plan in plans)
    assert first == again != other


def route(*steps: tuple[str, int], vehicle: int = 0) -> str:
    """Code that prints an answer of VROOM with one route."""
    listed = [{"type": kind, "id": number} for kind, number in steps]
    return f"print({json.dumps({'routes': [{'vehicle': vehicle, 'steps': listed}]})!r})"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "ended with code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with code -11"),
        ("import time; time.sleep(60)", "took more than"),
        ("print('VROOM')", "cannot be used"),
        ("print('{}')", "cannot be used"),
        (route(vehicle=7), "cannot be used"),
        (route(vehicle=-1), "cannot be used"),
        (route((PICKUP, 9)), "cannot be used"),
        (route((PICKUP, -1)), "cannot be used"),
        (route((DELIVERY, 0)), "broke a rule"),
        (route((PICKUP, 0)), "broke a rule"),
        (route((DELIVERY, 0), (PICKUP, 0)), "broke a rule"),
        (route((PICKUP, 0), (DELIVERY, 0), (PICKUP, 0), (DELIVERY, 0)), "broke a rule"),
        (route((PICKUP, 1), (DELIVERY, 1)), "broke a rule"),
    ],
)
def test_solver_fails_then_greedy_plans_and_says_why(
    code: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alcohol = task("b", 3, 4, skills=frozenset({"alcohol"}))
    problem = on_a_line([task("a", 1, 2), alcohol], [shopper(1)])
    begun = time.monotonic()
    plan = solver.solve(problem, time_limit=3, command=with_answer(code))
    assert time.monotonic() - begun < 20
    assert orders_of(plan) == {1: [(PICKUP, "a"), (DELIVERY, "a")]}
    assert (plan.unassigned, plan.solver) == (("b",), "greedy")
    assert len(plan.failures) == 1
    assert reason in plan.failures[0]
    assert "assignment.solver_failed" in capsys.readouterr().err


def test_solver_cannot_be_started_then_greedy_plans() -> None:
    plan = solver.solve(on_a_line([task("a", 1, 2)], [shopper(1)]), command=("/nowhere/vroom",))
    assert (plan.unassigned, plan.solver) == ((), "greedy")
    assert "cannot be started" in plan.failures[0]


def test_extra_is_missing_then_greedy_plans_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vroom, "is_installed", lambda: False)
    plan = solver.solve(on_a_line([task("a", 1, 2)], [shopper(1)]))
    assert (plan.unassigned, plan.solver, plan.failures) == ((), "greedy", ())


@pytest.mark.parametrize("use_vroom", [True, False])
@pytest.mark.parametrize(
    ("problem", "unassigned"),
    [
        (on_a_line([], []), ()),
        (on_a_line([], [shopper(1)]), ()),
        (on_a_line([task("a", 1, 2)], []), ("a",)),
        (
            on_a_line([task("past", 1, 2, window=(-900, -1)), task("a", 1, 2)], [shopper(1)]),
            ("past",),
        ),
        (on_a_line([task("turned", 1, 2, window=(900, 800))], [shopper(1)]), ("turned",)),
        (on_a_line([task("cold", 1, 2, skills=frozenset({"cold"})), task("a", 1, 2)], [shopper(1)]), ("cold",)),
        (on_a_line([task("large", 1, 2, load=(4,)), task("a", 1, 2)], [shopper(1)]), ("large",)),
        (on_a_line([task("gone", 1, 2, pinned_to=9), task("a", 1, 2)], [shopper(1)]), ("gone",)),
        (on_a_line([task("a", 1, 2)], [shopper(1, shift=(900, 800))]), ("a",)),
    ],
)
def test_impossible_task_then_it_alone_is_left(use_vroom: bool, problem: Problem, unassigned: tuple[str, ...]) -> None:
    plan = solver.solve(problem, time_limit=60, use_vroom=use_vroom)
    assert (plan.unassigned, plan.failures) == (unassigned, ())


@pytest.mark.parametrize("use_vroom", [True, False])
def test_place_without_way_then_its_task_is_left(use_vroom: bool) -> None:
    problem = on_a_line([task("island", 1, 9), task("a", 1, 2)], [shopper(1)])
    for row in problem.seconds[:9]:
        row[9] = -1
    assert solver.solve(problem, time_limit=60, use_vroom=use_vroom).unassigned == ("island",)


@pytest.mark.parametrize("use_vroom", [True, False])
def test_accepted_acts_then_they_stay_first_even_if_late(use_vroom: bool) -> None:
    late = Task(id="late", pickup=None, delivery=Stop(place=9, window=(0, 60)), load=(1,), pinned_to=2)
    accepted = (Act(PICKUP, "b"), Act(DELIVERY, "late"), Act(DELIVERY, "b"))
    problem = on_a_line([late, task("b", 5, 1), task("c", 5, 1)], [shopper(1), shopper(2, accepted=accepted)])
    plan = solver.solve(problem, time_limit=60, use_vroom=use_vroom)
    assert orders_of(plan)[2][:3] == [(act.kind, act.task_id) for act in accepted]
    assert [step.late for step in plan.routes[-1].steps[:3]] == [0, 9 * 60 - 60, 0]
    assert plan.unassigned == ()


@pytest.mark.parametrize("use_vroom", [True, False])
def test_pinned_task_then_its_far_shopper_keeps_it(use_vroom: bool) -> None:
    problem = on_a_line([task("a", 1, 2, pinned_to=2)], [shopper(1), shopper(2, start=9)])
    plan = solver.solve(problem, time_limit=60, use_vroom=use_vroom)
    assert orders_of(plan) == {2: [(PICKUP, "a"), (DELIVERY, "a")]}


@pytest.mark.parametrize("use_vroom", [True, False])
def test_room_for_one_task_then_the_higher_priority_is_planned(use_vroom: bool) -> None:
    tasks = [task("near", 1, 2), task("far", 1, 8, priority=60)]
    tasks = [replace(one, delivery=replace(one.delivery, window=(0, 500))) for one in tasks]
    plan = solver.solve(on_a_line(tasks, [shopper(1, capacity=(1,))]), time_limit=60, use_vroom=use_vroom)
    assert plan.unassigned == ("near",)


@pytest.mark.parametrize("use_vroom", [True, False])
def test_break_after_the_only_window_then_task_and_break_fit(use_vroom: bool) -> None:
    """VROOM alone leaves this task out, because the break cannot come before it."""
    rest = Break(window=(2 * HOUR, 3 * HOUR), seconds=900)
    early = task("a", 1, 2, window=(0, 2 * HOUR))
    plan = solver.solve(on_a_line([early], [shopper(1, breaks=(rest,))]), time_limit=60, use_vroom=use_vroom)
    assert orders_of(plan) == {1: [(PICKUP, "a"), (DELIVERY, "a"), ("break", None)]}
    assert plan.routes[0].steps[-1].begin == 2 * HOUR


@pytest.mark.parametrize(
    ("problem", "fault"),
    [
        (on_a_line([task("a", 1, 2), task("a", 1, 2)], []), "task a is given 2 times"),
        (on_a_line([task("a", 1, 10)], []), "place outside"),
        (on_a_line([task("a", 1, 2, load=(1, 2))], [shopper(1)]), "dimensions"),
        (on_a_line([task("a", 1, 2, priority=101)], []), "priority"),
        (on_a_line([replace(task("a", 1, 2), pickup=None)], []), "pinned to nobody"),
        (on_a_line([], [shopper(1, accepted=(Act(PICKUP, "a"),))]), "unknown task a"),
        (on_a_line([task("a", 1, 2)], [shopper(1, accepted=(Act(PICKUP, "a"),))]), "without its delivery"),
        (on_a_line([task("a", 1, 2)], [shopper(1, accepted=(Act(DELIVERY, "a"),))]), "before its pickup"),
        (
            on_a_line([task("a", 1, 2)], [shopper(n, accepted=(Act(PICKUP, "a"), Act(DELIVERY, "a"))) for n in (1, 2)]),
            "accepted by shoppers 1 and 2",
        ),
        (
            on_a_line(
                [task("a", 1, 2, pinned_to=2)],
                [shopper(1, accepted=(Act(PICKUP, "a"), Act(DELIVERY, "a"))), shopper(2)],
            ),
            "pinned to another",
        ),
    ],
)
def test_problem_contradicts_itself_then_it_is_refused(problem: Problem, fault: str) -> None:
    with pytest.raises(InvalidProblem, match=fault):
        solver.solve(problem)


def test_thousand_tasks_at_once_then_parts_answer_and_no_rule_is_broken() -> None:
    problem = day(1_000, 160, areas=8)
    plan = solver.solve(problem, time_limit=4)
    assert check(problem, plan) == []
    assert len(plan.unassigned) < 10


def test_thousand_tasks_and_one_shopper_then_some_are_planned() -> None:
    plan = solver.solve(day(1_000, 1), time_limit=4)
    assert 5 < 1_000 - len(plan.unassigned) < 100
