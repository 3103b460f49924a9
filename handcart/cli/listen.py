"""`handcart callbacks listen` and `trigger`: get a running server's events without a public address, and cause one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from handcart.cli.options import echo, fail, printable, show, until_interrupted
from handcart.cli.remote import Remote, access_options, open_sandbox
from handcart.cli.robot import place

_PATH = "/v2/handcart/callbacks"
_SCOPE = "handcart:callbacks"
# The names of variables, the same as in `callbacks create` and in the guide to receiving.
_CLIENT_SECRET = "CALLBACKS_CLIENT_SECRET"  # noqa: S105
_SIGNING_SECRET = "CALLBACKS_SIGNING_SECRET"  # noqa: S105
_WAIT_SECONDS = 5
# Several processes can commit ids slightly out of order: look back 10 seconds, in the units of an event's id.
_LOOK_BACK = 10_000 << 22
_MOST = 500


@click.command(short_help="Print events as they happen, and forward them.")
@access_options
@click.option(
    "--forward-to", metavar="URL", help="Post each event to this URL, such as http://127.0.0.1:3000/callbacks."
)
@click.option(
    "--signing-secret",
    metavar="SECRET",
    envvar=_SIGNING_SECRET,
    help=f"Secret that signs forwarded events. Other processes can see it: prefer {_SIGNING_SECRET}. "
    "Default: a secret that is derived from the API client's secret, and printed.",
)
@click.option(
    "--auth-uri",
    metavar="URL",
    help="URL of a token endpoint, whose token is sent with each event. Needs the next two options.",
)
@click.option("--auth-client-id", metavar="ID", help="Id of the client at the token endpoint.")
@click.option(
    "--auth-client-secret",
    metavar="SECRET",
    envvar=_CLIENT_SECRET,
    help=f"Secret of the client at the token endpoint. Other processes can see it: prefer {_CLIENT_SECRET}.",
)
@click.option("--order", "order_id", metavar="ID", help="Id of an order, to print only its events.")
@until_interrupted()
def listen(
    forward_to: str | None,
    signing_secret: str | None,
    auth_uri: str | None,
    auth_client_id: str | None,
    auth_client_secret: str | None,
    order_id: str | None,
    as_json: bool,
    **access: Any,
) -> None:
    """Print events as they happen, until Ctrl-C, and forward them to a URL of this machine.

    Needs no public address and no webhook. Events are forwarded as a webhook would receive them: the same body, with
    the headers of Standard Webhooks and, with --auth-uri, a Bearer token. Each event is sent once, without retries.
    """
    from handcart.callbacks import signing
    from handcart.callbacks.forward import Forward, secret_of

    if auth_uri and not (auth_client_id and auth_client_secret):
        fail(f"--auth-uri needs --auth-client-id and --auth-client-secret (or {_CLIENT_SECRET})")
    server = open_sandbox(**access, path=_PATH, scope=_SCOPE)
    secret = signing_secret or secret_of(server.info["client_secret"])
    if not signing.is_secret(secret):
        fail(f"not a signing secret: write `whsec_` and base64, as `callbacks create` prints it ({_SIGNING_SECRET})")
    newest = server.ask("GET", "events", limit=1)["last"]
    if forward_to and not as_json:
        echo(f"Forwarding to {forward_to}" + ("" if signing_secret else f", signed with {secret}"))
    with asyncio.Runner() as runner:
        forward = Forward(forward_to or "", secret, auth_uri, auth_client_id or "", auth_client_secret or "")
        for event in _events(server, order_id, newest):
            answer = runner.run(forward(event)) if forward_to else {}
            echo(json.dumps({**event, **answer}) if as_json else _line(event, answer))


def _events(server: Remote, order_id: str | None, first: int) -> Iterator[Any]:
    """Events after `first`, each once, mostly in the order of their ids."""
    last = first
    seen: set[int] = set()
    while True:
        server.ask("GET", "events", after=last, order_id=order_id, limit=1, wait=_WAIT_SECONDS)
        after = max(first, last - _LOOK_BACK)
        while found := server.ask("GET", "events", after=after, order_id=order_id, limit=_MOST)["events"]:
            for event in found:
                if event["event_id"] not in seen:
                    yield event
                seen.add(event["event_id"])
            after = found[-1]["event_id"]
            last = max(last, after)
        seen = {event_id for event_id in seen if event_id > last - _LOOK_BACK}


def _line(event: Any, answer: Any) -> str:
    told = f"{event['created_at']}  {event['event_name']} of {event['order_id']}"
    if answer:
        outcome = answer.get("cause") or f"status {answer['status']}"
        told += f"  {outcome}, {answer['milliseconds']} ms"
    return printable(told)


@click.command(short_help="Make a sandbox send an event about an order.")
@access_options
@click.option("--order", "order_id", metavar="ID", help="Id of the order. Default: a new sample order.")
@click.argument("event")
def trigger(event: str, order_id: str | None, as_json: bool, **access: Any) -> None:
    """Make a sandbox send the event EVENT about an order in any state. The order does not change.

    Without --order, a sample order that can have the event is placed first.
    """
    from handcart.events.kinds import KINDS, bare

    sandbox = open_sandbox(**access)
    if order_id is None:
        kind = KINDS.get(bare(event))
        # An unknown event is refused before the order is looked for.
        order_id = str(place(sandbox, kind=kind.options[0])["order_id"]) if kind else "none"
    answer = sandbox.ask("POST", f"orders/{quote(order_id, '')}/events", {"event_name": event})
    show(as_json, {**answer, "order_id": order_id}, f"Triggered {event} of {order_id}: event {answer['event_id']}.")
