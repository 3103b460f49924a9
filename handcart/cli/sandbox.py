"""`handcart sandbox`: the clock, the request log and the faults of a running sandbox."""

import json
from typing import Any
from urllib.parse import quote

import click

from handcart.cli import robot, shell
from handcart.cli.options import echo, show, table, until_interrupted
from handcart.cli.remote import access_options, open_sandbox
from handcart.core.clock import from_wire
from handcart.core.errors import ApiError

_WAIT_SECONDS = 25
_FAULTS = (
    *("rate_limited", "internal_error", "try_again", "unavailable", "slow", "slot_taken"),
    *("callback_duplicate", "callback_reorder", "callback_drop", "callback_delay", "callback_error", "token_down"),
)
_OUTCOMES = ("linked", "denied", "code", "code_expired", "code_replayed", "linking_token")


@click.group(short_help="Control a sandbox: clock, request log, faults, robot shopper, reset.")
def sandbox() -> None:
    """Control a retailer's sandbox on a running server: clock, request log, faults, robot shopper.

    A server has a sandbox if it runs with HANDCART_ENVIRONMENT=sandbox, as the demo does.
    """


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            from_wire(value, "at")
    except ApiError:
        raise click.BadParameter("write a time with its offset, such as 2030-06-12T17:00:00Z") from None
    return value


@sandbox.group()
def clock() -> None:
    """Read, freeze, set, advance and release the retailer's clock."""


def _show_clock(as_json: bool, answer: Any) -> None:
    words = {"real": "the real time", "frozen": "frozen", "moved": "running from the time it was set to"}
    show(as_json, answer, f"{answer['now']}, {words[answer['state']]}")


@clock.command("show")
@access_options
def show_clock(as_json: bool, **access: Any) -> None:
    """Show the clock."""
    _show_clock(as_json, open_sandbox(**access).ask("GET", "clock"))


@clock.command()
@access_options
@click.option(
    "--at",
    metavar="TIME",
    callback=_time,
    help="Time to stop at, such as 2026-11-26T14:00:00Z. Default: the clock's time.",
)
def freeze(at: str | None, as_json: bool, **access: Any) -> None:
    """Stop the clock."""
    _show_clock(as_json, open_sandbox(**access).ask("PUT", "clock", {"at": at}))


@clock.command("set")
@access_options
@click.option("--at", metavar="TIME", callback=_time, required=True, help="Time to set, such as 2026-11-26T14:00:00Z.")
def set_clock(at: str, as_json: bool, **access: Any) -> None:
    """Set the clock to a time. It runs on from that time."""
    _show_clock(as_json, open_sandbox(**access).ask("PUT", "clock", {"at": at, "frozen": False}))


@clock.command("advance")
@access_options
@click.argument("seconds", type=click.IntRange(min=1))
def advance_clock(seconds: int, as_json: bool, **access: Any) -> None:
    """Move the clock forward by SECONDS."""
    _show_clock(as_json, open_sandbox(**access).ask("POST", "clock/advance", {"seconds": seconds}))


@clock.command("next", short_help="Move the clock to the next thing that is due.")
@access_options
@click.argument("what", nargs=-1, metavar="[WHAT]...")
def run_clock(what: tuple[str, ...], as_json: bool, **access: Any) -> None:
    """Move the clock to the next thing that is due, of the kinds WHAT (hold_expiry, window_start...) or of any kind."""
    answer = open_sandbox(**access).ask("POST", "clock/next", {"what": list(what)} if what else {})
    if not as_json:
        echo(answer["due"]["what"] if answer["due"] else "nothing is due")
    _show_clock(as_json, answer)


@clock.command()
@access_options
def release(as_json: bool, **access: Any) -> None:
    """Return the clock to the real time."""
    _show_clock(as_json, open_sandbox(**access).ask("DELETE", "clock"))


@sandbox.command("reset")
@access_options
def reset_sandbox(as_json: bool, **access: Any) -> None:
    """Remove everything that the retailer's calls have made. Stores, items, plans and clients stay."""
    answer = open_sandbox(**access).ask("POST", "reset")
    removed = ", ".join(f"{rows} {name}" for name, rows in answer["removed"].items())
    show(as_json, answer, f"Removed: {removed or 'nothing'}.")


@sandbox.command("log", short_help="Show the calls, and the rules that refused calls.")
@access_options
@click.option(
    "--after",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Show calls after this number. Default: from the first.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    metavar="N",
    help="Maximum number of calls at once.",
)
@click.option(
    "--status",
    type=click.IntRange(100, 599),
    metavar="CODE",
    help="HTTP status, to show only calls that were answered with it.",
)
@click.option("--refused", is_flag=True, default=None, help="Show only refused calls.")
@click.option(
    "--canonical",
    is_flag=True,
    default=None,
    help="Show #1, #2 and so on for ids that the server made: equal runs then have equal logs.",
)
@click.option("--follow", "-f", is_flag=True, help="Print new calls as they come, until Ctrl-C.")
@until_interrupted()
def show_log(after: int | None, follow: bool, as_json: bool, **asked: Any) -> None:
    """Show the retailer's calls and, for each refused one, the rule that refused it. With --json, one call per line."""
    filters = {name: asked.pop(name) for name in ("limit", "status", "refused", "canonical")}
    server = open_sandbox(**asked)
    while True:
        answer = server.ask("GET", "requests", after=after, **filters)
        if follow and answer["last"] < (after or 0):  # after a reset the numbers start again
            after = 0
            continue
        for call in answer["requests"]:
            echo(json.dumps(call) if as_json else _line(call))
        after = answer["requests"][-1]["number"] if answer["requests"] else answer["last"]
        if not follow:
            return
        server.ask("GET", "requests", after=after, limit=1, wait=_WAIT_SECONDS)


def _line(call: dict[str, Any]) -> str:
    parts = [f"{call['number']:>5}  {call['at']}  {call['status']}  {call['method']} {call['url']}"]
    refusal = call.get("refusal")
    if call.get("fault"):
        parts.append(f"       fault: {call['fault']}")
    if refusal:
        key = refusal.get("key") or ", ".join(filter(None, refusal.get("keys") or ()))
        parts.append(f"       {key + ': ' if key else ''}{refusal['message']}  ({refusal['rule']})")
        parts += [f"       did you mean {path}" for path in refusal.get("nearest") or ()]
    return "\n".join(parts)


@sandbox.group(short_help="Make calls fail or be slow, and callbacks late, doubled or lost.")
def faults() -> None:
    """Make calls fail, be slow or lose their slot; make callbacks come twice, late, out of order or never."""


@faults.command("add")
@access_options
@click.argument("fault", type=click.Choice(_FAULTS))
@click.option(
    "--operation", metavar="ID", help="Id of an operation, such as create_user: only its calls meet the fault."
)
@click.option("--path", metavar="PATH", help="Path in the form of the API reference: only its calls meet the fault.")
@click.option("--event", metavar="NAME", help="Name of an event, such as picking: only its callbacks meet the fault.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of calls that meet the fault. Default: no maximum, until it is switched off.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="0..1",
    help="Share of the calls that meet the fault. Default: 1, every call.",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Random seed that chooses the calls of --share.")
@click.option(
    "--slow-ms",
    type=click.IntRange(1, 30_000),
    metavar="MS",
    help="Delay in milliseconds, for `slow` and `callback_delay`.",
)
@click.option(
    "--retry-after",
    type=click.IntRange(1, 3600),
    metavar="S",
    help="Seconds that a client is told to wait, for `rate_limited`.",
)
@click.option("--slot", "service_option_id", type=int, metavar="ID", help="Id of the slot, for `slot_taken`.")
def add_fault(fault: str, as_json: bool, **options: Any) -> None:
    """Switch a fault on. Faults that are on stay on."""
    names = ("operation", "path", "event", "times", "share", "seed", "slow_ms", "retry_after", "service_option_id")
    wanted = {name: value for name in names if (value := options.pop(name)) is not None}
    server = open_sandbox(**options)
    there = [_left(one) for one in server.ask("GET", "faults")["faults"]]
    faults = [one for one in there if one.get("times") != 0]
    _show_faults(as_json, server.ask("PUT", "faults", {"faults": [*faults, {"fault": fault, **wanted}]}))


def _left(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault with only the times it has left."""
    met, _ = fault.pop("met"), fault.pop("seen")
    return {**fault, "times": fault["times"] - met} if "times" in fault else fault


@faults.command("list")
@access_options
def list_faults(as_json: bool, **access: Any) -> None:
    """List the faults, and how many calls met each."""
    _show_faults(as_json, open_sandbox(**access).ask("GET", "faults"))


@faults.command("off")
@access_options
def clear_faults(as_json: bool, **access: Any) -> None:
    """Switch all faults off."""
    _show_faults(as_json, open_sandbox(**access).ask("DELETE", "faults"))


def _show_faults(as_json: bool, answer: Any) -> None:
    rows = [
        (
            one["fault"],
            one.get("operation") or one.get("path") or one.get("event") or _every(one["fault"]),
            "until switched off" if one.get("times") is None else f"{one['times']} times",
            str(one["seen"]),
            str(one["met"]),
        )
        for one in answer["faults"]
    ]
    text = table(("fault", "calls", "how often", "matched", "met"), rows, numbers=("matched", "met"))
    show(as_json, answer, text if rows else "No faults.")


def _every(fault: str) -> str:
    return "every callback" if fault.startswith(("callback", "token")) else "every call"


@sandbox.command("link", short_help="Link a user to an account without a browser.")
@access_options
@click.argument("user_id")
@click.option(
    "--outcome", type=click.Choice(_OUTCOMES), default="linked", show_default=True, help="Result of the linking."
)
@click.option(
    "--email", metavar="EMAIL", help="E-mail address of the account. Default: an address that is made up for the user."
)
@click.option(
    "--membership-days",
    type=click.IntRange(0, 3650),
    metavar="N",
    help="Days from now for which the account is a member; 0 for no membership. Default: no change.",
)
def link_account(user_id: str, outcome: str, as_json: bool, **options: Any) -> None:
    """Link the user USER_ID to an account without a browser, or make the linking fail."""
    body = {"outcome": outcome, "email": options.pop("email"), "membership_days": options.pop("membership_days")}
    answer = open_sandbox(**options).ask("POST", f"users/{quote(user_id, '')}/link", body)
    lines = [f"{answer['email']} was sent back to {answer['redirect']}"]
    lines += [f"token endpoint: {one['status']} {json.dumps(one['body'])}" for one in answer["token_answers"]]
    if answer["link_answer"]:
        lines.append(f"link endpoint: {answer['link_answer']['status']} {json.dumps(answer['link_answer']['body'])}")
    show(as_json, answer, "\n".join(lines))


for command in (shell.print_env, shell.wait, robot.place_order, robot.run_order, robot.list_scenarios, robot.robot):
    sandbox.add_command(command)
