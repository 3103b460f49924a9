"""Every command that changes data writes a row of the audit log, in the transaction of the change."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from click.testing import CliRunner
from PIL import Image

from handcart.cli import handcart
from handcart.shoppers import queries as shoppers
from handcart.staff import pins, queries
from handcart.staff.models import command_line
from handcart.staff.queries import Entry
from tests.cli.conftest import Run, answer, refusal
from tests.support import letters, pictures
from tests.support.contents import nothing_written
from tests.support.orders import Market, lock_pin
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import Phone, add_shopper

SECRET = "not-for-the-log-" + "0123456789abcdef"
# Commands that change no data of an installation that runs, and why.
OTHERS = {
    "demo": "has an installation of its own",
    "migrate": "changes the schema",
    "serve": "runs the installation",
    "worker": "runs the installation",
    "backup": "reads",
    "copy": "writes its row in the target: tests/core/db/test_copying.py",
    "assignment plan": "gives orders as `orders assign` does: tests/cli/test_assignment.py",
    "sandbox": "calls a server as its client, which the request log has",
}
READS = {
    *("alerts", "assignment why", "check", "reconcile", "key show", "audit list", "account list", "account show"),
    *("retailer list", "retailer show", "client list", "store list", "store template", "store tablet list"),
    *("item export", "item find", "item template", "slots exception list", "slots list", "slots plan list"),
    *("orders list", "orders show", "orders slots", "shopper devices", "shopper list", "shopper show"),
    *("staff list", "staff show", "callbacks deliveries", "callbacks events", "callbacks list", "callbacks listen"),
    *("callbacks show", "callbacks tail", "callbacks trigger", "message list", "message show"),
    *("message texts list", "message texts show", "message texts preview"),
    *("money fees list", "money pay list", "money payout", "money payouts", "money statement"),
    "requests",
    "message test",  # sends a message that is stored nowhere
}
# Tests that stop the server: tests/upkeep/test_rotation.py, tests/cli/test_backup.py.
STOPPED = {"key rotate", "restore"}


def commands(group: click.Group = handcart, path: str = "") -> Iterator[str]:
    """The names of all commands, such as `retailer set`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if isinstance(one, click.Group) and name not in OTHERS:
            yield from commands(one, f"{path}{name} ")
        else:
            yield f"{path}{name}"


class World:
    """A retailer, and the people and orders that commands change."""

    def __init__(self, server: LiveServer, run: Run, folder: Path) -> None:
        self.server, self.run, self.folder = server, run, folder
        self.market = Market(server, delivery_pin=True)
        self.of = ("--retailer", self.market.slug)
        self.visited: set[str] = set()

    def newest(self) -> int:
        found: list[Entry] = self.server.read(queries.entries, limit=1)
        return found[0].id if found else 0

    def does(self, command: str, *arguments: str, own: bool = False, **options: str) -> Any:
        """Run a command, which must write one row, or with `own` those of its operation; returns its output."""
        before = self.newest()
        result = answer(self.run(*command.split(), *arguments, "--json", **options))
        rows = [one for one in self.server.read(queries.entries, limit=10) if one.id > before]
        assert {(one.actor_kind, one.actor_name) for one in rows} == {("command", command_line().name)}, command
        if not own:
            assert [one.operation for one in rows] == [f"handcart {command}"], command
        self.visited.add(command)
        return result

    def picture(self) -> Path:
        path = self.folder / "logo.png"
        path.write_bytes(pictures.file())
        return path

    def file(self, text: str) -> str:
        path = self.folder / "rows.csv"
        path.write_text(text)
        return str(path)


@on_sqlite
def test_commands_that_change_data_then_each_writes_a_row(server: LiveServer, run: Run, tmp_path: Path) -> None:
    world = World(server, run, tmp_path)
    _retailers(world)
    _stores(world)
    _people(world)
    _orders(world)
    _customers(world)
    _callbacks(world)
    _messages(world)
    _money(world)
    known = set(commands())
    assert known - set(OTHERS) - READS - STOPPED == world.visited
    assert [row for row in (*OTHERS, *READS, *STOPPED) if row not in known] == []
    logged = msgspec.json.encode(
        [dict(row) for row in server.sql("SELECT subject, detail, reason FROM audit_log")]
    ).decode()
    assert [text for text in (SECRET, PASSWORD, "@", "555-0142", "a.example") if text in logged] == []


def _retailers(world: World) -> None:
    does, of = world.does, world.of
    slug = f"shop-{secrets.token_hex(4)}"
    does("retailer create", "--slug", slug, "--lenient")
    does("retailer set", world.market.slug, "door_photo=true")
    logo = world.folder / "logo.png"
    Image.new("RGB", (64, 64)).save(logo)
    does("retailer logo", world.market.slug, str(logo))
    does("retailer logo", world.market.slug, str(world.picture()))
    client = does("client create", *of, "--scope", "connect:fulfillment")["client_id"]
    does("client rotate", client)
    does("client scope", client, "connect:fulfillment")
    does("client redirect-uri add", client, f"https://a.example/{SECRET}")
    does("client redirect-uri remove", client, f"https://a.example/{SECRET}")
    does("client revoke-tokens", client)
    does("client disable", client)


def _stores(world: World) -> None:
    does, of = world.does, world.of
    for what in ("store", "item"):
        template = CliRunner().invoke(handcart, [what, "template"]).output
        does(f"{what} import", world.file(template), *of)
    does("store pickup", *of, "--category", "curbside", "--instruction", "Park in bays 1 to 6")
    does("store pickup", *of, "--category", "curbside", "--instruction", "Call us")
    does("store close", *of, "--store", "here", "--reason", "the roof leaks", own=True)
    does("store reopen", *of, "--store", "here", own=True)
    does("slots plan set", *of, "--kind", "delivery", "--capacity", "3")
    does("slots plan remove", *of, "--kind", "delivery")
    day = ("--date", "2099-12-24", "--store", "here", "--kind", "delivery")
    does("slots exception set", *of, *day, "--capacity", "1")
    does("slots exception remove", *of, *day)


def _people(world: World) -> None:
    does, email = world.does, new_email()
    public = {"HANDCART_PUBLIC_URL": "https://handcart.example"}
    does("staff invite", "--email", email, "--name", "Ada", "--role", "dispatcher", own=True, **public)
    does("staff link", email, own=True, **public)
    does("staff role", email, "--role", "support", own=True)
    does("staff close", email, own=True)
    _tablets(world)
    shopper = does("shopper add", "--name", "Sam Sample", "--phone", "312-555-0142", own=True)["id"]
    does("shopper invite", shopper, own=True, **public)
    does("shopper change", shopper, "--skill", "alcohol", own=True)
    does("shopper block", shopper, "--reason", "lost the phone", own=True)
    does("shopper unblock", shopper, own=True)
    person = world.server.read(shoppers.find, shopper)
    Phone(world.server, person)
    (device,) = answer(world.run("shopper", "devices", shopper, "--json"))["devices"]
    does("shopper end-device", shopper, device["id"], own=True)
    does("shopper close", shopper, own=True)


def _tablets(world: World) -> None:
    does, of, email = world.does, world.of, new_email()
    public = {"HANDCART_PUBLIC_URL": "https://handcart.example"}
    tablet = does("store tablet add", *of, "--store", "here", "--name", "Counter", own=True, **public)["id"]
    does("store tablet end", tablet, own=True)
    place = ("--role", "store_associate", *of, "--store", "here")
    does("staff invite", "--email", email, "--name", "Ada", *place, own=True, **public)
    worker = world.server.read(queries.by_email, email)
    world.server.write(pins.choose, queries.actor(worker), "hash")
    world.server.sql("UPDATE staff_pins SET wrong_pins = 5 WHERE person_id = $1 RETURNING 1", worker.id)
    does("staff unlock-pin", email, own=True)


def _orders(world: World) -> None:
    does, of, market = world.does, world.of, world.market
    shopper, order_id = add_shopper(world.server), market.order()["id"]
    why = ("--reason", "the roof leaks")
    does("orders assign", order_id, *of, "--shopper", str(shopper.id), own=True)
    does("orders unassign", order_id, *of, *why, own=True)
    start = answer(world.run("orders", "slots", order_id, *of, "--json"))["slots"][-1]["starts_at"]
    does("orders reschedule", order_id, *of, *why, "--start", start, own=True)
    world.server.write(lock_pin, market.retailer.id, order_id)
    does("orders unlock-pin", order_id, *of, *why, own=True)
    told = ("--cancellation-reason", "other", "--cancellation-type", "none")
    does("orders cancel", order_id, *of, *why, *told, own=True)


def _customers(world: World) -> None:
    does, email, market = world.does, new_email(), world.market
    public = {"HANDCART_PUBLIC_URL": "https://handcart.example"}
    does("account create", "--email", email, "--password", PASSWORD)
    does("account password", email, **public)
    does("membership grant", "--email", email, "--days", "3")
    does("membership end", "--email", email)
    account, user_id = market.account(), market.user()
    market.link(user_id, market.linking_token(account)).raise_for_status()
    does("unlink", *world.of, "--user", user_id)
    does("account close", "--email", email)
    (entry,) = world.server.read(queries.entries, operation="handcart account create", limit=1)
    assert entry.subject.startswith("account/")
    assert entry.detail == {"email": "...", "password": "..."}


def _callbacks(world: World) -> None:
    does, of = world.does, world.of
    url = ("--url", "https://a.example/x", "--auth-uri", "https://a.example/y", "--client-id", "sample")
    made = does("callbacks create", *of, *url, "--trust", CALLBACKS_CLIENT_SECRET=SECRET)
    webhook = str(made["id"])
    does("callbacks update", webhook, *of, "--name", "Sample")
    does("callbacks disable", webhook, *of, "--reason", "it is broken")
    does("callbacks enable", webhook, *of, "--trust")
    does("callbacks rotate", webhook, *of)
    does("callbacks replay", *of, "--after", "0")
    does("callbacks delete", webhook, *of)
    (entry,) = world.server.read(queries.entries, operation="handcart callbacks disable", limit=1)
    assert (entry.subject, entry.retailer_id, entry.reason) == (
        f"retailer/{world.market.slug}",
        world.market.retailer.id,
        "it is broken",
    )
    assert entry.detail == {"webhook": made["id"], "retailer": world.market.slug}


def _messages(world: World) -> None:
    does, address = world.does, new_email()
    message_id = str(letters.write(world.server, address=address))
    world.server.sql("UPDATE messages SET state = 'failed' WHERE id = $1 RETURNING id", int(message_id))
    does("message replay", message_id)
    does("message suppress", "--channel", "mail", address, "--reason", "asked for it")
    does("message unsuppress", "--channel", "mail", address)
    does("message texts set", "delivered", "Your order is here: {link}", *world.of)
    does("message texts reset", "delivered", *world.of)
    (entry,) = world.server.read(queries.entries, operation="handcart message texts set", limit=1)
    assert entry.detail == {"template": "delivered", "text": "...", "retailer": world.market.slug}


def _money(world: World) -> None:
    does, of = world.does, world.of
    does("money fees set", *of, "--from", "2020-01-01", "--delivery", "700", own=True)
    does("money pay set", "--shopper", str(add_shopper(world.server).id), "--from", "2097-01-01", own=True)
    does("reports rebuild", *of)
    does("money close", *of, "--month", "2020-01", own=True)


def test_command_is_refused_then_no_row_is_written(server: LiveServer, run: Run) -> None:
    slug = Market(server).slug
    refused = [
        (("retailer", "create", "--slug", slug), "the retailer"),
        (("retailer", "set", slug, "warn_minutes=-1"), ""),
        (("callbacks", "replay", "--retailer", slug, "--event", "7"), "there is no event 7"),
        (("account", "close", "--email", "nobody@example.com"), "there is no account"),
        (("account", "password", "nobody@example.com"), ""),
    ]
    with nothing_written(server):
        told = [(refusal(run(*command)), sentence) for command, sentence in refused]
    assert [one for one in told if not one[0].startswith(one[1])] == []
