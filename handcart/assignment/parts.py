"""Split a large problem into parts of about 150 tasks, because a solver's time grows much faster than a problem."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from .problem import Problem, Task

MOST_TASKS = 150
# Where a half may end: between these shares of the tasks.
_FIRST_CUT, _LAST_CUT = 0.25, 0.75
_FAR = 1 << 31


def split(problem: Problem, most: int = MOST_TASKS) -> list[Problem]:
    """Parts with at most about `most` tasks each; every task and shopper is in exactly one.

    Neighbours stay together, and each part gets its share of the shoppers, the nearest ones. Tasks that are pinned or
    accepted go with their shopper. A problem with fewer than two shoppers stays whole.
    """
    if len(problem.tasks) <= most or len(problem.shoppers) < 2:
        return [problem]
    holders = {act.task_id: one.id for one in problem.shoppers for act in one.accepted}
    known = {one.id for one in problem.shoppers}

    def holder(task: Task) -> int | None:
        found = holders.get(task.id, task.pinned_to)
        return found if found in known else None

    free = [task for task in problem.tasks if holder(task) is None]
    if len(free) < 2:
        return [problem]
    side = _side(problem, free)
    free.sort(key=lambda task: side(_places(task)))
    cut = _cut([side(_places(task)) for task in free])
    shoppers = sorted(problem.shoppers, key=lambda one: side((one.start, one.start)))
    count = min(max(1, round(len(shoppers) * cut / len(free))), len(shoppers) - 1)
    halves = []
    for chosen, people in ((free[:cut], shoppers[:count]), (free[cut:], shoppers[count:])):
        ids, names = {one.id for one in people}, {task.id for task in chosen}
        tasks = tuple(task for task in problem.tasks if task.id in names or holder(task) in ids)
        part = replace(problem, tasks=tasks, shoppers=tuple(one for one in problem.shoppers if one.id in ids))
        halves += split(part, most) if len(tasks) < len(problem.tasks) else [part]
    return halves


def _places(task: Task) -> tuple[int, int]:
    return (task.pickup or task.delivery).place, task.delivery.place


def _side(problem: Problem, tasks: Sequence[Task]) -> Callable[[tuple[int, int]], int]:
    """How much nearer two places are to the second than to the first of two far points; negative: to the first."""

    def apart(one: int, other: int) -> int:
        seconds = problem.seconds[one][other]
        return seconds if seconds >= 0 else _FAR

    spots = sorted({place for task in tasks for place in _places(task)})
    first = max(spots, key=lambda place: apart(spots[0], place))
    second = max(spots, key=lambda place: apart(first, place))
    return lambda places: sum(apart(first, place) - apart(second, place) for place in places)


def _cut(keys: Sequence[int]) -> int:
    """Where sorted keys are split: at a wide gap that leaves halves of nearly equal size."""
    first = max(1, round(len(keys) * _FIRST_CUT))
    last = max(first, min(len(keys) - 1, round(len(keys) * _LAST_CUT)))
    return max(range(first, last + 1), key=lambda at: ((keys[at] - keys[at - 1] + 1) * min(at, len(keys) - at), -at))
