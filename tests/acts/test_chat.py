"""What shoppers write to customers, and read, also after hours without a network."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from handcart.chat.models import CUSTOMER, SHOPPER
from handcart.chat.ops import MOST_MESSAGES
from handcart.core.errors import ApiError
from tests.support.acting import Acting
from tests.support.chatting import Chatting
from tests.support.contents import mentions
from tests.support.orders import USERS, Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Phone
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)


@pytest.fixture
def acting(market: Market, working: Working) -> Acting:
    """A shopper who picks one order."""
    return Acting(working, market, market.order()["id"], workflow_state="picking")


@pytest.fixture
def chatting(acting: Acting) -> Chatting:
    return Chatting(acting.market, acting.order_ids[0], acting.working.id)


def written(chatting: Chatting) -> list[tuple[str, str | None]]:
    return [(one.sender, one.phrase or one.body) for one in chatting.messages()]


def test_acts_come_doubled_and_out_of_sequence_then_each_message_once(acting: Acting, chatting: Chatting) -> None:
    order = acting.order_ids[0]
    hello = acting.act("say", order=order, phrase="hello")
    found = acting.act("find", order=order, line="1")
    asked = acting.act("say", order=order, text="Is 2% milk all right? 🥛")
    outcomes = [one["outcome"] for one in acting.send(asked, found, hello, hello)]
    assert outcomes == ["later", "later", "applied", "same"]
    outcomes = [one["outcome"] for one in acting.send(hello, found, asked, asked)]
    assert outcomes == ["same", "applied", "applied", "same"]
    assert written(chatting) == [(SHOPPER, "hello"), (SHOPPER, "Is 2% milk all right? 🥛")]


def test_customer_writes_while_the_shopper_is_offline_then_both_are_there(acting: Acting, chatting: Chatting) -> None:
    order = acting.order_ids[0]
    seen = chatting.says(chatting.customer, "One")
    queued = [
        acting.act("read", order=order, until=str(seen.id)),
        acting.act("say", order=order, text="Two"),
    ]
    chatting.says(chatting.customer, "Three, which the phone has not seen")
    assert [one["outcome"] for one in acting.send(*queued)] == ["applied", "applied"]
    found = chatting.messages()
    assert [one.body for one in found] == ["One", "Three, which the phone has not seen", "Two"]
    assert [one.is_read for one in found] == [True, False, False]
    (shown,) = acting.working.run().batches[0].orders
    assert (shown.chat.is_open, shown.chat.unread) == (True, 1)
    assert [(one.sender, one.text, one.is_read) for one in shown.chat.messages] == [
        (CUSTOMER, "One", True),
        (CUSTOMER, "Three, which the phone has not seen", False),
        (SHOPPER, "Two", False),
    ]
    assert [one.act_id for one in shown.chat.messages] == [None, None, queued[1]["id"]]


def test_two_devices_of_a_shopper_write_then_both_messages_are_there(acting: Acting, chatting: Chatting) -> None:
    order = acting.order_ids[0]
    tablet = Phone(acting.market.server, acting.working.phone.person, "Tablet")
    first = acting.act("say", order=order, text="From the phone")
    second = {**acting.act("say", order=order, text="From the tablet"), "after": None}
    for phone, act in ((tablet, second), (acting.working.phone, first)):
        (result,) = phone.post("acts", {"acts": [act]}).json()["results"]
        assert result["outcome"] == "applied"
    assert written(chatting) == [(SHOPPER, "From the tablet"), (SHOPPER, "From the phone")]


def test_run_is_read_then_its_version_changes_with_the_chat(acting: Acting, chatting: Chatting) -> None:
    before = acting.working.run().version
    seen = chatting.says(chatting.customer, "Hello")
    written_to = acting.working.run().version
    acting.did("read", order=acting.order_ids[0], until=str(seen.id))
    assert len({before, written_to, acting.working.run().version}) == 3


@on_sqlite
def test_message_does_not_fit_then_it_is_refused_by_name(acting: Acting, chatting: Chatting) -> None:
    order = acting.order_ids[0]
    refusals = [
        ({"text": "x" * 1001}, "invalid"),
        ({"text": "a\x1b[2Jb"}, "invalid"),
        ({"text": "\u202e\u200b"}, "invalid"),
        ({}, "invalid"),
        ({"phrase": "coming_out"}, "invalid"),
        ({"phrase": "hello", "text": "Hello"}, "invalid"),
        ({"order": "another", "phrase": "hello"}, "unknown_order"),
    ]
    wrong = [
        (str(body)[:60], rule) for body, rule in refusals if acting.refused("say", **{"order": order, **body}) != rule
    ]
    assert wrong == []
    assert acting.refused("read", order=order, until="newest") == "invalid"
    too_large = acting.working.phone.post("acts", {"acts": [acting.act("say", order=order, text="x" * 10_000_000)]})
    assert too_large.status_code == 413
    assert written(chatting) == []


def test_order_is_over_then_the_message_says_what_is_true_now(market: Market, working: Working) -> None:
    first, second = sorted(market.order()["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    assert acting.refused("say", order=first, phrase="hello") == "chat_closed"
    acting.did("accept")
    acting.did("say", order=first, phrase="hello")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    for order_id in (first, second):
        acting.did("bag", order=order_id, bags=[{"code": f"B-{order_id}"}])
    acting.did("leave")
    acting.did("deliver", order=first, how="handed_over")
    assert acting.refused("say", order=first, phrase="thanks") == "order_done"
    acting.did("say", order=second, phrase="on_my_way")


@on_sqlite
def test_many_messages_then_refused_by_name(acting: Acting, chatting: Chatting) -> None:
    with suppress(ApiError):
        for number in range(2 * MOST_MESSAGES.hits):  # the window may end meanwhile
            chatting.says(chatting.shopper, str(number))
    assert acting.refused("say", order=acting.order_ids[0], text="one more") == "many_messages"


def test_user_is_deleted_then_no_act_has_the_text(acting: Acting, chatting: Chatting) -> None:
    market, order = acting.market, acting.order_ids[0]
    acting.did("say", order=order, text=f"secret of {order}")
    user_id = market.row(order)["user_id"]
    market.post(f"{USERS}/{user_id}/privacy_request", {}).raise_for_status()
    assert mentions(market.server, f"secret of {order}") == []
