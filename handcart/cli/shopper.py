"""`handcart shopper`: the operator's shoppers, who pick and deliver orders."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from handcart.cli.options import database_options, echo, json_option, read, settings_of, show, table, write_as_actor
from handcart.core import clock

_FACTS = (
    click.option("--phone", metavar="NUMBER", help="Phone number; no two open shoppers have the same."),
    click.option("--email", metavar="EMAIL", help="E-mail address."),
    click.option("--locale", metavar="TAG", help="Language of the app: en-US, en-CA, fr-CA or es-US."),
    click.option("--language", "languages", multiple=True, metavar="CODE", help="Spoken language, such as en; repeat."),
    click.option("--skill", "skills", multiple=True, metavar="SKILL", help="alcohol or heavy; repeat for both."),
    click.option("--vehicle", metavar="KIND", help="car, bicycle, on_foot, or none: works only at the home store."),
    click.option("--most-orders", type=int, metavar="N", help="Maximum number of orders at once."),
    click.option("--home-store", metavar="SLUG/CODE", help="Home store: the retailer's slug and the location code."),
)


def _facts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FACTS):
        command = option(command)
    return command


def _shopper_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("shopper_name", metavar="SHOPPER")(command)


@click.group()
def shopper() -> None:
    """Add, invite, change and block shoppers.

    SHOPPER is the id or the phone number of a shopper.
    """


@shopper.command("add")
@database_options
@json_option
@click.option("--name", required=True, metavar="TEXT", help="Name. Customers see the first name.")
@_facts_options
def add_shopper(name: str, as_json: bool, home_store: str | None, **given: Any) -> None:
    """Add a shopper. `invite` then makes the link for the shopper's phone."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    database, facts = _split(given)

    async def add(tx: Any) -> dict[str, Any]:
        return await _shown(tx, await ops.add(tx, command_line(), name, **facts, **await _home(tx, home_store)))

    shown = write_as_actor(database, add)
    show(as_json, shown, f"Added {shown['name']}.\nid: {shown['id']}\nNext: handcart shopper invite {shown['id']}")


@shopper.command("list")
@database_options
@json_option
@click.option("--text", default="", metavar="TEXT", help="Part of the name or of the phone number.")
@click.option(
    "--state",
    type=click.Choice(("open", "working", "blocked", "closed")),
    default="open",
    show_default=True,
    help="`working`: open and not blocked.",
)
@click.option("--skill", type=click.Choice(("alcohol", "heavy")), help="Only shoppers with this skill.")
def list_shoppers(text: str, state: str, skill: str | None, as_json: bool, **database: Any) -> None:
    """List shoppers by name; at most 1,000."""
    from handcart.shoppers import queries

    async def listed(tx: Any) -> list[dict[str, Any]]:
        return [await _shown(tx, one) for one in await queries.people(tx, text=text, state=state, skill=skill)]

    found = read(database, listed)
    lines = [
        [one["name"], one["phone"] or "", ", ".join(one["skills"]), one["vehicle"], one["state"], one["id"]]
        for one in found
    ]
    header = ("name", "phone", "skills", "vehicle", "state", "id")
    show(as_json, {"shoppers": found}, table(header, lines) if found else "There are no such shoppers.")


@shopper.command("show")
@database_options
@json_option
@_shopper_argument
def show_shopper(shopper_name: str, as_json: bool, **database: Any) -> None:
    """Show what is known of a shopper."""
    shown = read(database, _of(shopper_name, _shown))
    lines = [f"{name:<16}{_text(value)}" for name, value in shown.items()]
    show(as_json, shown, "\n".join(lines))


@shopper.command("invite")
@database_options
@json_option
@_shopper_argument
def invite_shopper(shopper_name: str, as_json: bool, **database: Any) -> None:
    """Print a link, and its QR code, that signs a shopper's phone in. It works once, within 15 minutes."""
    from handcart.core import qr
    from handcart.core.db.installation import issuer
    from handcart.shoppers import invitations
    from handcart.staff.models import command_line

    url = read(database, issuer, settings_of(**database))

    async def invite(tx: Any, person: Any) -> Any:
        return await invitations.invite(tx, command_line(), person.id, url)

    made = write_as_actor(database, _of(shopper_name, invite))
    shown = {"id": str(made.person.id), "url": made.url, "expires_at": clock.to_wire(made.ends_at)}
    if not as_json:
        echo(f"{qr.terminal(made.url)}\n")
    show(
        as_json,
        shown,
        f"{made.url}\nFor {made.person.name} only: open it, or scan the code, on their phone."
        f" It works once, until {shown['expires_at']}.",
    )


@shopper.command("change")
@database_options
@json_option
@_shopper_argument
@click.option("--name", metavar="TEXT", help="Name.")
@_facts_options
def change_shopper(shopper_name: str, name: str | None, home_store: str | None, as_json: bool, **given: Any) -> None:
    """Change facts of a shopper. An empty value deletes phone number, e-mail address, home store or skills."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    database, facts = _split(given | {"name": name})
    if not facts and home_store is None:
        raise click.UsageError("Give at least one option to change.")

    async def change(tx: Any, person: Any) -> dict[str, Any]:
        changed = await ops.change(tx, command_line(), person.id, **facts, **await _home(tx, home_store))
        return await _shown(tx, changed)

    shown = write_as_actor(database, _of(shopper_name, change))
    show(as_json, shown, f"Changed {shown['name']}.")


@shopper.command("block")
@database_options
@json_option
@_shopper_argument
@click.option("--reason", required=True, metavar="TEXT", help="Reason, for the operator's people.")
def block_shopper(shopper_name: str, reason: str, as_json: bool, **database: Any) -> None:
    """Lock a shopper's devices until `unblock`. Orders that the shopper has stay with the shopper."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    async def block(tx: Any, person: Any) -> dict[str, Any]:
        blocked = await ops.block(tx, command_line(), person.id, reason)
        return {**await _shown(tx, blocked), **await _left(tx, person)}

    shown = write_as_actor(database, _of(shopper_name, block))
    show(as_json, shown, f"Blocked {shown['name']}.{_left_text(shown)}")


@shopper.command("unblock")
@database_options
@json_option
@_shopper_argument
def unblock_shopper(shopper_name: str, as_json: bool, **database: Any) -> None:
    """End the block of a shopper."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    async def unblock(tx: Any, person: Any) -> dict[str, Any]:
        return await _shown(tx, await ops.unblock(tx, command_line(), person.id))

    shown = write_as_actor(database, _of(shopper_name, unblock))
    show(as_json, shown, f"{shown['name']} is no longer blocked.")


@shopper.command("devices")
@database_options
@json_option
@_shopper_argument
def list_devices(shopper_name: str, as_json: bool, **database: Any) -> None:
    """List the devices that are signed in for a shopper, the last used first."""
    from handcart.sign_in import sessions
    from handcart.sign_in.models import SHOPPER

    async def listed(tx: Any, person: Any) -> Any:
        return await sessions.of_person(tx, SHOPPER, person.id)

    found = [
        {
            "id": str(one.id),
            "name": one.name,
            "signed_in_at": clock.to_wire(one.created_at),
            "seen_at": clock.to_wire(one.seen_at),
        }
        for one in read(database, _of(shopper_name, listed))
    ]
    lines = [[one["name"], one["signed_in_at"], one["seen_at"], one["id"]] for one in found]
    header = ("device", "signed in", "last use", "id")
    show(as_json, {"devices": found}, table(header, lines) if found else "No device is signed in.")


@shopper.command("end-device")
@database_options
@json_option
@_shopper_argument
@click.argument("device_id", metavar="DEVICE", type=int)
def end_device(shopper_name: str, device_id: int, as_json: bool, **database: Any) -> None:
    """Sign a device out. DEVICE is its id in `devices`."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    async def end(tx: Any, person: Any) -> None:
        await ops.end_device(tx, command_line(), person.id, device_id)

    write_as_actor(database, _of(shopper_name, end))
    show(as_json, {"id": str(device_id), "ended": True}, "The device is signed out.")


@shopper.command("close")
@database_options
@json_option
@_shopper_argument
def close_shopper(shopper_name: str, as_json: bool, **database: Any) -> None:
    """Close a shopper for ever: devices are signed out; phone number, e-mail address and PIN are deleted."""
    from handcart.shoppers import ops
    from handcart.staff.models import command_line

    async def close(tx: Any, person: Any) -> tuple[Any, dict[str, Any]]:
        await ops.close(tx, command_line(), person.id)
        return person, await _left(tx, person)

    closed, left = write_as_actor(database, _of(shopper_name, close))
    show(as_json, {"id": str(closed.id), "closed": True, **left}, f"Closed {closed.name}.{_left_text(left)}")


def _of(shopper_name: str, op: Callable[..., Any]) -> Callable[[Any], Any]:
    """An operation on the open shopper with this id or phone number; it raises `Refused` if there is none."""

    async def run(tx: Any) -> Any:
        from handcart.shoppers import queries

        return await op(tx, await queries.find(tx, shopper_name))

    return run


def _split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the database, and the facts that were given."""
    database = {name: given[name] for name in ("database", "data")}
    facts = {name: value for name, value in given.items() if name not in database and value not in (None, ())}
    for several in ("skills", "languages"):
        if several in facts:
            facts[several] = [one for one in facts[several] if one]
    return database, facts


async def _home(tx: Any, home_store: str | None) -> dict[str, Any]:
    """The facts that an option `--home-store` stands for: none if it was not given."""
    from handcart.shoppers import queries

    if home_store is None:
        return {}
    found = await queries.store(tx, home_store) if home_store else (None, None)
    return dict(zip(("home_retailer_id", "home_store_number"), found, strict=True))


async def _left(tx: Any, person: Any) -> dict[str, Any]:
    """What a shopper who can no longer work still has."""
    from handcart.assignment import queries

    found = await queries.of_shopper(tx, person.id)
    return {
        "batches": len({(one.retailer_id, one.batch_id) for one in found}),
        "orders": [{"retailer": one.slug, "order_id": one.order_id} for one in found],
    }


def _left_text(left: Mapping[str, Any]) -> str:
    if not left["orders"]:
        return ""
    batches = "1 batch" if left["batches"] == 1 else f"{left['batches']} batches"
    orders = "".join(f"\n{one['order_id']} --retailer {one['retailer']}" for one in left["orders"])
    return f"\nThe shopper still has {batches}. Take the orders away with `handcart orders unassign`:{orders}"


async def _shown(tx: Any, person: Any) -> dict[str, Any]:
    from handcart.shoppers import queries

    state = "closed" if person.closed_at else "blocked" if person.blocked_at else "open"
    return {
        "id": str(person.id),
        "name": person.name,
        "state": state,
        "blocked_reason": person.blocked_reason,
        "phone": person.phone,
        "email": person.email,
        "locale": person.locale,
        "languages": list(person.languages),
        "skills": list(person.skills),
        "vehicle": person.vehicle,
        "most_orders": person.most_orders,
        "home_store": await queries.home_store(tx, person),
        "has_pin": person.has_pin,
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)
