"""`handcart shopper`: each command affects the running server at once, or refuses with one sentence."""

import secrets
from typing import Any

import pytest

from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Newcomer, Phone, add_shopper
from tests.support.working import Working


def new_phone() -> str:
    return f"1800{secrets.randbelow(10**7):07}"


def logged(server: LiveServer, shopper_id: str) -> list[Any]:
    sql = "SELECT operation, actor_kind, reason FROM audit_log WHERE subject = $1 ORDER BY id"
    return [tuple(row) for row in server.sql(sql, f"shopper/{shopper_id}")]


def test_shopper_added_and_invited_then_the_phone_is_signed_in(run: Run, server: LiveServer) -> None:
    phone = new_phone()
    added = answer(
        run("shopper", "add", "--name", "Ana Sample", "--phone", f"+{phone}", "--skill", "alcohol", "--json")
    )
    assert (added["phone"], added["skills"], added["state"], added["has_pin"]) == (phone, ["alcohol"], "open", False)
    printed = run("shopper", "invite", phone, HANDCART_PUBLIC_URL=server.url)
    assert printed.exit_code == 0
    assert "\u2580" in printed.output  # the QR code
    assert "For Ana Sample only" in printed.output
    made = answer(run("shopper", "invite", added["id"], "--json", HANDCART_PUBLIC_URL=server.url))
    newcomer = Newcomer(server, made["url"].removeprefix(server.url))
    newcomer.open()
    assert newcomer.join().status_code == 303
    assert answer(run("shopper", "show", phone, "--json"))["has_pin"] is True
    (device,) = answer(run("shopper", "devices", phone, "--json"))["devices"]
    answer(run("shopper", "end-device", phone, device["id"], "--json"))
    assert run("shopper", "devices", phone).output == "No device is signed in.\n"
    assert newcomer.http.get("/shopper/api/me").status_code == 401
    assert logged(server, added["id"]) == [
        ("add_shopper", "command", None),
        ("invite_shopper", "command", None),
        ("invite_shopper", "command", None),
        ("join", "shopper", None),
        ("end_device", "command", None),
    ]


def test_shopper_blocked_unblocked_and_closed_then_listed_so(run: Run, server: LiveServer) -> None:
    name = secrets.token_hex(6)
    phone = Phone(server, add_shopper(server, name))

    def states() -> dict[str, list[str]]:
        return {
            state: [
                one["state"]
                for one in answer(run("shopper", "list", "--text", name, "--state", state, "--json"))["shoppers"]
            ]
            for state in ("open", "working", "blocked", "closed")
        }

    shopper = str(phone.person.id)
    answer(run("shopper", "block", shopper, "--reason", "lost the badge", "--json"))
    assert states() == {"open": ["blocked"], "working": [], "blocked": ["blocked"], "closed": []}
    assert "lost the badge" in run("shopper", "show", shopper).output
    answer(run("shopper", "unblock", shopper, "--json"))
    assert states() == {"open": ["open"], "working": ["open"], "blocked": [], "closed": []}
    assert name in run("shopper", "list").output
    answer(run("shopper", "close", shopper, "--json"))
    assert states() == {"open": [], "working": [], "blocked": [], "closed": ["closed"]}
    assert phone.get("me").status_code == 401
    assert logged(server, shopper)[1:] == [
        ("block_shopper", "command", "lost the badge"),
        ("unblock_shopper", "command", None),
        ("close_shopper", "command", None),
    ]
    with nothing_written(server):
        for command in (("show",), ("invite",), ("unblock",), ("close",), ("devices",), ("change", "--name", "Bo")):
            sentence = refusal(run("shopper", command[0], shopper, *command[1:], HANDCART_PUBLIC_URL=server.url))
            assert "there is no open shopper" in sentence


def test_shopper_with_orders_blocked_and_closed_then_they_are_named(run: Run, server: LiveServer) -> None:
    market, working = Market(server), Working(server)
    order_id = market.order()["id"]
    working.batch(market, order_id)
    blocked = answer(run("shopper", "block", str(working.id), "--reason", "left", "--json"))
    named = {"batches": 1, "orders": [{"retailer": market.slug, "order_id": order_id}]}
    assert {name: blocked[name] for name in named} == named
    told = run("shopper", "close", str(working.id)).output
    assert "still has 1 batch." in told
    assert f"{order_id} --retailer {market.slug}" in told
    answer(run("orders", "unassign", order_id, "--retailer", market.slug, "--reason", "left", "--json"))


def test_facts_changed_then_shown_and_emptied(run: Run, server: LiveServer) -> None:
    market = Market(server)
    (store,) = answer(run("store", "list", "--retailer", market.slug, "--json"))["stores"][:1]
    shopper = str(add_shopper(server, phone=new_phone(), email="ana@example.com").id)
    home = f"{market.slug}/{store['location_code']}"
    options = ("--name", "Bo", "--locale", "fr-CA", "--language", "fr", "--language", "en", "--skill", "heavy")
    rest = ("--vehicle", "none", "--most-orders", "1", "--home-store", home)
    changed = answer(run("shopper", "change", shopper, *options, *rest, "--json"))
    assert {name: changed[name] for name in ("name", "locale", "languages", "skills", "vehicle", "home_store")} == {
        "name": "Bo",
        "locale": "fr-CA",
        "languages": ["fr", "en"],
        "skills": ["heavy"],
        "vehicle": "none",
        "home_store": home,
    }
    assert home in run("shopper", "show", shopper).output
    empty = [part for name in ("phone", "email", "skill", "home-store") for part in (f"--{name}", "")]
    emptied = answer(run("shopper", "change", shopper, *empty, "--json"))
    assert [emptied[name] for name in ("phone", "email", "skills", "home_store")] == [None, None, [], None]
    assert emptied["most_orders"] == 1


@on_sqlite
@pytest.mark.usefixtures("no_public_url")
def test_wrong_option_then_a_sentence_and_nothing_changes(run: Run, server: LiveServer) -> None:
    taken = new_phone()
    add_shopper(server, phone=taken)
    shopper = str(add_shopper(server).id)
    with nothing_written(server):
        for options, sentence in (
            (("--phone", taken), "another shopper has this phone number"),
            (("--phone", "x"), "is not a phone number"),
            (("--vehicle", "rocket"), "choose from car, bicycle, on_foot, none"),
            (("--home-store", "nowhere/1"), "write the retailer's slug and the location code"),
        ):
            assert sentence in refusal(run("shopper", "change", shopper, *options))
            assert sentence in refusal(run("shopper", "add", "--name", "Bo", *options))
        assert run("shopper", "change", shopper).exit_code == 2
        assert "needs a reason" in refusal(run("shopper", "block", shopper, "--reason", " "))
        assert "has no device" in refusal(run("shopper", "end-device", shopper, "1"))
        assert "HANDCART_PUBLIC_URL" in refusal(run("shopper", "invite", shopper))


@on_sqlite
@pytest.mark.parametrize("shopper", ["1", "nobody", "", "9" * 30])
def test_shopper_that_is_none_then_a_sentence(run: Run, server: LiveServer, shopper: str) -> None:
    assert "`handcart shopper list` shows all" in refusal(run("shopper", "show", shopper))


@on_sqlite
def test_blocked_shopper_invited_then_refused(run: Run, server: LiveServer) -> None:
    shopper = str(add_shopper(server).id)
    answer(run("shopper", "block", shopper, "--reason", "left", "--json"))
    with nothing_written(server):
        assert "unblock them first" in refusal(run("shopper", "invite", shopper, HANDCART_PUBLIC_URL=server.url))
