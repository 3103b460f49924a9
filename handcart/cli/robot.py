"""Commands for integrators: the robot shopper of a running sandbox."""

from typing import Any
from urllib.parse import quote

import click

from handcart.cli.options import show, table
from handcart.cli.remote import access_options, open_sandbox

_PACES = ("real_time", "x60", "instantly")
_pace_option = click.option("--pace", type=click.Choice(_PACES), help="How fast, by the retailer's clock.")
_scenario_option = click.option("--scenario", metavar="NAME", help="See `handcart sandbox scenarios`; else happy_path.")
_seed_option = click.option("--seed", type=click.IntRange(min=0), help="The same seed draws the same steps.")


@click.command("scenarios")
@access_options
def list_scenarios(as_json: bool, **access: Any) -> None:
    """List the ways that the robot can take an order."""
    answer = open_sandbox(**access).ask("GET", "scenarios")
    rows = [(one["name"], ", ".join(one["kinds"]), one["about"]) for one in answer["scenarios"]]
    show(as_json, answer, table(("scenario", "orders", "what happens"), rows))


@click.command("run")
@access_options
@click.argument("order_id")
@_scenario_option
@_pace_option
@_seed_option
def run_order(order_id: str, as_json: bool, **options: Any) -> None:
    """Let the robot shopper serve the order ORDER_ID: at once, unless a pace is given."""
    plan = {name: options.pop(name) for name in ("scenario", "pace", "seed")}
    _show_run(as_json, open_sandbox(**options).ask("POST", f"orders/{quote(order_id, '')}/run", plan))


@click.group()
def robot() -> None:
    """Let the robot shopper serve every new order, or none."""


@robot.command("on")
@access_options
@_scenario_option
@_pace_option
@_seed_option
def set_robot(as_json: bool, **options: Any) -> None:
    """Let it serve every new order, sixty times as fast as people unless a pace is given."""
    plan = {name: options.pop(name) for name in ("scenario", "pace", "seed")}
    _show_robot(as_json, open_sandbox(**options).ask("PUT", "robot", plan))


@robot.command("off")
@access_options
def clear_robot(as_json: bool, **access: Any) -> None:
    """Let new orders wait for a shopper again."""
    _show_robot(as_json, open_sandbox(**access).ask("DELETE", "robot"))


@robot.command("show")
@access_options
def show_robot(as_json: bool, **access: Any) -> None:
    """Show what becomes of new orders."""
    _show_robot(as_json, open_sandbox(**access).ask("GET", "robot"))


@robot.command("order")
@access_options
@click.argument("order_id")
def show_run(order_id: str, as_json: bool, **access: Any) -> None:
    """Show how far it is with the order ORDER_ID."""
    _show_run(as_json, open_sandbox(**access).ask("GET", f"orders/{quote(order_id, '')}/run"))


def _show_run(as_json: bool, answer: Any) -> None:
    rows = [(one["at"], "done" if one["done"] else "to come", one["action"], one["value"]) for one in answer["steps"]]
    title = f"{answer['order_id']}: {answer['scenario']}, seed {answer['seed']}, {answer['pace']}"
    end = [f"It went no further: {answer['stopped']}"] if answer["stopped"] else []
    show(as_json, answer, "\n".join([title, "", table(("at", "", "step", "value"), rows), *end]))


def _show_robot(as_json: bool, answer: Any) -> None:
    words = f"Every new order goes {answer['scenario']}, seed {answer['seed']}, {answer['pace']}."
    show(as_json, answer, words if answer["is_on"] else "New orders wait for a shopper.")
