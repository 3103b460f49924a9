"""Events lead to messages: which template, to whom, by which channel, and at which hour."""

from typing import Any

import pytest

from handcart.accounts import ops as accounts
from handcart.batches import ops as batches
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.linking import ops as linking
from handcart.messages import ops as messages
from handcart.messages import push
from handcart.notifications import ops
from handcart.orders import links
from handcart.orders import ops as orders
from handcart.orders import queries as stored
from handcart.retailers import ops as retailers
from tests.notifications.conftest import Telling
from tests.support import clocks
from tests.support.acting import Acting
from tests.support.orders import PHONE
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

PUSH_KEY = "BF" + "A" * 85


def done(telling: Telling, kind: str, **fields: Any) -> str:
    order_id = telling.order(kind, **fields)
    telling.shopping.complete(order_id, kind)
    return order_id


def test_order_is_delivered_then_each_step_is_one_text_with_its_link(telling: Telling) -> None:
    order_id = done(telling, "delivery")
    found = telling.messages(order_id)
    assert [one.template for one in found] == [
        *("order_confirmation", "acknowledged", "picking", "checkout", "delivering", "delivered"),
    ]
    assert {(one.channel, one.address, one.locale, one.state) for one in found} == {("sms", PHONE, "en-US", "pending")}
    assert {one.recipient for one in found} == {f"order/{telling.market.retailer.id}/{order_id}"}
    order = telling.server.read(stored.find, telling.market.retailer.id, order_id)
    link = telling.server.read(url, telling.market.retailer.id, order)
    assert all(link in one.content.body for one in found)
    assert found[-1].content.body == f"Sample Market: your order was delivered. Thank you! {link}"
    assert [one for one in found if "Reply STOP" in one.content.body] == found[:1]


async def url(tx: Any, retailer_id: int, order: Any) -> str:
    return links.url(tx, retailer_id, order) or ""


def test_orders_of_each_kind_are_completed_then_their_templates(telling: Telling) -> None:
    assert telling.names(done(telling, "pickup")) == [
        *("order_confirmation", "acknowledged", "picking", "checkout", "pickup_ready", "customer_acknowledged"),
        "picked_up",
    ]
    for kind in ("last_mile", "dispatch"):
        assert telling.names(done(telling, kind)) == ["order_confirmation", "acknowledged", "delivering", "delivered"]


def test_events_are_told_again_then_nothing_more_is_written(telling: Telling) -> None:
    order_id = done(telling, "delivery")
    before = telling.names(order_id)
    assert telling.names(order_id) == before


def test_customer_says_nothing_about_texts_then_only_carried_orders_text(telling: Telling) -> None:
    for kind in ("delivery", "pickup"):
        assert telling.names(str(telling.market.order(kind)["id"])) == []
    for kind in ("last_mile", "dispatch"):
        assert telling.names(str(telling.market.order(kind)["id"])) == ["order_confirmation"]
        assert telling.names(str(telling.market.order(kind, customer_sms_opt_out=True)["id"])) == []


def test_number_said_stop_then_mail_or_nothing(telling: Telling) -> None:
    telling.server.write(messages.suppress, "sms", "+1 (312) 555-0187", "reply", "STOP")
    opted_in = {"user": {"phone_number": "+13125550187", "sms_opt_in": True}}
    assert telling.names(str(telling.market.order("delivery", **opted_in)["id"])) == []
    dispatch = str(telling.market.order("dispatch", user_phone="+13125550187", email="kim@example.com")["id"])
    (found,) = telling.messages(dispatch)
    assert (found.channel, found.address, found.state) == ("mail", "kim@example.com", "pending")
    assert found.content.subject == "We got your order"
    assert found.content.body.endswith("You get this message because of your order at Sample Market.")


def test_user_has_linked_an_account_then_mail_without_a_number_to_text(telling: Telling) -> None:
    user_id, account = telling.market.customer(), telling.market.account()
    telling.market.link(user_id, telling.market.linking_token(account)).raise_for_status()
    (found,) = telling.messages(str(telling.market.order("delivery", user_id)["id"]))
    assert (found.channel, found.address) == ("mail", account.email)
    telling.server.write(linking.close_account, account.id)
    assert telling.server.read(accounts.by_id, account.id) is None
    assert telling.names(str(telling.market.order("delivery", user_id)["id"])) == []


def test_browser_has_shown_a_message_then_push_in_place_of_a_text(telling: Telling) -> None:
    order_id = telling.order()
    recipient = f"order/{telling.market.retailer.id}/{order_id}"
    keys = (PUSH_KEY, "A" * 22)
    for name in ("one", "two"):
        telling.server.write(push.subscribe, recipient, f"https://push.example.net/{name}", *keys, 2**60)
    found = telling.messages(order_id)
    assert [(one.channel, one.template) for one in found] == [
        *[("push", "order_confirmation")] * 2,
        ("sms", "order_confirmation"),
    ]
    link, _, reported = (found[0].content.url or "").partition("?shown=")
    assert link in found[0].content.body
    for wrong in ("", "1", reported[:-1], f"{reported}0", f"1{reported}"):
        assert not telling.server.write(push.confirm, recipient, wrong), wrong
    assert not telling.server.write(push.confirm, "order/1/another", reported)
    assert telling.server.write(push.confirm, recipient, reported)
    telling.shopping.reach(telling.shopping.batch(order_id), "picking")
    assert [one.channel for one in telling.messages(order_id)[3:]] == ["push"] * 4


def test_retailer_tells_its_customers_itself_then_no_messages(server: LiveServer) -> None:
    telling = Telling(server, tells_customers=False)
    assert telling.names(done(telling, "delivery")) == []


def test_night_at_the_store_then_only_urgent_texts_go_at_once(telling: Telling) -> None:
    order_id = telling.order()
    telling.messages(order_id)
    telling.at(22)
    telling.shopping.complete(order_id, "delivery")
    assert telling.names(order_id) == ["order_confirmation", "delivering", "delivered"]


def test_order_is_placed_at_night_then_the_text_waits_until_eight(telling: Telling) -> None:
    for hour, day in ((23, 0), (3, 1)):
        telling.at(hour, day)
        (found,) = telling.messages(telling.order())
        telling.at(8, day=1 if hour == 23 else 0)
        assert found.due_at == telling.market._begun
    telling.at(23)
    (mail,) = telling.messages(str(telling.market.order("dispatch", email="kim@example.com")["id"]))
    assert (mail.channel, mail.due_at) == ("mail", telling.market._begun)


def test_worker_was_off_for_hours_then_only_lasting_news(telling: Telling) -> None:
    order_id = done(telling, "delivery")
    clocks.advance(telling.market, hours=2)
    assert telling.names(order_id)[:2] == ["order_confirmation", "delivered"]


def test_one_order_cannot_be_told_then_the_others_are(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = telling.order(), telling.order()
    write = ops.write

    async def fails(tx: Any, retailer: Any, order: Any, *rest: Any, **fields: Any) -> None:
        await write(tx, retailer, order, *rest, **fields)
        if order.order_id == broken:
            raise RuntimeError("a defect")

    monkeypatch.setattr(ops, "write", fails)
    assert telling.names(other) == ["order_confirmation"]
    assert telling.names(broken) == []


def test_user_is_deleted_then_no_message_about_it(telling: Telling) -> None:
    user_id = telling.market.customer()
    order_id = telling.order(user_id=user_id)
    telling.server.write(orders.forget_user, telling.market.retailer.isolation_id, user_id)
    assert telling.names(order_id) == []


@on_sqlite
def test_names_have_markup_and_bidirectional_marks_then_one_plain_line(server: LiveServer) -> None:
    telling = Telling(server)
    server.sql(
        "UPDATE retailers SET name = $2 WHERE id = $1 RETURNING id",
        telling.market.retailer.id,
        "<b>\u202eevil\u2066\n</b>{link}" + "x" * 200,
    )
    (found,) = telling.messages(telling.order())
    assert found.content.body.startswith("<b>evil </b>{link}xxx")
    assert "\u202e" not in found.content.body
    assert "x" * 41 not in found.content.body


def test_shopper_has_a_name_then_only_the_first_and_none_under_removal(telling: Telling, server: LiveServer) -> None:
    working = Working(server, "Noor Sample")
    for is_removed, name in ((False, "Noor"), (True, "your shopper")):
        server.write(retailers.change, telling.market.slug, {"shopper_information_removal": is_removed})
        order_id = telling.order()
        Acting(working, telling.market, order_id).did("accept")
        (told,) = [one for one in telling.messages(order_id) if one.template == "acknowledged"]
        assert f"Sample Market: {name} will take care of your order." in told.content.body
        assert "Sample will" not in told.content.body.replace("Sample Market", "")


@on_sqlite
def test_order_is_canceled_then_the_text_says_why(telling: Telling) -> None:
    for reason, kind, template in (
        ("customer_driven", "change payment method", "canceled_by_customer"),
        ("customer_driven", "customer mia", "canceled_customer_missing"),
        ("unbatchable", "unbatchable", "canceled_unbatchable"),
        ("retailer_driven", "store early closure", "canceled_limited_hours"),
        ("retailer_driven", "too many out of stock items", "canceled_inventory"),
        ("instacart_driven", "manual_fraud", "canceled"),
        ("other", "unknown", "canceled"),
    ):
        order_id = telling.order()
        telling.server.write(cancel, telling, telling.virtual, order_id, reason, kind)
        told = telling.messages(order_id)[-1]
        assert told.template == template, kind
        assert "ou pay nothing." in told.content.body
        assert "fraud" not in told.content.body


@on_sqlite
def test_retailer_gives_a_credit_then_cancellations_on_its_side_name_it(telling: Telling) -> None:
    telling.server.write(retailers.change, telling.market.slug, {"appeasement_cents": 1250})
    for reason, kind, template in (
        ("customer_driven", "change payment method", "canceled_by_customer"),
        ("unbatchable", "unbatchable", "canceled_unbatchable_appeasement"),
        ("retailer_driven", "store early closure", "canceled_limited_hours_appeasement"),
        ("retailer_driven", "too many out of stock items", "canceled_inventory_appeasement"),
    ):
        order_id = telling.order()
        telling.server.write(cancel, telling, telling.virtual, order_id, reason, kind)
        told = telling.messages(order_id)[-1]
        assert told.template == template, kind
        assert ("and you get $12.50 off your next order." in told.content.body) == template.endswith("_appeasement")


async def cancel(tx: Any, telling: Telling, virtual: VirtualClock, order_id: str, reason: str, kind: str) -> None:
    with clock.using(virtual):
        order = await orders.lock(tx, telling.market.retailer.id, order_id)
        await orders.cancel_for(tx, telling.market.retailer.id, order, reason, kind)


def test_shopper_drops_out_twice_then_the_second_text_offers_to_cancel(telling: Telling) -> None:
    order_id = telling.order()
    for template in ("unassigned", "unassigned_again"):
        batch_id = telling.shopping.batch(order_id, workflow_state="acknowledged")
        telling.server.write(drop, telling, telling.virtual, batch_id)
        told = telling.messages(order_id)[-1]
        assert told.template == template
        assert ("cancel for free where you placed the order" in told.content.body) == (template == "unassigned_again")


async def drop(tx: Any, telling: Telling, virtual: VirtualClock, batch_id: int) -> None:
    with clock.using(virtual):
        await batches.end_early(tx, telling.market.retailer.id, batch_id, "unassigned", "ill", "a test")


@on_sqlite
def test_events_are_simulated_then_late_and_moved_orders_have_their_time(telling: Telling) -> None:
    order_id = telling.order()
    for event, template, words in (
        ("late_delivery", "late_delivery", "sorry, your order is late. New time: "),
        ("rescheduled", "rescheduled", "If it does not suit you, you can cancel for free where you placed the order. "),
    ):
        telling.shopping.simulate(order_id, event).raise_for_status()
        told = telling.messages(order_id)[-1]
        assert told.template == template
        assert words in told.content.body


@on_sqlite
def test_order_waits_at_the_store_then_reminders_and_a_last_chance(telling: Telling) -> None:
    order_id = telling.order("pickup")
    telling.shopping.reach(telling.shopping.batch(order_id), "staged")
    telling.names(order_id)
    row = telling.market.row(order_id)
    for at in (row["window_starts_at"], row["window_ends_at"] - 30 * clock.MINUTE, row["window_ends_at"]):
        clocks.freeze(telling.market, clock.to_wire(at + clock.SECOND))
        telling.messages(order_id)
    clocks.freeze(telling.market, clock.to_wire(row["window_ends_at"] + 2 * clock.HOUR + clock.SECOND))
    assert telling.names(order_id)[-4:] == ["pickup_reminder", "pickup_closing", "pickup_closed", "pickup_last_chance"]
    assert [name for name, _ in telling.market.history(order_id)][-1] == "staged"


@on_sqlite
def test_alcohol_is_on_its_way_then_the_text_asks_for_an_id(telling: Telling) -> None:
    for has_alcohol in (False, True):
        order_id = telling.order()
        telling.shopping.reach(telling.shopping.batch(order_id), "delivering")
        telling.server.sql(
            "UPDATE orders SET has_alcohol = $3 WHERE retailer_id = $1 AND order_id = $2 RETURNING order_id",
            telling.market.retailer.id,
            order_id,
            has_alcohol,
        )
        telling.messages(order_id)
        telling.forward(minutes=16)
        assert telling.names(order_id)[-1] == ("arriving_with_alcohol" if has_alcohol else "arriving")
