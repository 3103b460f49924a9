"""`handcart message`: messages to people."""

import asyncio
from typing import Any

import click

from handcart.cli.options import database_options, echo, fail, json_option, of_retailer, read, settings_of, show, table
from handcart.cli.options import write as write_to
from handcart.cli.texts import texts
from handcart.core import clock
from handcart.messages.models import CHANNELS, MAIL, SMS, STATES

_number = click.argument("number", type=click.IntRange(1, 2**63 - 1), metavar="MESSAGE")
_ADDRESSES = click.Choice((MAIL, SMS))


@click.group()
def message() -> None:
    """List messages to people, send them again, suppress addresses, and test gateways.

    docs/operations/messages.md says what happens to a message.
    """


message.add_command(texts)


@message.command("list")
@database_options
@json_option
@click.option("--retailer", metavar="SLUG", help="Only messages about orders of this retailer.")
@click.option("--order", "order_id", metavar="ID", help="Only messages about this order; needs --retailer.")
@click.option("--recipient", metavar="KEY", help="Only messages to this recipient, such as account/1.")
@click.option("--channel", type=click.Choice(CHANNELS), help="Only messages by this channel.")
@click.option("--state", type=click.Choice(STATES), help="Only messages in this state.")
@click.option("--before", type=int, metavar="MESSAGE", help="Only messages before this one: the next page.")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=50,
    show_default=True,
    metavar="N",
    help="Maximum number of messages.",
)
def list_messages(retailer: str | None, limit: int, as_json: bool, **options: Any) -> None:
    """List messages, newest first."""
    database = {name: options.pop(name) for name in ("database", "data")}
    if options["order_id"] and not retailer:
        raise click.UsageError("--order needs --retailer, because each retailer gives its own order ids")

    from handcart.messages import queries

    async def find(tx: Any, retailer_id: int | None) -> Any:
        return await queries.messages(tx, retailer_id=retailer_id, limit=limit, **options)

    found = read(database, of_retailer(retailer, find) if retailer else lambda tx: find(tx, None))
    rows = [
        (str(one.id), clock.to_wire(one.created_at), one.state, one.channel, one.template, one.recipient, _why(one))
        for one in found
    ]
    text = table(("message", "written at", "state", "channel", "template", "recipient", "reason"), rows)
    if len(found) == limit:
        text += f"\nThere may be more: add --before {found[-1].id}"
    show(as_json, {"messages": [_plain(one) for one in found]}, text if found else "There are no such messages.")


@message.command("show")
@database_options
@json_option
@_number
def show_message(number: int, as_json: bool, **database: Any) -> None:
    """Show a message: its address, its text and every attempt to send it."""
    from handcart.messages import errors, queries

    async def find(tx: Any) -> Any:
        found = await queries.message(tx, number)
        if found is None:
            raise errors.unknown(number)
        return found, await queries.attempts(tx, number), await _suppression(tx, found)

    one, attempts, suppression = read(database, find)
    lines = [
        f"message {one.id}, {one.template} by {one.channel} to {one.recipient}: {one.state}"
        + (f" ({_why(one)})" if _why(one) else ""),
        f"to {one.address}, written at {clock.to_wire(one.created_at)}, due at {clock.to_wire(one.due_at)},"
        f" worth sending until {clock.to_wire(one.expires_at)}",
        *([f"the address is suppressed: {suppression}"] if suppression else []),
        "",
        *(f"  {line}" for line in (one.content.subject, "", *one.content.body.split("\n"))),
    ]
    for attempt in attempts:
        what = f"attempt {attempt.number} at {clock.to_wire(attempt.at)}"
        by = f" by {attempt.gateway}, {attempt.milliseconds} ms" if attempt.gateway else ""
        lines += ["", f"{what}{by}: {attempt.outcome}" + (f", {attempt.detail}" if attempt.detail else "")]
    plain = {
        **_plain(one),
        "address": one.address,
        "subject": one.content.subject,
        "body": one.content.body,
        "url": one.content.url,
        "suppressed": suppression,
        "attempts": [
            {
                "number": attempt.number,
                "at": clock.to_wire(attempt.at),
                "milliseconds": attempt.milliseconds,
                "gateway": attempt.gateway,
                "outcome": attempt.outcome,
                "detail": attempt.detail,
            }
            for attempt in attempts
        ],
    }
    show(as_json, plain, "\n".join(lines))


@message.command()
@database_options
@json_option
@_number
def replay(number: int, as_json: bool, **database: Any) -> None:
    """Send a message again that is failed, expired or unsure."""
    from handcart.messages import ops

    write_to(database, ops.replay, number)
    show(as_json, {"id": number, "state": "pending"}, f"Message {number} is sent again by the worker.")


@message.command()
@database_options
@json_option
@click.option("--channel", type=_ADDRESSES, required=True, help="Channel of the address.")
@click.option("--reason", metavar="TEXT", help="Why, for the list of suppressions and the audit log.")
@click.argument("address")
def suppress(channel: str, address: str, reason: str | None, as_json: bool, **database: Any) -> None:
    """Stop all messages to an e-mail address or phone number."""
    from handcart.messages import addresses, ops

    if why := addresses.fault(channel, address):
        fail(f"{address!r} is {why}")
    ended = write_to(database, ops.suppress, channel, address, "operator", reason)
    show(
        as_json,
        {"channel": channel, "suppressed": True, "ended": ended},
        f"No more messages go to this address by {channel}. Waiting messages that ended: {ended}.",
    )


@message.command()
@database_options
@json_option
@click.option("--channel", type=_ADDRESSES, required=True, help="Channel of the address.")
@click.argument("address")
def unsuppress(channel: str, address: str, as_json: bool, **database: Any) -> None:
    """Allow messages to an address again. Ask the person first."""
    from handcart.messages import ops

    was = write_to(database, ops.unsuppress, channel, address)
    sentence = f"Messages go to this address by {channel} again." if was else "This address was not suppressed."
    show(as_json, {"channel": channel, "suppressed": False, "was_suppressed": was}, sentence)


@message.command("test")
@database_options
@json_option
@click.option("--channel", type=_ADDRESSES, required=True, help="Channel to test.")
@click.argument("address")
def try_gateway(channel: str, address: str, as_json: bool, **database: Any) -> None:
    """Send a test message to your own address at once, and print what the gateway says.

    The message is not stored.
    """
    from handcart.messages import addresses
    from handcart.messages.gateways import setup

    settings = settings_of(**database)
    if settings.is_sandbox:
        fail("a sandbox sends no messages: run this command with the settings of production")
    if why := addresses.fault(channel, address):
        fail(f"{address!r} is {why}")
    result = asyncio.run(setup.try_out(settings, channel, address))
    sentence = f"{result.outcome}: {result.detail}" if result.detail else result.outcome
    show(as_json, {"outcome": result.outcome, "detail": result.detail}, sentence)
    if result.outcome != "sent":
        echo("handcart: the test message was not confirmed by the gateway", err=True)
        raise SystemExit(1)


async def _suppression(tx: Any, one: Any) -> str | None:
    """Who suppressed a message's address, when and with which words; None if it is not suppressed."""
    from handcart.messages import queries

    found = await queries.suppression(tx, one.channel, one.address)
    if found is None:
        return None
    said = f": {found.said}" if found.said else ""
    return f"{found.source} at {clock.to_wire(found.at)}{said}"


def _why(one: Any) -> str:
    return str(one.reason or one.receipt or "")


def _plain(one: Any) -> dict[str, Any]:
    """A message without its address and text, for JSON."""
    return {
        "id": one.id,
        "recipient": one.recipient,
        "channel": one.channel,
        "template": one.template,
        "locale": one.locale,
        "order_id": one.order_id,
        "state": one.state,
        "reason": one.reason,
        "receipt": one.receipt,
        "tries": one.tries,
        "written_at": clock.to_wire(one.created_at),
        "due_at": clock.to_wire(one.due_at),
        "expires_at": clock.to_wire(one.expires_at),
        "ended_at": None if one.ended_at is None else clock.to_wire(one.ended_at),
    }
