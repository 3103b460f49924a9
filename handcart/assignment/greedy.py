"""Our own planner: insert where it costs least, hardest choice first; then take out related tasks and insert again.

It needs no other package, so it serves where the extra `assignment` is missing or its solver fails. The same problem,
rounds and seed give the same plan.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from . import timing
from .problem import BREAK, DELIVERY, MAX_PRIORITY, PICKUP, Act, Plan, Problem, Shopper, Task
from .timing import Infeasible, Item, pause

ROUNDS = 300
_MOST_TAKEN = 15
_FAR = 1 << 40
# Extra seconds of a task in a tour, and the places of its pickup and delivery among the nodes.
_Spot = tuple[int, int, int]


class _Tour:
    """The planned part of a route, after the accepted acts. Never changed once made.

    Before node `i`: the shopper is at `places[i]` at `times[i]`, with `loads[i]` and `taken[i]` breaks behind.
    `latest[i]`: the last second at which node `i` may begin once all breaks are taken.
    """

    __slots__ = ("breaks", "cost", "latest", "loads", "nodes", "places", "prefix", "shopper", "spots", "taken", "times")

    def __init__(self, shopper: Shopper, prefix: list[Item], place: int, now: int, load: tuple[int, ...]) -> None:
        self.shopper, self.prefix, self.breaks = shopper, prefix, shopper.due_breaks()
        self.nodes: list[int] = []
        self.places, self.times, self.taken, self.loads = [place], [now], [prefix.count(BREAK)], [load]
        self.latest: list[int] = []
        self.cost = 0
        self.spots: dict[int, _Spot | None] = {}


class Planner:
    """A problem as lists of numbers. Twice the number of a task is the node of its pickup, one more of its delivery."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.seconds, self.tasks = problem, problem.seconds, problem.tasks
        stops = [stop for task in problem.tasks for stop in (task.pickup or task.delivery, task.delivery)]
        self.place = [stop.place for stop in stops]
        self.low = [stop.window[0] for stop in stops]
        self.high = [stop.window[1] for stop in stops]
        self.service = [stop.service for stop in stops]
        self.kept = {act.task_id for shopper in problem.shoppers for act in shopper.accepted}
        known = {task.id: task for task in problem.tasks}
        self.tours = [self._first(shopper, known) for shopper in problem.shoppers]

    def _first(self, shopper: Shopper, known: dict[str, Task]) -> _Tour:
        prefix = timing.accepted_items(self.problem, known, shopper)
        place, now = shopper.start, shopper.shift[0]
        if prefix:
            steps = timing.route(self.problem, known, shopper, prefix).steps
            place, now = steps[-1].place or 0, steps[-1].leave
        load = (0,) * len(shopper.capacity)
        for task in self.tasks:
            if task.pickup is None and task.pinned_to == shopper.id and task.id not in self.kept:
                load = tuple(one + more for one, more in zip(load, task.load, strict=True))
        return _Tour(shopper, prefix, place, now, load)

    def _go(self, tour: _Tour, now: int, taken: int, place: int, node: int) -> tuple[int, int] | None:
        """Time and breaks after serving the node, or None. A break is taken at the last moment, or where it is free."""
        left = self.seconds[place][self.place[node]]
        if left < 0:
            return None
        low, service, breaks = self.low[node], self.service[node], tour.breaks
        begin = max(now + left, low)
        while taken < len(breaks):
            rest = breaks[taken]
            start, left_then = pause(now, left, rest)
            then = start + rest.seconds
            if max(then + left_then, low) > begin and begin + service <= rest.window[1]:
                break
            if start > rest.window[1]:
                return None
            now, left, taken = then, left_then, taken + 1
            begin = max(now + left, low)
        return (begin + service, taken) if begin <= self.high[node] else None

    def _ends(self, tour: _Tour, now: int, taken: int, place: int) -> bool:
        """Whether the shopper can take the remaining breaks and end inside the shift."""
        left = 0 if tour.shopper.end is None else self.seconds[place][tour.shopper.end]
        if left < 0:
            return False
        for rest in tour.breaks[taken:]:
            start, left = pause(now, left, rest)
            if start > rest.window[1]:
                return False
            now = start + rest.seconds
        return now + left <= tour.shopper.shift[1]

    def _with(self, tour: _Tour, nodes: list[int]) -> _Tour | None:
        """The tour with these nodes instead, or None if they break a rule."""
        place, now, taken, load = tour.places[0], tour.times[0], tour.taken[0], tour.loads[0]
        made = _Tour(tour.shopper, tour.prefix, place, now, load)
        made.nodes = nodes
        for node in nodes:
            state = self._go(tour, now, taken, place, node)
            if state is None:
                return None
            made.cost += self.seconds[place][self.place[node]]
            (now, taken), place, sign = state, self.place[node], -1 if node % 2 else 1
            load = tuple([one + sign * more for one, more in zip(load, self.tasks[node // 2].load, strict=True)])
            if sign > 0 and any(one > most for one, most in zip(load, tour.shopper.capacity, strict=True)):
                return None
            made.places.append(place)
            made.times.append(now)
            made.taken.append(taken)
            made.loads.append(load)
        if nodes and not self._ends(tour, now, taken, place):
            return None
        home = 0 if tour.shopper.end is None else self.seconds[place][tour.shopper.end]
        made.cost += home if nodes or tour.prefix else 0
        limit = tour.shopper.shift[1] - home
        for index in range(len(nodes) - 1, -1, -1):
            limit = min(self.high[nodes[index]], limit - self.service[nodes[index]])
            made.latest.append(limit)
            limit -= self.seconds[made.places[index]][self.place[nodes[index]]]
        made.latest.reverse()
        return made

    def _rest(self, tour: _Tour, now: int, taken: int, place: int, at: int) -> bool:
        """Whether the nodes from `at` on can follow this state."""
        for index in range(at, len(tour.nodes)):
            node = tour.nodes[index]
            if taken == len(tour.breaks):
                leg = self.seconds[place][self.place[node]]
                return 0 <= leg <= tour.latest[index] - now
            state = self._go(tour, now, taken, place, node)
            if state is None:
                return False
            (now, taken), place = state, self.place[node]
            if now == tour.times[index + 1] and taken == tour.taken[index + 1]:
                return True
        return self._ends(tour, now, taken, place)

    def _fits(self, tour: _Tour, at: int, task: Task) -> bool:
        for one, more, most in zip(tour.loads[at], task.load, tour.shopper.capacity, strict=True):
            if one + more > most:
                return False
        return True

    def best(self, tour: _Tour, index: int) -> _Spot | None:
        """Where a task costs least in a tour, or None if no place obeys all rules."""
        if index not in tour.spots:
            tour.spots[index] = self._search(tour, index)
        return tour.spots[index]

    def _search(self, tour: _Tour, index: int) -> _Spot | None:
        task, node = self.tasks[index], 2 * index
        if task.pinned_to not in (None, tour.shopper.id) or not task.skills <= tour.shopper.skills:
            return None
        if task.pickup is None:
            return self._deliver(tour, node + 1, 0, (tour.times[0], tour.taken[0], tour.places[0], 0), _FAR)
        found: _Spot | None = None
        spot, high = self.place[node], self.high[node]
        for at, place in enumerate(tour.places):
            if tour.times[at] > high:
                break
            state = self._go(tour, tour.times[at], tour.taken[at], place, node) if self._fits(tour, at, task) else None
            if state and self._rest(tour, *state, spot, at):
                picked = (*state, spot, self.seconds[place][spot])
                found = self._deliver(tour, node + 1, at, picked, found[0] if found else _FAR) or found
        return found

    def _deliver(self, tour: _Tour, node: int, at: int, picked: tuple[int, int, int, int], bound: int) -> _Spot | None:
        """The cheapest spot below `bound` for a delivery after a pickup before node `at`.

        `picked`: time, breaks and place after the pickup, and the travel to it.
        """
        seconds, nodes, task, end = self.seconds, tour.nodes, self.tasks[node // 2], tour.shopper.end
        spot, high, found, is_aboard = self.place[node], self.high[node], None, task.pickup is None
        now, taken, place, travel = picked
        for to in range(at, len(nodes) + 1):
            if now > high:
                break
            following = self.place[nodes[to]] if to < len(nodes) else end
            onward = old = onto = 0
            if following is not None:
                onward, onto = seconds[place][following], seconds[spot][following]
                old = seconds[tour.places[to]][following] if nodes or tour.prefix else 0
            leg = seconds[place][spot]
            extra = travel + leg + onto - old
            if leg >= 0 and extra < bound:
                state = self._go(tour, now, taken, place, node)
                if state and self._rest(tour, *state, spot, to):
                    bound, found = extra, (extra, at, to)
            if to == len(nodes) or (taken == len(tour.breaks) and now + onward > tour.latest[to]):
                break
            moved = self._go(tour, now, taken, place, nodes[to])
            if moved is None or not (is_aboard or self._fits(tour, to + 1, task)):
                break
            (now, taken), place = moved, self.place[nodes[to]]
            if to == at:
                travel += onward - old
        return found

    def _open_tours(self) -> list[int]:
        """All tours, but of equal shoppers without work only the first."""
        seen, found = set(), []
        for number, tour in enumerate(self.tours):
            one = tour.shopper
            key = (one.start, one.end, one.shift, one.breaks, one.capacity, one.skills)
            if tour.nodes or tour.prefix or key not in seen:
                found.append(number)
            if not (tour.nodes or tour.prefix):
                seen.add(key)
        return found

    def insert(self, waiting: Iterable[int]) -> list[int]:
        """Insert tasks one by one, the one that loses most by waiting first; returns those without any spot."""
        left, without = list(waiting), []
        by_id = {tour.shopper.id: number for number, tour in enumerate(self.tours)}
        while left:
            numbers = self._open_tours()
            choice: tuple[tuple[int, int, int], int, int, _Spot] | None = None
            for index in list(left):
                pinned = self.tasks[index].pinned_to
                among = numbers if pinned is None else [by_id[pinned]] if pinned in by_id else []
                first, second, where = None, _FAR, 0
                for number in among:
                    spot = self.best(self.tours[number], index)
                    if spot and (first is None or spot[0] < first[0]):
                        first, second, where = spot, first[0] if first else _FAR, number
                    elif spot and spot[0] < second:
                        second = spot[0]
                if first is None:
                    left.remove(index)
                    without.append(index)
                    continue
                rank = (self._weight(index), second - first[0], -first[0])
                if choice is None or rank > choice[0]:
                    choice = (rank, index, where, first)
            if choice is None:
                break
            _, index, where, (_, at, to) = choice
            self._put(index, where, at, to)
            left.remove(index)
        return without

    def _weight(self, index: int) -> int:
        task = self.tasks[index]
        return MAX_PRIORITY + 1 if task.pickup is None else task.priority

    def _put(self, index: int, number: int, at: int, to: int) -> None:
        nodes = self.tours[number].nodes
        pickup = [2 * index] if self.tasks[index].pickup else []
        made = self._with(self.tours[number], [*nodes[:at], *pickup, *nodes[at:to], 2 * index + 1, *nodes[to:]])
        if made is None:
            raise AssertionError(f"the spot of task {self.tasks[index].id} does not exist")
        self.tours[number] = made

    def follow(self, orders: Mapping[int, Sequence[Item]]) -> None:
        """Take over what each shopper does, by id, as far as it obeys the rules; tasks that do not fit are left out."""
        number_of = {task.id: number for number, task in enumerate(self.tasks)}
        for number, tour in enumerate(self.tours):
            acts = [item for item in orders.get(tour.shopper.id, ()) if isinstance(item, Act)]
            nodes = [2 * number_of[act.task_id] + (act.kind == DELIVERY) for act in acts[len(tour.shopper.accepted) :]]
            while (made := self._with(tour, nodes)) is None:
                nodes = self._shorter(tour, nodes)
            self.tours[number] = made

    def _shorter(self, tour: _Tour, nodes: list[int]) -> list[int]:
        """The nodes without the task at which they first break a rule."""
        for count in range(1, len(nodes) + 1):
            if self._with(tour, [node for node in nodes if nodes.index(node | 1) < count]) is None:
                return [node for node in nodes if node // 2 != nodes[count - 1] // 2]
        return []

    def left(self) -> list[int]:
        """The tasks that no tour has."""
        planned = {node // 2 for tour in self.tours for node in tour.nodes}
        return [i for i, task in enumerate(self.tasks) if i not in planned and task.id not in self.kept]

    def take(self, indexes: set[int]) -> list[int]:
        """Take tasks out of their tours; returns those that could be taken."""
        taken: list[int] = []
        for number, tour in enumerate(self.tours):
            out = {node // 2 for node in tour.nodes} & indexes
            made = self._with(tour, [node for node in tour.nodes if node // 2 not in out]) if out else None
            if made:
                self.tours[number] = made
                taken += sorted(out)
        return taken

    def orders(self) -> dict[int, list[Item]]:
        """What each shopper does, by id."""
        return {tour.shopper.id: self._items(tour) for tour in self.tours if tour.nodes or tour.prefix}

    def _items(self, tour: _Tour) -> list[Item]:
        items = list(tour.prefix)
        for index, node in enumerate(tour.nodes):
            items += [BREAK] * (tour.taken[index + 1] - tour.taken[index])
            items.append(Act(DELIVERY if node % 2 else PICKUP, self.tasks[node // 2].id))
        return items + [BREAK] * (len(tour.breaks) - tour.taken[-1])


def improve(planner: Planner, without: list[int], rounds: int, seed: int) -> list[int]:
    """Take out related tasks and insert them again, and keep what is better; returns the tasks without a spot."""
    random = Random(seed)  # noqa: S311 - a search, not a secret
    best = current = _score(planner, without)
    best_tours, best_without = list(planner.tours), without
    for round_ in range(rounds):
        before = list(planner.tours)
        related = _related(planner, random)
        if not related:
            break
        left = planner.insert([*without, *planner.take(related)])
        score = _score(planner, left)
        slack = 1 + 0.02 * (1 - round_ / rounds)
        if score[:2] < current[:2] or (score[:2] == current[:2] and score[2] < best[2] * slack):
            current, without = score, left
            if score < best:
                best, best_tours, best_without = score, list(planner.tours), left
        else:
            planner.tours = before
    planner.tours = best_tours
    return best_without


def _score(planner: Planner, without: Sequence[int]) -> tuple[int, int, int]:
    lost = sum(planner._weight(index) for index in without)
    return lost, len(without), sum(tour.cost for tour in planner.tours)


def _related(planner: Planner, random: Random) -> set[int]:
    """Some planned tasks that are near one of them in place and time."""
    begun = {node // 2: tour.times[at] for tour in planner.tours for at, node in enumerate(tour.nodes) if node % 2}
    if not begun:
        return set()
    seconds, place, tasks = planner.seconds, planner.place, sorted(begun)
    centre = random.choice(tasks)

    def distance(index: int) -> int:
        apart = seconds[place[2 * index]][place[2 * centre]] + seconds[place[2 * index + 1]][place[2 * centre + 1]]
        return apart + abs(begun[index] - begun[centre]) // 2

    near = sorted(tasks, key=distance)
    size = random.randint(min(4, len(near)), min(_MOST_TAKEN, len(near)))
    return {near.pop(int(len(near) * random.random() ** 5)) for _ in range(size)}


def solve(problem: Problem, rounds: int = ROUNDS, seed: int = 0) -> Plan:
    """Plan by insertion, then improve it `rounds` times. Raises Infeasible if the accepted acts cannot be followed."""
    planner = Planner(problem)
    improve(planner, planner.insert(planner.left()), rounds, seed)
    return timing.plan(problem, planner.orders(), "greedy")


__all__ = ["Infeasible", "Planner", "improve", "solve"]
