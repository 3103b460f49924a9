"""Who can write when, what a message may contain, and who has read it."""

from contextlib import suppress
from typing import Any

import pytest

from handcart.batches import ops as batches
from handcart.chat import ops
from handcart.chat.models import CUSTOMER, MOST_CHARACTERS, PHRASES, SHOPPER
from handcart.chat.ops import MOST_MESSAGES
from handcart.core.errors import ApiError
from handcart.core.ratelimit import Limit
from tests.support.chatting import Chatting
from tests.support.contents import mentions, nothing_written
from tests.support.orders import KINDS, USERS, Market
from tests.support.sandbox import Shopping
from tests.support.server import on_sqlite
from tests.support.working import Working

NOT_ALLOWED = (403, "Sending a message is not allowed at this time", None, None)


def refused(chatting: Chatting, sender: Any, body: str | None = None, **said: Any) -> tuple[Any, ...]:
    """Write a message that is refused, and so changes nothing; returns status, message, code and key."""
    with nothing_written(chatting.market.server), pytest.raises(ApiError) as refusal:
        chatting.says(sender, body, **said)
    return refusal.value.status, refusal.value.message, refusal.value.code, refusal.value.key


@pytest.fixture
def chatting(market: Market, working: Working) -> Chatting:
    """The chat of an order that is picked."""
    order_id = market.order()["id"]
    working.batch(market, order_id, workflow_state="picking")
    return Chatting(market, order_id, working.id)


def topics(market: Market, order_id: str) -> list[str]:
    rows = market.server.sql(
        "SELECT body FROM events WHERE retailer_id = $1 AND subject = $2 AND name = 'chat_message_created'",
        *(market.retailer.id, order_id),
    )
    return [row["body"] for row in rows]


def test_both_write_then_both_read_it_in_sequence(chatting: Chatting) -> None:
    chatting.says(chatting.shopper, phrase="hello")
    chatting.says(chatting.customer, "Ripe bananas, please")
    chatting.says(chatting.shopper, " Will do\r\n🍌 ")
    found = chatting.messages()
    assert [(one.sender, one.phrase, one.body, one.is_read) for one in found] == [
        (SHOPPER, "hello", None, False),
        (CUSTOMER, None, "Ripe bananas, please", False),
        (SHOPPER, None, "Will do\n🍌", False),
    ]
    assert len({one.shopper_id for one in found}) == 1
    assert [one.person_id for one in found] == [chatting.shopper.person_id, None, chatting.shopper.person_id]


def test_customer_writes_then_the_event_has_the_topic_only(chatting: Chatting) -> None:
    chatting.says(chatting.shopper, "Hello")
    assert topics(chatting.market, chatting.order_id) == []
    chatting.says(chatting.customer, "Hello")
    (body,) = topics(chatting.market, chatting.order_id)
    number = chatting.market.row(chatting.order_id)["number"]
    assert f'"event_metadata":{{"topic_id":"{number}"}}' in body
    assert '"event_name":"chat_message_created"' in body


@pytest.mark.parametrize("kind", KINDS)
def test_order_goes_on_then_the_chat_opens_and_closes(market: Market, kind: str) -> None:
    shopping, order_id = Shopping(market), market.order(kind)["id"]
    chatting = Chatting(market, order_id)

    def may_write() -> str:
        """The initials of those who can write now."""
        found = ""
        for sender in (chatting.shopper, chatting.customer):
            with suppress(ApiError):
                chatting.says(sender, "Hello")
                found += sender.kind[0]
        return found

    assert may_write() == ""
    batch_id = shopping.batch(order_id, workflow_state="brand_new")
    told = [may_write()]
    while (state := shopping.reach(batch_id)) not in ("completed", "staged"):
        told.append(may_write())
    told.append(may_write())
    if state == "staged":
        runner = shopping.batch(order_id)
        told.append(may_write())
        while shopping.reach(runner) != "completed":
            told.append(may_write())
        told.append(may_write())
    assert (
        told
        == {
            "delivery": ["", "s", *["sc"] * 5, ""],
            "pickup": ["", "s", *["sc"] * 5, "", *["sc"] * 3, ""],
            "last_mile": ["", "s", "sc", "sc", "sc", ""],
            "dispatch": ["", "s", "sc", "sc", "sc", ""],
        }[kind]
    )


def test_nobody_has_the_order_then_nobody_can_write(chatting: Chatting, working: Working) -> None:
    chatting.says(chatting.customer, "Hello")
    (batch,) = working.run().batches
    chatting.market.server.write(batches.drop_out, chatting.market.retailer.id, int(batch.id))
    assert refused(chatting, chatting.customer, "Hello?") == NOT_ALLOWED
    assert refused(chatting, chatting.shopper, "Hello?") == NOT_ALLOWED
    assert [one.body for one in chatting.messages()] == ["Hello"]


@pytest.mark.parametrize("ends", ["completed", "canceled"])
def test_day_after_the_end_then_the_chat_has_expired(
    market: Market, working: Working, chatting: Chatting, later: Any, ends: str
) -> None:
    chatting.says(chatting.customer, "Hello")
    if ends == "completed":
        (batch,) = working.run().batches
        Shopping(market).reach(int(batch.id), "completed")
    else:
        market.server.write(batches.cancel, market.retailer.id, chatting.order_id, "other", "unknown")
    assert refused(chatting, chatting.customer, "Hello") == NOT_ALLOWED
    with later(hours=23, minutes=59):
        assert len(chatting.messages()) == 1
    with later(hours=24, seconds=2):
        assert chatting.messages() == []


def test_other_side_has_written_then_each_reads_it_once(chatting: Chatting) -> None:
    chatting.says(chatting.shopper, "One")
    seen = chatting.says(chatting.shopper, "Two")
    chatting.says(chatting.shopper, "Three")
    chatting.says(chatting.customer, "Four")
    assert chatting.reads(CUSTOMER, seen.id) == 2
    assert [one.is_read for one in chatting.messages()] == [True, True, False, False]
    assert (chatting.reads(CUSTOMER), chatting.reads(CUSTOMER)) == (1, 0)
    assert (chatting.reads(SHOPPER), chatting.reads(SHOPPER)) == (1, 0)
    assert all(one.is_read for one in chatting.messages())


def test_same_act_again_then_one_message(chatting: Chatting) -> None:
    first = chatting.says(chatting.customer, "Hello", act_id="form-0001")
    with nothing_written(chatting.market.server):
        assert chatting.says(chatting.customer, "Hello", act_id="form-0001") == first
    chatting.says(chatting.shopper, "Hello", act_id="form-0001")
    assert len(chatting.messages()) == 2


TOO_LONG = (400, f"is too long (maximum is {MOST_CHARACTERS} characters)", 1001, "body")
BLANK = (400, "can't be blank", 1001, "body")
CONTENTS: dict[str, tuple[Any, ...] | None] = {
    "x" * 1000: None,
    "x" * 1001: TOO_LONG,
    "🍌" * 1000: None,
    "🍌" * 1001: TOO_LONG,
    "a\r\nb" * 333: None,
    f"  {'x' * 1000}\r\n": None,
    "x" * 10_000_000: TOO_LONG,
    "": BLANK,
    " \n\t ": BLANK,
    "\u202e\u2066\u200b\u2060\ufeff": BLANK,
    "\u202eabc\u2066": None,
    "👩\u200d👩\u200d👧": None,
    "\U0001fae9": None,  # an emoji of Unicode 16
    "<script>alert(1)</script>": None,
    "'; DROP TABLE chat_messages; --": None,
    "a\x00b": (400, "is invalid", 1001, "body"),
    "a\x1b[31mb": (400, "is invalid", 1001, "body"),
    "a\x85b": (400, "is invalid", 1001, "body"),
    "one\ttwo\nthree": None,
}


@on_sqlite
def test_text_of_any_kind_then_it_is_stored_as_it_is_or_refused(chatting: Chatting, stopped: Any) -> None:
    wrong = {}
    for body, expected in CONTENTS.items():
        try:
            found = chatting.says(chatting.customer, body)
            answer = None if found.body == body.replace("\r\n", "\n").strip() else ("stored", found.body)
        except ApiError as refusal:
            answer = (refusal.status, refusal.message, refusal.code, refusal.key)
        if answer != expected:
            wrong[body[:40]] = answer
    assert wrong == {}


@on_sqlite
def test_phrase_then_it_is_one_that_the_sender_can_say(chatting: Chatting) -> None:
    invalid = (400, "is invalid", 1001, "phrase")
    assert refused(chatting, chatting.customer, phrase="on_my_way") == invalid
    assert refused(chatting, chatting.shopper, phrase="coming_out") == invalid
    assert refused(chatting, chatting.shopper, phrase="../secret") == invalid
    assert refused(chatting, chatting.shopper) == BLANK
    assert refused(chatting, chatting.shopper, "Hello", phrase="hello") == (400, "is invalid", 1001, "body")
    assert 20 <= len(PHRASES) <= 30


@on_sqlite
def test_many_messages_then_the_sender_waits_and_the_other_does_not(chatting: Chatting, stopped: Any) -> None:
    for number in range(MOST_MESSAGES.hits):
        chatting.says(chatting.customer, str(number))
    assert refused(chatting, chatting.customer, "one more")[0] == 429
    chatting.says(chatting.shopper, "Please stop")
    stopped(minutes=10)
    chatting.says(chatting.customer, "Hello again")


@on_sqlite
def test_long_messages_then_their_bytes_are_limited_together(
    chatting: Chatting, stopped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "MOST_BYTES", Limit(250, 86_400))
    chatting.says(chatting.customer, "é" * 100)
    assert refused(chatting, chatting.customer, "x" * 51)[0] == 429
    chatting.says(chatting.customer, "x" * 50)
    chatting.says(chatting.shopper, "x" * 51)


def test_user_is_deleted_then_the_messages_are_gone(chatting: Chatting) -> None:
    market = chatting.market
    (row,) = market.server.sql(
        "SELECT user_id FROM orders WHERE retailer_id = $1 AND order_id = $2", market.retailer.id, chatting.order_id
    )
    chatting.says(chatting.customer, f"secret of {chatting.order_id}")
    market.post(f"{USERS}/{row['user_id']}/privacy_request", {}).raise_for_status()
    assert mentions(market.server, f"secret of {chatting.order_id}") == []
