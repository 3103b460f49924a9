"""`handcart sandbox order`, `scenarios`, `run` and `robot`: the robot shopper of a running sandbox."""

from typing import Any
from urllib.parse import quote

import click

from handcart.cli.options import show, table
from handcart.cli.remote import Remote, access_options, open_sandbox

_PACES = ("real_time", "x60", "instantly")
_KINDS = ("delivery", "pickup", "last_mile", "dispatch")
_PLAN = ("scenario", "pace", "seed")
_pace_option = click.option(
    "--pace", type=click.Choice(_PACES), help="Speed of the robot shopper, by the retailer's clock."
)
_scenario_option = click.option(
    "--scenario", metavar="NAME", help="Name from `handcart sandbox scenarios`. Default: happy_path."
)
_seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Random seed: the same seed gives the same steps. Default: 0.",
)
_kind_option = click.option("--kind", type=click.Choice(_KINDS), help="Kind of the sample order. Default: delivery.")
_member_option = click.option("--member", is_flag=True, help="Make the customer a member of the platform.")
_user_option = click.option("--user", "user_id", metavar="ID", help="Id of the customer. Default: a new user.")


@click.command("order", short_help="Place a sample order and print its id.")
@access_options
@_kind_option
@_member_option
@_user_option
@click.option(
    "--scenario",
    metavar="NAME",
    help="Scenario by which the robot shopper serves the order. Default: the order waits for a shopper.",
)
@_pace_option
@_seed_option
def place_order(kind: str | None, member: bool, user_id: str | None, as_json: bool, **options: Any) -> None:
    """Place a sample order and print its id. The server chooses customer, address, cart and time slot.

    The order can be served, canceled and read like any other order. --json prints its customer too.
    """
    plan = {name: options.pop(name) for name in _PLAN}
    answer = place(open_sandbox(**options), kind=kind, instacartplus_member=member, user_id=user_id, **plan)
    show(as_json, answer, str(answer["order_id"]))


def place(sandbox: Remote, **wanted: Any) -> Any:
    """A sample order, as the API answers it."""
    return sandbox.ask("POST", "orders", {name: value for name, value in wanted.items() if value})


@click.command("scenarios")
@access_options
def list_scenarios(as_json: bool, **access: Any) -> None:
    """List the scenarios of the robot shopper."""
    answer = open_sandbox(**access).ask("GET", "scenarios")
    rows = [(one["name"], ", ".join(one["kinds"]), one["about"]) for one in answer["scenarios"]]
    show(as_json, answer, table(("scenario", "orders", "what happens"), rows))


@click.command("run", short_help="Let the robot shopper serve an order.")
@access_options
@click.argument("order_id", required=False)
@_kind_option
@_member_option
@_user_option
@_scenario_option
@_pace_option
@_seed_option
def run_order(
    order_id: str | None, kind: str | None, member: bool, user_id: str | None, as_json: bool, **options: Any
) -> None:
    """Let the robot shopper serve the order ORDER_ID: at once, unless a pace is given.

    Without ORDER_ID, a sample order that fits the scenario is placed first; --kind, --member and --user describe it.
    """
    plan = {name: options.pop(name) for name in _PLAN}
    if order_id is None:
        plan["scenario"] = plan["scenario"] or "happy_path"
        server = open_sandbox(**options)
        placed = place(server, kind=kind, instacartplus_member=member, user_id=user_id, **plan)
        _show_run(as_json, placed["run"])
        return
    if kind or member or user_id:
        raise click.UsageError("--kind, --member and --user describe a sample order: leave out ORDER_ID")
    missing = f"there is no order {order_id!r}"
    _show_run(as_json, open_sandbox(**options).ask("POST", f"orders/{quote(order_id, '')}/run", plan, missing=missing))


@click.group()
def robot() -> None:
    """Switch the robot shopper on or off for new orders."""


@robot.command("on")
@access_options
@_scenario_option
@_pace_option
@_seed_option
def set_robot(as_json: bool, **options: Any) -> None:
    """Let the robot shopper serve every new order. Default pace: 60 times as fast as people."""
    plan = {name: options.pop(name) for name in _PLAN}
    _show_robot(as_json, open_sandbox(**options).ask("PUT", "robot", plan))


@robot.command("off")
@access_options
def clear_robot(as_json: bool, **access: Any) -> None:
    """Let new orders wait for a shopper again."""
    _show_robot(as_json, open_sandbox(**access).ask("DELETE", "robot"))


@robot.command("show")
@access_options
def show_robot(as_json: bool, **access: Any) -> None:
    """Show whether the robot shopper serves new orders."""
    _show_robot(as_json, open_sandbox(**access).ask("GET", "robot"))


@robot.command("order")
@access_options
@click.argument("order_id")
def show_run(order_id: str, as_json: bool, **access: Any) -> None:
    """Show the robot shopper's progress with the order ORDER_ID."""
    _show_run(as_json, open_sandbox(**access).ask("GET", f"orders/{quote(order_id, '')}/run"))


def _show_run(as_json: bool, answer: Any) -> None:
    rows = [(one["at"], "done" if one["done"] else "to come", one["action"], one["value"]) for one in answer["steps"]]
    title = f"{answer['order_id']}: {answer['scenario']}, seed {answer['seed']}, {answer['pace']}"
    end = [f"The robot stopped: {answer['stopped']}"] if answer["stopped"] else []
    show(as_json, answer, "\n".join([title, "", table(("at", "", "step", "value"), rows), *end]))


def _show_robot(as_json: bool, answer: Any) -> None:
    words = f"Every new order follows {answer['scenario']}, seed {answer['seed']}, {answer['pace']}."
    show(as_json, answer, words if answer["is_on"] else "New orders wait for a shopper.")
