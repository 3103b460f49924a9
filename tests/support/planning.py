"""Planning problems for tests: by hand, by chance, and of every kind that Hypothesis finds."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from handcart.assignment.problem import ANY_TIME, DELIVERY, PICKUP, Act, Break, Problem, Shopper, Stop, Task, Window

HOUR = 3600


def task(name: str, pickup: int, delivery: int, window: Window = ANY_TIME, **facts: Any) -> Task:
    """A task without service times; `window`: of its delivery."""
    ends = {"pickup": Stop(place=pickup), "delivery": Stop(place=delivery, window=window)}
    return Task(id=name, **{**ends, "load": (1,), **facts})


def shopper(number: int, **facts: Any) -> Shopper:
    """A shopper who works eight hours from place 0 and carries three orders."""
    return Shopper(id=number, **{"start": 0, "shift": (0, 8 * HOUR), "capacity": (3,), **facts})


def on_a_line(tasks: list[Task], shoppers: list[Shopper], places: int = 10) -> Problem:
    """Places in a row, a minute and 500 metres between neighbours."""
    return Problem(
        tasks=tuple(tasks),
        shoppers=tuple(shoppers),
        seconds=[[60 * abs(one - other) for other in range(places)] for one in range(places)],
        metres=[[500 * abs(one - other) for other in range(places)] for one in range(places)],
    )


def day(tasks: int, shoppers: int, areas: int = 1, seed: int = 1) -> Problem:
    """Deliveries from five stores an area in windows of two hours, some with alcohol; every shopper has a break."""
    random = Random(seed)
    spots: list[tuple[int, int]] = []

    def spot(area: int) -> int:
        spots.append((50_000 * area + random.randint(-8_000, 8_000), random.randint(-8_000, 8_000)))
        return len(spots) - 1

    stores = [[spot(area) for _ in range(5)] for area in range(areas)]
    orders = []
    for number in range(tasks):
        begin = random.randrange(5) * HOUR
        orders.append(
            Task(
                id=f"order-{number}",
                pickup=Stop(place=random.choice(stores[number % areas]), service=900),
                delivery=Stop(place=spot(number % areas), window=(begin, begin + 2 * HOUR), service=180),
                load=(1, random.randint(1, 40)),
                skills=frozenset({"alcohol"} if random.random() < 0.15 else ()),
            )
        )
    people = [
        Shopper(
            id=number,
            start=random.choice(stores[number % areas]),
            shift=(0, 6 * HOUR),
            capacity=(3, 80),
            skills=frozenset({"alcohol"} if number // areas % 2 else ()),
            breaks=(Break(window=(2 * HOUR, 3 * HOUR), seconds=900),),
        )
        for number in range(shoppers)
    ]
    metres = [[int(((a - x) ** 2 + (b - y) ** 2) ** 0.5) for x, y in spots] for a, b in spots]
    return Problem(
        tasks=tuple(orders),
        shoppers=tuple(people),
        seconds=[[leg // 8 for leg in row] for row in metres],
        metres=metres,
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small problems with everything in them: breaks, pins, accepted acts, goods on board, places without a way."""
    places = draw(st.integers(1, 5))
    place, numbers = st.integers(0, places - 1), st.integers(0, 3)
    leg = st.one_of(st.integers(0, 900), st.just(-1)) if draw(st.booleans()) else st.integers(0, 900)
    seconds = [[0 if one == other else draw(leg) for other in range(places)] for one in range(places)]
    people = [_shopper(draw, number, place) for number in range(draw(numbers))]
    ids = [one.id for one in people]
    tasks, accepted = [], {number: [] for number in ids}
    for number in range(draw(st.integers(0, 7))):
        one, holder = _task(draw, f"t{number}", place, ids)
        tasks.append(one)
        if holder is not None and draw(st.booleans()) and all(leg >= 0 for row in seconds for leg in row):
            accepted[holder] += [*([Act(PICKUP, one.id)] if one.pickup else []), Act(DELIVERY, one.id)]
    return Problem(
        tasks=tuple(tasks),
        shoppers=tuple(
            Shopper(
                **{name: getattr(one, name) for name in one.__struct_fields__} | {"accepted": tuple(accepted[one.id])}
            )
            for one in people
        ),
        seconds=seconds,
        metres=[[10 * leg for leg in row] for row in seconds],
    )


def _window(draw: st.DrawFn) -> Window:
    begin = draw(st.integers(-1_000, 5_000))
    return begin, begin + draw(st.integers(0, 5_000))


def _shopper(draw: st.DrawFn, number: int, place: st.SearchStrategy[int]) -> Shopper:
    breaks = [Break(window=_window(draw), seconds=draw(st.integers(0, 900))) for _ in range(draw(st.integers(0, 2)))]
    return Shopper(
        id=number,
        start=draw(place),
        end=draw(st.none() | place),
        shift=_window(draw),
        breaks=tuple(sorted(breaks, key=lambda one: one.window)),
        capacity=(draw(st.integers(0, 3)), draw(st.integers(0, 10))),
        skills=draw(st.frozensets(st.sampled_from(["alcohol", "heavy"]))),
    )


def _task(draw: st.DrawFn, name: str, place: st.SearchStrategy[int], ids: list[int]) -> tuple[Task, int | None]:
    """A task, and the shopper who may have accepted it."""
    pin = draw(st.none() | st.sampled_from([*ids, 99]))
    has_pickup = pin is None or draw(st.booleans())
    pickup, delivery = (
        Stop(place=draw(place), window=_window(draw), service=draw(st.integers(0, 300))) for _ in range(2)
    )
    one = Task(
        id=name,
        pickup=pickup if has_pickup else None,
        delivery=delivery,
        load=(1, draw(st.integers(0, 5))),
        skills=draw(st.frozensets(st.sampled_from(["alcohol", "heavy", "cold"]), max_size=1)),
        priority=draw(st.sampled_from([0, 0, 50, 100])),
        pinned_to=pin,
    )
    holder = pin if pin in ids else draw(st.sampled_from(ids)) if ids and pin is None else None
    return one, holder
