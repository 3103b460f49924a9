"""`handcart callbacks`: a retailer's webhooks."""

import sys
from collections.abc import Callable
from typing import Any

import click

from handcart.cli import events, listen, replay
from handcart.cli.options import database_options, fail, json_option, read, settings_of, show, table, write

_SECRET = "CALLBACKS_CLIENT_SECRET"  # noqa: S105 (the name of a variable)


@click.group(short_help="Configure webhooks; list, replay and test their events.")
def callbacks() -> None:
    """Configure a retailer's webhooks, see whether each event was delivered, send events again, and test with events.

    `listen` and `trigger` call a running server; the other commands use the database. docs/callbacks-events.md lists
    the names of events; their prefix `fulfillment.` may be left out.
    """


def _configuration(*, is_new: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that describe a webhook. All are optional when a webhook is changed."""
    empty = "" if is_new else " An empty text removes it."

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option(
                "--events",
                metavar="all|NAME,...",
                help="Names of the events to send, separated by commas." + (" Default: all." if is_new else ""),
            ),
            click.option("--resource", metavar="TEXT", help="Resource that is sent to the token endpoint." + empty),
            click.option("--scope", metavar="TEXT", help="Scope that is sent to the token endpoint." + empty),
            click.option(
                "--client-secret-stdin", is_flag=True, help="Read the secret of the client from standard input."
            ),
            click.option(
                "--client-secret",
                metavar="SECRET",
                envvar=_SECRET if is_new else None,
                help="Secret of the client. Other processes can see it: prefer --client-secret-stdin"
                + (f" or {_SECRET}." if is_new else "."),
            ),
            click.option(
                "--client-id", metavar="ID", required=is_new, help="Id of Handcart's client at the token endpoint."
            ),
            click.option("--auth-uri", metavar="URL", required=is_new, help="URL of the retailer's token endpoint."),
            click.option("--url", "callback_url", metavar="URL", required=is_new, help="URL that receives the events."),
            click.option(
                "--name",
                metavar="TEXT",
                help="Display name. Default: the host of --url." if is_new else "Display name.",
            ),
        ):
            command = option(command)
        return command

    return add


_trust = click.option("--trust", is_flag=True, help="Do not ask the receiver whether it agrees to callbacks.")


@callbacks.command()
@database_options
@json_option
@events.retailer_option
@_configuration(is_new=True)
@click.option(
    "--environment",
    type=click.Choice(("production", "development")),
    help="Kind of servers that send the events. Default: development for a sandbox or demo, else production.",
)
@_trust
def create(retailer: str, environment: str | None, trust: bool, as_json: bool, **options: Any) -> None:
    """Create a webhook. Its signing secret is shown only now."""
    from handcart.callbacks import webhooks

    wanted, database = _wanted(options)
    if "client_secret" not in wanted:
        fail(f"the client's secret is missing: give --client-secret-stdin, --client-secret or {_SECRET}")
    policy = webhooks.read_policy(settings_of(**database), environment=environment, trust=trust)

    make = events.at_retailer(retailer, webhooks.create, webhooks.Configuration(**wanted), policy)
    _show_secret(as_json, write(database, make), "Made")


@callbacks.command("list")
@database_options
@json_option
@events.retailer_option
def list_webhooks(retailer: str, as_json: bool, **database: Any) -> None:
    """List a retailer's webhooks."""
    from handcart.callbacks import present, webhooks

    found = [present.webhook(one) for one in read(database, events.at_retailer(retailer, webhooks.list_all))]
    rows = [(str(one.id), _status(one), one.environment, _events(one), one.callback_url) for one in found]
    lines = table(("webhook", "status", "environment", "events", "callback URL"), rows)
    show(as_json, {"webhooks": events.plain(found)}, lines if found else "There are no webhooks.")


@callbacks.command("show", short_help="Show a webhook, or an event with its attempts.")
@database_options
@json_option
@events.retailer_option
@click.argument("number", metavar="ID", type=events.NUMBER)
def show_one(number: int, retailer: str, as_json: bool, **database: Any) -> None:
    """Show the webhook ID, or the event ID with every attempt to deliver it."""
    from handcart.callbacks import present, queries
    from handcart.callbacks.models import EventStory

    found = read(database, events.at_retailer(retailer, queries.webhook_or_event, number))
    if isinstance(found, EventStory):
        story = present.story(found)
        show(as_json, events.plain(story), events.told(story))
        return
    webhook, waiting, failed = present.webhook(found.webhook), found.waiting, found.failed
    rows = (
        ("webhook", str(webhook.id)),
        ("name", webhook.name),
        ("status", _status(webhook)),
        ("agreed", webhook.verified_at or "-"),
        ("environment", webhook.environment),
        ("callback URL", webhook.callback_url),
        ("auth URI", webhook.auth_uri),
        ("client id", webhook.client_id),
        ("scope", webhook.scope or "-"),
        ("resource", webhook.resource or "-"),
        ("events", ", ".join(webhook.events)),
        ("created", webhook.created_at),
        ("changed", webhook.updated_at),
        ("waiting", f"{waiting} deliveries"),
        ("failed", f"{failed} deliveries, for good"),
    )
    lines = [f"{name.ljust(14)}{value}" for name, value in rows]
    show(as_json, {**events.plain(webhook), "waiting": waiting, "failed": failed}, "\n".join(lines))


@callbacks.command()
@database_options
@json_option
@events.retailer_option
@_configuration(is_new=False)
@_trust
@click.argument("webhook", type=events.NUMBER)
def update(webhook: int, retailer: str, trust: bool, as_json: bool, **options: Any) -> None:
    """Change a webhook. Only the options given are changed."""
    from handcart.callbacks import webhooks

    wanted, database = _wanted(options)
    if not wanted:
        fail("no change is given: see `handcart callbacks update --help`")
    policy = webhooks.read_policy(settings_of(**database), trust=trust)

    change = events.at_retailer(retailer, webhooks.update, webhook, wanted, policy)
    _show_webhook(as_json, write(database, change), "changed")


@callbacks.command(short_help="Enable a webhook.")
@database_options
@json_option
@events.retailer_option
@_trust
@click.argument("webhook", type=events.NUMBER)
def enable(webhook: int, retailer: str, trust: bool, as_json: bool, **database: Any) -> None:
    """Enable a webhook: its waiting events are sent."""
    from handcart.callbacks import webhooks

    policy = webhooks.read_policy(settings_of(**database), trust=trust)

    change = events.at_retailer(retailer, webhooks.enable, webhook, policy.verify, by_operator=True)
    _show_webhook(as_json, write(database, change), "enabled")


@callbacks.command(short_help="Disable a webhook.")
@database_options
@json_option
@events.retailer_option
@click.option(
    "--reason", default="disabled by the operator", show_default=True, help="Reason that is shown with the webhook."
)
@click.argument("webhook", type=events.NUMBER)
def disable(webhook: int, retailer: str, reason: str, as_json: bool, **database: Any) -> None:
    """Disable a webhook: nothing more is sent. Its events are kept until it is enabled again."""
    from handcart.callbacks import webhooks

    change = events.at_retailer(retailer, webhooks.disable, webhook, reason, by_operator=True)
    _show_webhook(as_json, write(database, change), "disabled")


@callbacks.command()
@database_options
@json_option
@events.retailer_option
@click.argument("webhook", type=events.NUMBER)
def delete(webhook: int, retailer: str, as_json: bool, **database: Any) -> None:
    """Delete a webhook and its secrets."""
    from handcart.callbacks import webhooks

    write(database, events.at_retailer(retailer, webhooks.delete, webhook))
    show(as_json, {"deleted": webhook}, f"The webhook {webhook} is deleted.")


@callbacks.command(short_help="Give a webhook a new signing secret.")
@database_options
@json_option
@events.retailer_option
@click.argument("webhook", type=events.NUMBER)
def rotate(webhook: int, retailer: str, as_json: bool, **database: Any) -> None:
    """Give a webhook a new signing secret, shown only now. For one day the old secret signs as well."""
    from handcart.callbacks import webhooks

    change = events.at_retailer(retailer, webhooks.rotate_secret, webhook)
    _show_secret(as_json, write(database, change), "A new secret for")


def _wanted(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the options: the webhook's fields, and the options of the database."""
    database = {name: options.pop(name) for name in ("database", "data")}
    if options.pop("client_secret_stdin"):
        options["client_secret"] = sys.stdin.readline().rstrip("\r\n")
    if options["events"] is not None:
        options["events"] = [name for one in options["events"].split(",") if (name := one.strip())]
    return {name: value for name, value in options.items() if value is not None}, database


def _show_webhook(as_json: bool, webhook: Any, what: str) -> None:
    from handcart.callbacks import present

    shown = present.webhook(webhook)
    told = f"The webhook {shown.id} is {what}: {shown.callback_url} gets {_events(shown)}."
    show(as_json, events.plain(shown), "\n".join([told, *_asked_first(shown)]))


def _show_secret(as_json: bool, made: Any, what: str) -> None:
    from handcart.callbacks import present

    shown = present.new_webhook(made)
    lines = (
        f"{what} the webhook {shown.id}: {shown.callback_url} gets {_events(shown)}.",
        f"signing secret (shown only now)  {shown.signing_secret}",
        *_asked_first(shown),
    )
    show(as_json, events.plain(shown), "\n".join(lines))


def _asked_first(webhook: Any) -> list[str]:
    if webhook.status != "verifying":
        return []
    return ["Its receiver is asked first whether it agrees to callbacks: `handcart callbacks list` shows its answer."]


def _status(webhook: Any) -> str:
    if webhook.status_reason:
        return f"{webhook.status}: {webhook.status_reason}"
    return f"failing since {webhook.failing_since}" if webhook.failing_since else str(webhook.status)


def _events(webhook: Any) -> str:
    names = webhook.events
    if names == ["all"]:
        return "every event"
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} events"


for command in (events.list_events, events.list_deliveries, events.tail, replay.replay, listen.listen, listen.trigger):
    callbacks.add_command(command)
