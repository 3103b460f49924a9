"""Customers answer text messages: to end them, to decide about a replacement, to write to the shopper."""

from collections.abc import Sequence
from typing import Any

import pytest

from handcart.chat import ops as chat
from handcart.chat import queries as chats
from handcart.chat.models import SHOPPER, Said, Sender
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.messages import queries as messages
from handcart.notifications import replies
from handcart.notifications.replies import Reply
from handcart.orders import ops as orders
from handcart.orders import queries as stored
from handcart.orders import replacements
from handcart.orders.models import Order
from tests.notifications.conftest import Telling
from tests.support.orders import line
from tests.support.server import LiveServer, on_sqlite

_numbers = iter(range(2_025_550_000, 2_025_559_999))


class Texting:
    """A customer with a number of their own, whose order is being picked."""

    def __init__(self, telling: Telling, **fields: Any) -> None:
        self.telling, self.server = telling, telling.server
        self.number = f"+1{next(_numbers)}"
        self.retailer_id = telling.market.retailer.id
        self.shopper = telling.shopping.shopper(first_name="Ana", last_name="Diaz")
        self.order_id = self.order(**fields)

    def order(self, **fields: Any) -> str:
        opted_in = {"user": {"phone_number": self.number, "sms_opt_in": True}}
        return self.telling.order(**{**opted_in, **fields})

    def pick(self, order_id: str | None = None) -> int:
        """Begin to pick an order; returns the id of its batch."""
        made = self.telling.shopping.generate(self.shopper, order_id or self.order_id)
        batch_id: int = made.json()["id"]
        self.telling.shopping.reach(batch_id, "picking")
        return batch_id

    def replace(self, line_num: str, rrc: str, order_id: str | None = None) -> None:
        answer = self.telling.shopping.item(
            self.shopper, order_id or self.order_id, line_num, replacement_item={"rrc": rrc}, status="replaced", count=1
        )
        assert answer.status_code == 200, answer.text
        self.telling.tell()

    def says(self, text: str) -> str:
        reply = Reply(self.number, text, "Handcart", self.retailer_id)
        outcome: str = self.server.write(at_its_time, self.telling.virtual, reply)
        self.telling.tell()
        return outcome

    @property
    def got(self) -> Sequence[str]:
        """The texts to the number, the newest first."""
        return [one.content.body for one in self.server.read(messages.to_number, self.number)]

    def lines(self, order_id: str | None = None) -> list[tuple[str, str | None]]:
        order = self.server.read(stored.find, self.retailer_id, order_id or self.order_id)
        return [(one.status, one.replacement_status) for one in order.lines]


async def at_its_time(tx: Tx, virtual: VirtualClock, reply: Reply) -> str:
    with clock.using(virtual):
        return await replies.read(tx, reply)


@pytest.fixture
def texting(telling: Telling) -> Texting:
    return Texting(telling, items=[line("1", "milk"), line("2", "bread"), line("3", "soap")])


def test_one_replacement_waits_then_one_letter_answers_it(texting: Texting) -> None:
    texting.pick()
    texting.replace("1", "bread")
    assert "Bread instead of Milk. Reply Y to take it, N to get a refund. Or see http" in texting.got[0]
    assert texting.says(" y. ") == "answered"
    assert texting.lines()[0] == ("replaced", "APPROVED")
    assert texting.got[0] == "Sample Market: thanks, you get Bread."
    assert texting.says("N") == "late"
    assert texting.got[0].startswith("Sample Market: sorry, it is too late to answer this.")
    assert texting.lines()[0] == ("replaced", "APPROVED")


@on_sqlite
def test_shopper_waits_for_an_answer_then_one_reminder_which_is_answered(texting: Texting) -> None:
    batch_id = texting.pick()
    texting.replace("1", "bread")
    texting.telling.shopping.reach(batch_id, "verifying_replacements")
    asked = len(texting.got)
    texting.telling.forward(minutes=1)
    texting.telling.tell()
    assert len(texting.got) == asked
    texting.telling.forward(minutes=5)
    texting.telling.tell()
    assert len(texting.got) == asked + 1
    assert "is waiting for your answer: Bread instead of Milk. Reply Y to take it" in texting.got[0]
    assert texting.says("Y") == "answered"
    assert texting.lines()[0] == ("replaced", "APPROVED")


@on_sqlite
def test_replacement_is_answered_in_time_then_no_reminder(texting: Texting) -> None:
    batch_id = texting.pick()
    texting.replace("1", "bread")
    texting.telling.shopping.reach(batch_id, "verifying_replacements")
    assert texting.says("Y") == "answered"
    texting.telling.forward(minutes=5)
    texting.telling.tell()
    assert not any("is waiting for your answer" in one for one in texting.got)


def test_replacement_is_refused_then_the_line_is_refunded(texting: Texting) -> None:
    texting.pick()
    texting.replace("1", "bread")
    assert texting.says("No") == "answered"
    assert texting.lines()[0] == ("to_refund", "REJECTED")
    assert "you do not get this and do not pay for it: Milk." in texting.got[0]


def test_several_wait_then_they_are_numbered_and_numbers_stay(texting: Texting) -> None:
    texting.pick()
    texting.replace("2", "milk")
    texting.replace("3", "bread")
    assert "2) Milk instead of Bread; 3) Bread instead of Soap. Reply with the number" in texting.got[0]
    for unclear in ("Y", "5Y", "?", "2"):
        assert texting.says(unclear) == "unclear", unclear
        assert "we did not understand. 2) Milk instead of Bread; 3)" in texting.got[0]
    assert texting.says("2Y") == "answered"
    assert texting.says("3n") == "answered"
    assert texting.lines()[1:] == [("replaced", "APPROVED"), ("to_refund", "REJECTED")]


def test_two_are_answered_in_one_text_then_both_are_answered(texting: Texting) -> None:
    texting.pick()
    texting.replace("2", "milk")
    texting.replace("3", "bread")
    assert texting.says("3Y, 2 No") == "answered"
    assert texting.lines()[1:] == [("to_refund", "REJECTED"), ("replaced", "APPROVED")]


def test_newer_proposal_is_not_told_yet_then_an_answer_is_unclear(texting: Texting) -> None:
    texting.pick()
    texting.replace("1", "bread")
    texting.telling.forward(minutes=1)
    texting.telling.shopping.item(
        texting.shopper, texting.order_id, "1", replacement_item={"rrc": "soap"}, status="replaced"
    )
    assert texting.says("Y") == "unclear"
    assert texting.lines()[0] == ("replaced", "PENDING")


@on_sqlite
def test_answers_in_other_languages_then_their_letters_count(telling: Telling) -> None:
    for locale, yes, no in (("fr-CA", "O", "N"), ("es-US", "S", "no")):
        texting = Texting(telling, items=[line("1", "milk"), line("2", "soap")], locale=locale)
        texting.pick()
        texting.replace("1", "bread")
        assert f" {yes} " in texting.got[0] or locale == "es-US"
        assert texting.says(yes) == "answered", locale
        texting.replace("2", "bread")
        assert texting.says(no) == "answered", locale
        assert [answer for _, answer in texting.lines()] == ["APPROVED", "REJECTED"]


def test_number_with_three_orders_says_stop_then_all_texts_end(texting: Texting) -> None:
    others = [texting.order() for _ in range(2)]
    texting.telling.tell()
    assert len(texting.got) == 3
    assert texting.says("Stop!") == "stopped"
    assert texting.got[0] == "Handcart: you get no more texts. Reply START to get them again."
    for order_id in (texting.order_id, *others):
        texting.telling.shopping.complete(order_id, "delivery")
    texting.telling.tell()
    assert len(texting.got) == 4
    assert texting.says("STOP") == "stopped"
    assert len(texting.got) == 4
    assert texting.says("start") == "started"
    texting.order()
    texting.telling.tell()
    assert len(texting.got) == 6


@pytest.mark.parametrize(
    ("text", "outcome", "answer"),
    [
        ("HELP", "helped", "For help with an order"),
        (" info ", "informed", "no advertising"),
        ("Cancel", "stopped", "no more texts"),
    ],
)
@on_sqlite
def test_keywords_then_they_are_answered(texting: Texting, text: str, outcome: str, answer: str) -> None:
    texting.telling.tell()
    assert texting.says(text) == outcome
    assert answer in texting.got[0]


@on_sqlite
def test_number_that_got_nothing_then_only_keywords_are_answered(telling: Telling) -> None:
    texting = Texting(telling)
    texting.number = "+12025559999"
    assert texting.says("hello") == "unknown"
    assert texting.says("Y") == "unknown"
    assert list(texting.got) == []
    assert texting.says("HELP") == "helped"
    assert len(texting.got) == 1


def test_words_while_the_chat_is_open_then_the_shopper_gets_them(texting: Texting) -> None:
    texting.telling.tell()
    assert texting.says("Are you there?") == "unread"
    assert texting.got[0].startswith("Sample Market: sorry, nobody can read your message")
    texting.pick()
    assert texting.says("Brown eggs\u202e please\x00, or none") == "said"
    order = texting.server.read(stored.find, texting.retailer_id, texting.order_id)
    (said,) = texting.server.read(chats.all_messages, texting.retailer_id, texting.order_id)
    assert (said.sender, said.body) == ("customer", "Brown eggs please, or none")
    assert order.status == "picking"


def test_shopper_writes_then_the_customer_gets_a_text(texting: Texting) -> None:
    texting.pick()
    texting.server.write(shopper_says, texting, texting.telling.virtual, Said(body="No oat <b>milk</b>.\nAnother one?"))
    texting.server.write(shopper_says, texting, texting.telling.virtual, Said(phrase="at_checkout"))
    texting.telling.tell()
    assert "your shopper writes: No oat <b>milk</b>. Another one? - Reply, or answer here: http" in texting.got[1]
    assert "your shopper writes:" in texting.got[0]


async def shopper_says(tx: Tx, texting: Texting, virtual: VirtualClock, said: Said) -> None:
    with clock.using(virtual):
        order = await orders.lock(tx, texting.retailer_id, texting.order_id)
        await chat.say(tx, texting.retailer_id, order, Sender(SHOPPER), said)


@on_sqlite
def test_machine_answers_for_ever_then_it_gets_no_more_answers(texting: Texting, stopped: Any) -> None:
    texting.telling.tell()
    said = [texting.says("HELP") for _ in range(replies.MOST_ANSWERS.hits + 2)]
    assert said == ["helped"] * replies.MOST_ANSWERS.hits + ["limited"] * 2
    assert texting.says("STOP") == "stopped"


@on_sqlite
def test_long_text_then_the_shopper_gets_what_a_message_holds(texting: Texting) -> None:
    texting.pick()
    texting.telling.tell()
    assert texting.says("eggs " * 5000) == "said"
    (said,) = texting.server.read(chats.all_messages, texting.retailer_id, texting.order_id)
    assert len(said.body or "") <= 1000


def test_order_has_another_number_by_now_then_the_old_one_decides_nothing(texting: Texting) -> None:
    texting.telling.tell()
    new, market = f"+1{next(_numbers)}", texting.telling.market
    user_id = texting.server.read(stored.find, texting.retailer_id, texting.order_id).user_id
    changed = market.put(market.path(user_id, texting.order_id), {"user": {"phone_number": new, "sms_opt_in": True}})
    assert changed.status_code == 200, changed.text
    texting.pick()
    texting.replace("1", "bread")
    assert len(texting.got) == 1
    assert texting.says("Y") == "unknown"
    assert texting.says("What do you bring me?") == "unknown"
    assert texting.lines()[0] == ("replaced", "PENDING")
    texting.number = new
    assert texting.says("Y") == "answered"


def test_two_orders_wait_then_a_letter_answers_the_one_asked_last(texting: Texting) -> None:
    other = texting.order(items=[line("1", "milk"), line("2", "bread"), line("3", "soap")])
    texting.pick()
    shopper = texting.telling.shopping.shopper(first_name="Bo", last_name="Diaz")
    texting.replace("1", "bread")
    texting.shopper = shopper
    texting.pick(other)
    texting.telling.forward(minutes=1)
    texting.replace("1", "soap", other)
    texting.server.write(shopper_says, texting, texting.telling.virtual, Said(body="Hello"))
    texting.telling.tell()
    assert "your shopper writes: Hello" in texting.got[0]
    assert texting.says("N") == "answered"
    assert texting.lines(other)[0] == ("to_refund", "REJECTED")
    assert texting.lines()[0] == ("replaced", "PENDING")
    assert texting.says("Y") == "answered"
    assert texting.lines()[0] == ("replaced", "APPROVED")


@on_sqlite
def test_page_answers_first_at_the_same_moment_then_the_reply_is_late(
    texting: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    texting.pick()
    texting.replace("1", "bread")
    lock = orders.lock

    async def lock_after_the_page(tx: Tx, retailer_id: int, order_id: str) -> Order:
        await replacements.answer(tx, retailer_id, await lock(tx, retailer_id, order_id), "1", approved=True)
        return await lock(tx, retailer_id, order_id)

    monkeypatch.setattr(orders, "lock", lock_after_the_page)
    assert texting.says("N") == "late"
    assert texting.lines()[0] == ("replaced", "APPROVED")


@on_sqlite
def test_reply_is_for_another_retailer_then_it_changes_nothing(server: LiveServer, texting: Texting) -> None:
    texting.pick()
    texting.replace("1", "bread")
    texting.retailer_id = Telling(server).market.retailer.id
    assert texting.says("Y") == "unknown"
