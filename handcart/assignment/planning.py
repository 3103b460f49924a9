"""From a situation to a plan: build the problem, solve it, say what to give to whom, and why to nobody else.

Pure functions: the same situation gives the same answer. Times of a problem are seconds from `Situation.now`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from handcart.assignment import fitting, solver, travel
from handcart.assignment.problem import ANY_TIME, DELIVERY, MAX_PRIORITY, PICKUP, Act, Break, Plan, Problem, Stop, Task
from handcart.assignment.problem import Shopper as Solved
from handcart.assignment.situation import Given, Key, Situation, Work, Worker
from handcart.core import clock
from handcart.orders.models import PICKUP as FETCHED
from handcart.shoppers.models import SKILLS
from handcart.stores.models import Point

# A shopper who is farther away from a store gets none of its orders, in metres.
REACH = 40_000
# What is not accepted moves to somebody else only if that saves this share of all travel, or serves an order more.
GAIN = 0.05
_AT_DOOR = 180
_USUAL = 50
# A break may begin this many seconds after its time.
_BREAK_LEEWAY = 1_800
_FAR_FUTURE = ANY_TIME[1]
# The window of an order whose own has passed, or is too short: as soon as possible.
_OPEN = ANY_TIME

# Why a shopper did not get an order; the first that applies, in this sequence.
RULES = (
    *("blocked", "off_shift", "pinned", *(f"lacks_{skill}" for skill in SKILLS), "other_store", "no_vehicle"),
    *("over_capacity", "too_far", "too_late", "shift_ends", "dearer", "busy"),
)


class Proposal(Struct, frozen=True):
    """Orders of one store that a shopper gets together. `starts_by`: when the shopper has to leave for the store.

    `due_at`: from then on they are given. `taken_from`: the batch, not accepted yet, that they are in now.
    """

    person_id: int
    retailer_id: int
    order_ids: tuple[str, ...]
    seen: tuple[str, ...]
    starts_by: int
    due_at: int
    taken_from: int | None = None


class Why(Struct, frozen=True):
    """A decision about an order: the shopper, or None, and by rule the shoppers who did not get it."""

    retailer_id: int
    order_id: str
    person_id: int | None
    starts_by: int | None
    ruled_out: Mapping[str, Sequence[int]]


class Route(Struct, frozen=True):
    """The planned stops of a shopper: kind, retailer, order id, time of the stop in microseconds."""

    person_id: int
    stops: Sequence[tuple[str, int, str, int]]
    seconds: int
    metres: int


class Planned(Struct, frozen=True):
    """A plan of an area. `kept_*`: travel if nothing moves that a shopper has; `alone_*`: of each order by itself."""

    at: int
    solver: str
    routes: Sequence[Route]
    proposals: Sequence[Proposal]
    unassigned: Sequence[Key]
    seconds: int
    metres: int
    kept_seconds: int
    kept_metres: int
    alone_seconds: int
    alone_metres: int


def plan(situation: Situation, kmh: int, time_limit: float = solver.TIME_LIMIT) -> tuple[Planned, Sequence[Why]]:
    """Plan an area. What shoppers have not accepted moves only for a gain."""
    kept = _Planner(situation, kmh, frozenset())
    best, plan_of = kept, solver.solve(kept.problem, time_limit=time_limit)
    base = plan_of
    movable = frozenset(batch.batch_id for one in situation.workers for batch in one.given if not batch.is_accepted)
    if movable:
        freed = _Planner(situation, kmh, movable)
        other = solver.solve(freed.problem, time_limit=time_limit)
        if _is_gain(base, other):
            best, plan_of = freed, other
    return best.planned(plan_of, base), best.reasons(plan_of)


def _is_gain(kept: Plan, freed: Plan) -> bool:
    if len(freed.unassigned) != len(kept.unassigned):
        return len(freed.unassigned) < len(kept.unassigned)
    return freed.cost < kept.cost * (1 - GAIN)


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _key(name: str) -> Key:
    retailer_id, _, order_id = name.partition("/")
    return int(retailer_id), order_id


class _Planner:
    """The problem of a situation. `movable`: batches whose orders are free to go to somebody else."""

    def __init__(self, situation: Situation, kmh: int, movable: frozenset[int]) -> None:
        self._now = situation.now
        self._situation = situation
        self._points: dict[Point | None, int] = {None: 0}
        self._present = {
            work.key: (worker.person.id, batch.batch_id)
            for worker in situation.workers
            for batch in worker.given
            if batch.batch_id in movable
            for work in batch.work
        }
        self._workers = {one.person.id: one for one in situation.workers if one.person.may_work and one.shifts}
        moved = [
            work
            for worker in situation.workers
            for batch in worker.given
            if batch.batch_id in movable
            for work in batch.work
        ]
        self._free = {one.key: one for one in [*situation.waiting, *moved]}
        self._kept = {
            one.person.id: [batch for batch in one.given if batch.batch_id not in movable]
            for one in self._workers.values()
        }
        tasks = [self._task(one, one.pinned_to) for one in self._free.values()]
        tasks += [
            self._task(work, person_id)
            for person_id, some in self._kept.items()
            for batch in some
            for work in batch.work
        ]
        shoppers = tuple(self._shopper(one) for one in self._workers.values())
        self.seconds, self.metres = travel.matrix(list(self._points), kmh)
        self.problem = Problem(tasks=tuple(tasks), shoppers=shoppers, seconds=self.seconds, metres=self.metres)

    def _place(self, point: Point | None) -> int:
        return self._points.setdefault(point, len(self._points))

    def _after(self, at: int) -> int:
        return max(0, (at - self._now) // clock.SECOND)

    def _task(self, work: Work, pinned_to: int | None) -> Task:
        door = work.store if work.door is None else work.door
        way = 0 if work.door is None else travel.metres(work.store, work.door) // 10
        ends = (work.ends_at - self._now) // clock.SECOND
        is_late = ends < work.service + way
        first = 0 if work.kind == FETCHED else self._after(work.starts_at)
        window = _OPEN if is_late else (first, ends)
        pickup = None if work.is_carried else Stop(place=self._place(work.store), service=work.service)
        served = Stop(place=self._place(door), window=window, service=0 if work.kind == FETCHED else _AT_DOOR)
        return Task(
            id=_name(work.key),
            pickup=pickup,
            delivery=served,
            load=(1,),
            skills=_skills(work),
            priority=MAX_PRIORITY if is_late or pinned_to else _USUAL,
            pinned_to=pinned_to,
        )

    def _shopper(self, worker: Worker) -> Solved:
        shift = worker.shifts[0]
        kept = [work for batch in self._kept[worker.person.id] for work in batch.work]
        carried, picked = [one for one in kept if one.is_carried], [one for one in kept if not one.is_carried]
        by_end = sorted(carried, key=lambda one: one.ends_at) + sorted(picked, key=lambda one: one.ends_at)
        accepted = [Act(DELIVERY, _name(one.key)) for one in by_end if one.is_carried]
        accepted += [Act(PICKUP, _name(one.key)) for one in picked]
        accepted += [Act(DELIVERY, _name(one.key)) for one in by_end if not one.is_carried]
        stores = {(one.needs.retailer_id, one.needs.store_number): one.store for one in self._free.values()}
        skills = {*worker.person.skills}
        for at, point in stores.items():
            if _reaches(worker, at, point):
                skills.add(f"at:{at[0]}/{at[1]}")
        if worker.person.vehicle != "none":
            skills.add("drives")
        return Solved(
            id=worker.person.id,
            start=self._place(worker.start),
            shift=(self._after(shift.starts_at), self._after(shift.ends_at)),
            breaks=self._breaks(worker),
            capacity=(worker.person.most_orders,),
            skills=frozenset(skills),
            accepted=tuple(accepted),
        )

    def _breaks(self, worker: Worker) -> tuple[Break, ...]:
        shift = worker.shifts[0]
        if shift.break_starts_at is None or shift.break_ends_at is None or shift.break_ends_at <= self._now:
            return ()
        first = self._after(shift.break_starts_at)
        return (Break(window=(first, first + _BREAK_LEEWAY), seconds=self._after(shift.break_ends_at) - first),)

    def planned(self, made: Plan, base: Plan) -> Planned:
        """The plan in the words of orders and people."""
        proposals = [one for route in made.routes for one in self._proposals(route.shopper_id, made)]
        alone = [self._alone(one, made) for one in self._free.values()]
        return Planned(
            at=self._now,
            solver=made.solver,
            routes=[
                Route(
                    route.shopper_id,
                    [
                        (step.kind, *_key(step.task_id), self._now + step.begin * clock.SECOND)
                        for step in route.steps
                        if step.task_id is not None
                    ],
                    route.seconds,
                    route.metres,
                )
                for route in made.routes
            ],
            proposals=sorted(proposals, key=lambda one: (one.due_at, one.order_ids)),
            unassigned=[_key(one) for one in made.unassigned],
            seconds=made.cost,
            metres=sum(route.metres for route in made.routes),
            kept_seconds=base.cost,
            kept_metres=sum(route.metres for route in base.routes),
            alone_seconds=sum(one[0] for one in alone),
            alone_metres=sum(one[1] for one in alone),
        )

    def _alone(self, work: Work, made: Plan) -> tuple[int, int]:
        """Seconds and metres of an order's own trip from where its planned shopper is; (0, 0) if nobody has it."""
        for route in made.routes:
            if any(step.task_id == _name(work.key) for step in route.steps):
                start = self._place(self._workers[route.shopper_id].start)
                way = (start, self._place(work.store), self._place(work.store if work.door is None else work.door))
                return (
                    sum(self.seconds[a][b] for a, b in pairwise(way)),
                    sum(self.metres[a][b] for a, b in pairwise(way)),
                )
        return 0, 0

    def _latest(self, made: Plan) -> dict[str, int]:
        """The latest second at which the shopper of each task has to leave for its store, so that no window ends."""
        tasks = {one.id: one for one in self.problem.tasks}
        found: dict[str, int] = {}
        for route in made.routes:
            by = _FAR_FUTURE
            steps = [step for step in route.steps if step.task_id is not None]
            places = [self._place(self._workers[route.shopper_id].start), *(step.place or 0 for step in steps)]
            for before, step in zip(reversed(places[:-1]), reversed(steps), strict=True):
                task = tasks[step.task_id or ""]
                stop = task.delivery if step.kind == DELIVERY or task.pickup is None else task.pickup
                ends = 0 if task.delivery.window == _OPEN else stop.window[1]
                by = min(ends, by - stop.service) - self.seconds[before][stop.place]
                if step.kind == PICKUP:
                    found[task.id] = by
        return found

    def _proposals(self, person_id: int, made: Plan) -> list[Proposal]:
        """What a shopper gets by the plan and does not have: orders picked in one visit to a store go together."""
        route = next(one for one in made.routes if one.shopper_id == person_id)
        latest = self._latest(made)
        visits: list[list[Work]] = []
        last = None
        for step in route.steps:
            work = self._free.get(_key(step.task_id)) if step.task_id is not None else None
            if step.kind != PICKUP or work is None:
                last = None
                continue
            same = work.key[0], work.needs.store_number, work.kind, work.status, self._present.get(work.key)
            if same == last:
                visits[-1].append(work)
            else:
                visits.append([work])
            last = same
        found = []
        for some in visits:
            present = self._present.get(some[0].key)
            if present is not None and present[0] == person_id:
                continue
            by = self._now + min(latest[_name(one.key)] for one in some) * clock.SECOND
            found.append(
                Proposal(
                    person_id,
                    some[0].key[0],
                    tuple(one.key[1] for one in some),
                    tuple(one.seen for one in some),
                    max(self._now, by),
                    by - max(one.commit_minutes for one in some) * clock.MINUTE,
                    None if present is None else present[1],
                )
            )
        return found

    def reasons(self, made: Plan) -> Sequence[Why]:
        """For each order that waits: who gets it, and for each other shopper the first rule against them."""
        chosen = {step.task_id: route.shopper_id for route in made.routes for step in route.steps}
        latest = self._latest(made)
        free_at = {one.person.id: self._free_at(one) for one in self._workers.values()}
        found = []
        for work in self._situation.waiting:
            name = _name(work.key)
            person_id = chosen.get(name)
            ruled_out: dict[str, list[int]] = {}
            for worker in self._situation.workers:
                if worker.person.id != person_id:
                    rule = self._rule(work, worker, free_at, is_taken=person_id is not None)
                    ruled_out.setdefault(rule, []).append(worker.person.id)
            by = None if person_id is None else max(self._now, self._now + latest[name] * clock.SECOND)
            found.append(Why(*work.key, person_id, by, {one: sorted(ruled_out[one]) for one in sorted(ruled_out)}))
        return found

    def _free_at(self, worker: Worker) -> tuple[int, int]:
        """The second at which a shopper has done what was accepted, and the place."""
        shopper = next(one for one in self.problem.shoppers if one.id == worker.person.id)
        tasks = {one.id: one for one in self.problem.tasks}
        at, place = shopper.shift[0], shopper.start
        for act in shopper.accepted:
            task = tasks[act.task_id]
            stop = task.delivery if act.kind == DELIVERY or task.pickup is None else task.pickup
            at = max(at + self.seconds[place][stop.place], stop.window[0]) + stop.service
            place = stop.place
        return at, place

    def _rule(self, work: Work, worker: Worker, free_at: Mapping[int, tuple[int, int]], *, is_taken: bool) -> str:
        person = worker.person
        if not person.may_work:
            return "blocked"
        if not worker.shifts:
            return "off_shift"
        if work.pinned_to not in (None, person.id):
            return "pinned"
        rule = fitting.misfit(person, [work.needs], worker.orders_now)
        if rule is not None:
            return rule
        at = work.needs.retailer_id, work.needs.store_number
        if not _reaches(worker, at, work.store):
            return "too_far"
        task = self._task(work, None)
        begins, place = free_at[person.id]
        assert task.pickup is not None
        there = begins + self.seconds[place][task.pickup.place] + task.pickup.service
        served = max(there + self.seconds[task.pickup.place][task.delivery.place], task.delivery.window[0])
        if served > task.delivery.window[1]:
            return "too_late"
        if served + task.delivery.service > self._after(worker.shifts[0].ends_at):
            return "shift_ends"
        return "dearer" if is_taken else "busy"


def _skills(work: Work) -> frozenset[str]:
    """What the rules of `fitting` need of a shopper, as skills of the problem."""
    needed = {*work.needs.skills, f"at:{work.needs.retailer_id}/{work.needs.store_number}"}
    return frozenset(needed if work.kind == FETCHED else {*needed, "drives"})


def _reaches(worker: Worker, at: tuple[int, int], store: Point) -> bool:
    if worker.person.vehicle == "none":
        return (worker.person.home_retailer_id, worker.person.home_store_number) == at
    return worker.start is None or travel.metres(worker.start, store) <= REACH


__all__ = ["GAIN", "REACH", "RULES", "Given", "Planned", "Proposal", "Route", "Why", "plan"]
