"""`handcart assignment`: the engine that says which work goes to whom."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from handcart.cli.options import database_options, json_option, of_retailer, on, read, retailer_option, show, table
from handcart.core import clock
from handcart.core.errors import Refused


@click.group(short_help="Plan which work goes to whom, and see why a shopper got an order.")
def assignment() -> None:
    """Plan which work goes to whom, and see why a shopper got an order.

    `handcart worker` does the same every 30 seconds for retailers whose setting `assignment` is `assigned`.
    """


@assignment.command("plan")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Slug of a retailer. Default: all whose `assignment` is `assigned`.")
@click.option("--give", "gives", is_flag=True, help="Give out the work whose time has come.")
def plan(retailer: str | None, gives: bool, as_json: bool, **database: Any) -> None:
    """Plan the orders that wait, and show who would get which.

    Without --give no order changes. With --retailer, the orders of one retailer are planned, whatever its setting.
    """
    from handcart.assignment import areas, cycle, engine
    from handcart.assignment.cycle import Done
    from handcart.cli.options import settings_of
    from handcart.retailers import ops as retailers
    from handcart.sandbox import state as sandbox
    from handcart.shoppers import queries as shoppers
    from handcart.staff.models import command_line

    settings = settings_of(**database)

    async def planned(opened: Any) -> tuple[list[Done], Mapping[int, str]]:
        clocks = await opened.read(sandbox.clocks) if settings.is_sandbox else {}
        found = await opened.read(engine.areas_of, clocks, assigned_only=retailer is None)
        if retailer is not None:
            wanted = (await opened.read(retailers.require, retailer)).id
            found = [cycle.Area(one.name, [wanted], one.virtual) for one in found if wanted in one.retailer_ids]
        if not found:
            raise Refused("no retailer has the setting assignment=assigned: name one with --retailer")
        done = []
        for area in found:
            made = await cycle.run(opened, area, settings.travel_kmh, gives=gives, at_once=True, actor=command_line())
            if made is None:
                raise Refused(f"another engine plans the area {area.name} now: try again in a minute")
            done.append(made)
        ids = {one.person_id for made in done for one in made.planned.routes}
        people = [await opened.read(shoppers.person, one) for one in sorted(ids)]
        return done, {one.id: one.name for one in people if one is not None}

    try:
        done, names = on(database, planned)
    except areas.LeaseEnded as error:
        raise Refused(f"another engine took the area {error} over: nothing more was given") from None
    proposals = [(one, made) for made in done for one in made.planned.proposals]
    lines = [
        [
            names.get(one.person_id, str(one.person_id)),
            " ".join(one.order_ids),
            clock.to_wire(one.starts_by),
            clock.to_wire(max(one.due_at, made.planned.at)),
            _outcome(one, made),
        ]
        for one, made in proposals
    ]
    waiting = [order_id for made in done for _, order_id in made.planned.unassigned]
    texts = (
        [table(("shopper", "orders", "leave by", "given at", "now"), lines)] if lines else ["There is nothing to give."]
    )
    texts += [f"Nobody can take: {', '.join(waiting)}. `handcart assignment why` says why."] if waiting else []
    shown = {
        "plans": [_shown(made) for made in done],
        "unassigned": waiting,
    }
    show(as_json, shown, "\n".join(texts))


def _outcome(one: Any, made: Any) -> str:
    if one in made.given:
        return "given"
    return next((f"refused: {rule}" for refused, rule in made.refused if refused == one), "planned")


def _shown(made: Any) -> Mapping[str, Any]:
    planned = made.planned
    return {
        "at": clock.to_wire(planned.at),
        "solver": planned.solver,
        "seconds": planned.seconds,
        "metres": planned.metres,
        "proposals": [
            {
                "shopper": str(one.person_id),
                "orders": list(one.order_ids),
                "starts_by": clock.to_wire(one.starts_by),
                "due_at": clock.to_wire(one.due_at),
                "outcome": _outcome(one, made),
            }
            for one in planned.proposals
        ],
    }


@assignment.command("why")
@database_options
@json_option
@retailer_option
@click.argument("order_id", metavar="ORDER")
def why(retailer: str, order_id: str, as_json: bool, **database: Any) -> None:
    """Show the newest decision about an order: who gets it, and why each other shopper does not."""
    from handcart.assignment import decisions, queries
    from handcart.shoppers import queries as shoppers

    async def found(tx: Any, retailer_id: int) -> Sequence[Any]:
        await queries.required(tx, retailer_id, order_id)
        newest = await decisions.of_order(tx, retailer_id, order_id, 1)
        if not newest:
            raise Refused("there is no decision about the order: the engine has not planned it")
        ids = {one for some in newest[0].ruled_out.values() for one in some}
        if newest[0].person_id is not None:
            ids.add(newest[0].person_id)
        people = [await shoppers.person(tx, one) for one in sorted(ids)]
        return newest[0], {one.id: one.name for one in people if one is not None}

    decision, names = read(database, of_retailer(retailer, found))
    chosen = None if decision.person_id is None else names.get(decision.person_id)
    lines = [[names.get(one, str(one)), rule] for rule, some in decision.ruled_out.items() for one in some]
    shown = {
        "at": clock.to_wire(decision.at),
        "shopper": None if decision.person_id is None else str(decision.person_id),
        "given_at": None if decision.given_at is None else clock.to_wire(decision.given_at),
        "refused": decision.refused,
        "ruled_out": {rule: list(map(str, some)) for rule, some in decision.ruled_out.items()},
    }
    head = f"{clock.to_wire(decision.at)}: {chosen or 'nobody'}"
    head += "" if decision.refused is None else f" (not given: {decision.refused})"
    show(as_json, shown, f"{head}\n{table(('not', 'because'), lines)}" if lines else head)
