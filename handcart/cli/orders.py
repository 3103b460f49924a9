"""`handcart orders`: the work of dispatchers on orders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from handcart.cli.options import (
    database_options,
    json_option,
    of_retailer,
    read,
    retailer_option,
    show,
    table,
    write_as_actor,
)
from handcart.core import clock

_ORDER = click.argument("order_id", metavar="ORDER")
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit log.")


@click.group(short_help="List orders; give them to shoppers, move and cancel them, unlock PINs.")
def orders() -> None:
    """List orders, give them to shoppers, take them away, move and cancel them, unlock PINs.

    The board of the console does the same.

    ORDER is the order id at the retailer. SHOPPER is the id or the phone number of a shopper.
    """


@orders.command("list")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Slug of the retailer. Default: all retailers.")
@click.option("--store", "location_code", metavar="CODE", help="Location code of the store; needs --retailer.")
@click.option("--state", metavar="STATE", help="State of the orders. Default: all open orders.")
@click.option("--kind", metavar="KIND", help="delivery, pickup, last_mile or dispatch.")
@click.option("--need", metavar="NEED", help="any, unassigned, or a warning such as late or stuck.")
@click.option("--shopper", "shopper_name", metavar="SHOPPER", help="Only orders that this shopper has.")
@click.option("--after", metavar="KEY", help="Continue a list: the key that its end named.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N", help="Maximum number."
)
def list_orders(after: str | None, limit: int, as_json: bool, **given: Any) -> None:
    """List orders: first those that need a person, then the others by the end of their windows."""
    from handcart.assignment import queries
    from handcart.assignment.models import Row

    database, wanted = _split(given)

    async def listed(tx: Any) -> Sequence[Any]:
        filters = await queries.filters(tx, **wanted)
        return await queries.orders(tx, filters, None if after is None else Row.parse_key(after), limit)

    found = read(database, listed)
    following = found[-1].key_text if len(found) == limit else None
    lines = [
        [
            one.order_id,
            one.status,
            " ".join(one.warnings),
            one.kind,
            clock.to_wire(one.window_ends_at),
            f"{one.slug}/{one.location_code}",
            str(one.person or one.last_person or one.shopper_id or one.last_shopper_id or "-"),
        ]
        for one in found
    ]
    text = table(("order", "state", "needs", "kind", "window ends", "store", "shopper"), lines)
    more = f"\nThere may be more: add --after {following}" if following else ""
    shown = {"orders": [_listed(one) for one in found], "after": following}
    show(as_json, shown, f"{text}{more}" if found else "There are no such orders.")


@orders.command("show")
@database_options
@json_option
@retailer_option
@_ORDER
def show_order(retailer: str, order_id: str, as_json: bool, **database: Any) -> None:
    """Show an order, who has it or had it last, its receipt, and what happened to it."""
    from handcart.assignment import queries
    from handcart.orders import queries as order_queries
    from handcart.staff import queries as staff

    async def found(tx: Any, retailer_id: int) -> dict[str, Any]:
        row = await queries.required(tx, retailer_id, order_id)
        order = await order_queries.find(tx, retailer_id, order_id)
        assert order is not None
        receipt = {"receipt_number": order.details.receipt_number, "receipt_cents": order.details.receipt_cents}
        steps = await order_queries.history(tx, retailer_id, order_id)
        deeds = await staff.entries(tx, subject=f"order/{retailer}/{order_id}")
        story: list[dict[str, Any]] = [
            {"at": step.at, "what": step.what, "events": list(step.events)} for step in steps
        ]
        story += [
            {"at": deed.at, "what": deed.operation, "who": deed.actor_name, "reason": deed.reason} for deed in deeds
        ]
        sorted_story = sorted(story, key=lambda one: one["at"])
        return {**_listed(row), **receipt, "story": [{**one, "at": clock.to_wire(one["at"])} for one in sorted_story]}

    shown = read(database, of_retailer(retailer, found))
    show(as_json, shown, _order_lines(shown))


@orders.command("assign")
@database_options
@json_option
@retailer_option
@click.option("--shopper", "shopper_name", required=True, metavar="SHOPPER", help="Who gets the orders.")
@click.argument("order_ids", metavar="ORDER...", nargs=-1, required=True)
def assign_orders(retailer: str, shopper_name: str, order_ids: Sequence[str], as_json: bool, **database: Any) -> None:
    """Give orders of one store and kind to a shopper, as one batch."""
    from handcart.assignment import ops
    from handcart.shoppers import queries as shoppers
    from handcart.staff.models import command_line

    async def assign(tx: Any, retailer_id: int) -> tuple[Any, Any]:
        person = await shoppers.find(tx, shopper_name)
        return person, await ops.assign(tx, command_line(), retailer_id, order_ids, person.id)

    person, batch = write_as_actor(database, of_retailer(retailer, assign))
    shown = {"batch": str(batch.id), "type": batch.type, "shopper": str(person.id), "orders": list(batch.order_ids)}
    show(as_json, shown, f"{person.name} has {', '.join(batch.order_ids)} in the batch {batch.id}.")


@orders.command("unassign")
@database_options
@json_option
@retailer_option
@_REASON
@click.option("--keep-picked", is_flag=True, help="The next shopper goes on with the picked items.")
@_ORDER
def unassign_order(
    retailer: str, order_id: str, reason: str, keep_picked: bool, as_json: bool, **database: Any
) -> None:
    """Take an order away from its shopper, with all orders of its batch."""
    from handcart.assignment import ops

    _change(database, retailer, as_json, order_id, ops.unassign, order_id, reason, keeps_picked=keep_picked)


@orders.command("cancel")
@database_options
@json_option
@retailer_option
@_REASON
@click.option("--cancellation-reason", required=True, metavar="NAME", help="Reason that the retailer's client gets.")
@click.option("--cancellation-type", required=True, metavar="TEXT", help="Type that the retailer's client gets.")
@_ORDER
def cancel_order(
    retailer: str,
    order_id: str,
    reason: str,
    cancellation_reason: str,
    cancellation_type: str,
    as_json: bool,
    **database: Any,
) -> None:
    """Cancel an order. docs/order-states.md lists the reasons with their types."""
    from handcart.assignment import ops

    told = (cancellation_reason, cancellation_type)
    _change(database, retailer, as_json, order_id, ops.cancel, order_id, reason, told)


@orders.command("slots")
@database_options
@json_option
@retailer_option
@_ORDER
def list_slots(retailer: str, order_id: str, as_json: bool, **database: Any) -> None:
    """List the windows to which an order can move."""

    async def found(tx: Any, retailer_id: int) -> Sequence[Any]:
        return await _offers(tx, retailer_id, order_id)

    offered = read(database, of_retailer(retailer, found))
    slots = [
        {"starts_at": clock.to_wire(one.window.starts_at), "ends_at": clock.to_wire(one.window.ends_at)}
        for one in offered
    ]
    lines = [[one["starts_at"], one["ends_at"]] for one in slots]
    show(as_json, {"slots": slots}, table(("start", "end"), lines) if slots else "No window has a free place.")


@orders.command("reschedule")
@database_options
@json_option
@retailer_option
@_REASON
@click.option("--start", required=True, metavar="TIME", help="Start of the new window, as `slots` lists it.")
@_ORDER
def reschedule_order(retailer: str, order_id: str, reason: str, start: str, as_json: bool, **database: Any) -> None:
    """Move a new order to another window of its store."""
    from handcart.assignment import ops
    from handcart.core.errors import ApiError

    try:
        starts_at = clock.from_wire(start, "start")
    except ApiError:
        raise click.UsageError("Write --start as 2027-12-24T15:00:00Z.") from None

    async def move(tx: Any, actor: Any, retailer_id: int) -> Any:
        offered = await _offers(tx, retailer_id, order_id)
        option_id = next((slot.id for slot in offered if slot.window.starts_at == starts_at), 0)
        return await ops.reschedule(tx, actor, retailer_id, order_id, option_id, reason)

    _change(database, retailer, as_json, order_id, move)


@orders.command("unlock-pin")
@database_options
@json_option
@retailer_option
@_REASON
@_ORDER
def unlock_pin(retailer: str, order_id: str, reason: str, as_json: bool, **database: Any) -> None:
    """Let the shopper try again after five wrong PINs for an order."""
    from handcart.assignment import ops

    _change(database, retailer, as_json, order_id, ops.unlock_pin, order_id, reason)


def _change(
    database: Mapping[str, Any],
    retailer: str,
    as_json: bool,
    order_id: str,
    op: Callable[..., Any],
    *args: Any,
    **more: Any,
) -> None:
    """Do an operation of dispatch as the user of this machine, and show the order."""
    from handcart.assignment import queries
    from handcart.staff.models import command_line

    async def run(tx: Any, retailer_id: int) -> Any:
        await op(tx, command_line(), retailer_id, *args, **more)
        return await queries.required(tx, retailer_id, order_id)

    shown = _listed(write_as_actor(dict(database), of_retailer(retailer, run)))
    show(as_json, shown, _order_lines(shown))


async def _offers(tx: Any, retailer_id: int, order_id: str) -> Sequence[Any]:
    from handcart.assignment import queries
    from handcart.orders import queries as order_queries
    from handcart.orders import reschedule

    await queries.required(tx, retailer_id, order_id)
    order = await order_queries.find(tx, retailer_id, order_id)
    assert order is not None
    return await reschedule.offers(tx, retailer_id, order)


def _split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the database, and the others."""
    database = {name: given[name] for name in ("database", "data")}
    return database, {name: value for name, value in given.items() if name not in database}


def _listed(row: Any) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "retailer": row.slug,
        "store": row.location_code,
        "kind": row.kind,
        "status": row.status,
        "warnings": list(row.warnings),
        "window_starts_at": clock.to_wire(row.window_starts_at),
        "window_ends_at": clock.to_wire(row.window_ends_at),
        "created_at": clock.to_wire(row.created_at),
        "batch": None if row.batch_id is None else str(row.batch_id),
        "shopper": None if row.person_id is None else str(row.person_id),
        "shopper_name": row.person,
        "last_shopper": row.last_person or (None if row.last_shopper_id is None else str(row.last_shopper_id)),
        "accepted_at": None if row.accepted_at is None else clock.to_wire(row.accepted_at),
        "cancellation_reason": row.cancellation_reason,
    }


def _order_lines(shown: Mapping[str, Any]) -> str:
    facts = [f"{name:<20}{_text(value)}" for name, value in shown.items() if name != "story"]
    story = [
        f"{one['at']}  {one['what']}" + "".join(f"  {_text(one.get(name))}" for name in ("who", "reason", "events"))
        for one in shown.get("story", ())
    ]
    return "\n".join(line.rstrip() for line in [*facts, *([""] if story else []), *story])


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)
