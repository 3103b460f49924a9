"""Messages are written with the change that causes them, and are never refused."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.messages import inbound, ops, push, queries, queue
from handcart.messages.errors import MessageRefused
from handcart.messages.gateways import Result
from handcart.messages.models import (
    EXPIRED,
    FAILED,
    MAIL,
    PENDING,
    PUSH,
    SENT,
    SMS,
    SUPPRESSED,
    UNSURE,
    Letter,
)
from tests.messages.test_push import AUTH, POINT
from tests.messages.test_routes import accept
from tests.support.contents import contents, mentions, nothing_written
from tests.support.gateways import Remembering, drain
from tests.support.letters import letter, read, write
from tests.support.server import LiveServer, on_sqlite


def test_letter_written_then_it_waits_and_can_be_read(server: LiveServer) -> None:
    wanted = letter(SMS, retailer_id=7, order_id="ORD-1", recipient="order/7/ORD-1", url="https://a.example/o/1")
    message = read(server, server.write(ops.write, wanted))
    assert (message.state, message.tries, message.doubts, message.reason) == (PENDING, 0, 0, None)
    assert (message.retailer_id, message.order_id, message.address) == (7, "ORD-1", wanted.address)
    assert (message.content.subject, message.content.body) == ("Your order", "It is at your door.")
    assert message.expires_at - message.due_at == ops.WORTH[SMS]


def test_two_letters_then_the_newest_is_listed_first(server: LiveServer) -> None:
    first, second = (write(server, recipient="order/8/ORD-2", retailer_id=8) for _ in range(2))
    other = write(server, recipient="order/9/ORD-2", retailer_id=9)
    listed = server.read(queries.messages, retailer_id=8)
    assert [one.id for one in listed] == [second, first]
    assert [one.id for one in server.read(queries.messages, recipient="order/9/ORD-2")] == [other]
    assert [one.id for one in server.read(queries.messages, retailer_id=8, before=second, limit=1)] == [first]
    assert server.read(queries.messages, retailer_id=8, state=SENT) == []
    assert server.read(queries.message, 1) is None


def test_cause_is_rolled_back_then_there_is_no_message(server: LiveServer) -> None:
    async def fail(tx: Tx) -> None:
        await ops.write(tx, letter())
        raise RuntimeError

    with nothing_written(server), pytest.raises(RuntimeError):
        server.write(fail)


def test_letter_written_then_no_row_shows_address_and_content(server: LiveServer) -> None:
    write(server, address="zoe.secret@example.com", body="https://a.example/reset/one-time", subject="Hidden words")
    assert contents(server, "messages")["messages"]
    assert mentions(server, "zoe.secret", "one-time", "Hidden words") == []


HOSTILE = {
    "line feeds in the subject": ("subject", "Hi\r\nBcc: eve@example.com", "Hi Bcc: eve@example.com"),
    "other line ends": ("subject", "Hi\u2028there\x85you\x0bnow", "Hi there you now"),
    "overrides of direction": ("subject", "a\u202egnp.exe\u2066b", "agnp.exeb"),
    "invisible characters": ("subject", "a\u200b \ufeffb\u2060\U000e0041\u00ad", "a b"),
    "control characters": ("body", "a\x00b\x1b[31mc\x7f", "ab[31mc"),
    "half a pair": ("body", "a\ud800b", "ab"),
    "line feeds in the body": ("body", "one\r\ntwo\rthree\n", "one\ntwo\nthree"),
    "HTML": ("body", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    "an emoji with joiners": ("body", "\U0001f469\u200d\U0001f373", "\U0001f469\u200d\U0001f373"),
}


@on_sqlite
def test_hostile_text_then_it_is_stored_without_what_nobody_sees(server: LiveServer) -> None:
    wrong = {}
    for name, (field, given, expected) in HOSTILE.items():
        content = read(server, write(server, **{field: given})).content
        if getattr(content, field) != expected:
            wrong[name] = getattr(content, field)
    assert wrong == {}


@on_sqlite
def test_long_text_then_it_is_cut(server: LiveServer) -> None:
    huge = "x" * 10_000_000
    for channel in (MAIL, SMS, PUSH):
        content = read(server, write(server, channel, subject=huge, body=huge)).content
        assert (len(content.subject), len(content.body)) == (ops.MOST_SUBJECT, ops.MOST_BODY[channel])


NO_ADDRESSES = {
    MAIL: [
        "",
        "nobody",
        "a@b@c",
        "a b@example.com",
        "a@example.com\r\nBcc: eve@example.com",
        "ü@example.com",
        "=?utf-8?q?a=0AB?=@example.com",
        # A mail to each of these would go to another address.
        "eve<bo@example.com",
        "eve<bo@example.com>",
        "root,bo@example.com",
        "bo@example.com,eve",
        "bo@example.com(eve",
        "eve:bo@example.com;",
        '"bo@example.com',
        "bo@[127.0.0.1]",
    ],
    SMS: ["", "911", "not a number", "1" * 40],
}


@on_sqlite
def test_no_address_then_the_message_says_so_and_nothing_fails(server: LiveServer) -> None:
    for channel, addresses in NO_ADDRESSES.items():
        for address in addresses:
            message = read(server, write(server, channel, address=address))
            assert (message.state, message.reason is None) == (FAILED, False), address
            assert message.ended_at is not None


@pytest.mark.parametrize(
    ("channel", "one", "same"),
    [(MAIL, "Bo@Example.com", "bo@example.COM"), (SMS, "(312) 555-0182", "+1 312 555 0182")],
)
def test_address_suppressed_then_no_message_to_it_waits(server: LiveServer, channel: str, one: str, same: str) -> None:
    waiting, answer = write(server, channel, address=one), write(server, channel, address=one, is_answer=True)
    assert server.write(ops.suppress, channel, same, "reply", "STOP\n please") == 1
    later = write(server, channel, address=same)
    assert [read(server, each).state for each in (waiting, answer, later)] == [SUPPRESSED, PENDING, SUPPRESSED]
    found = server.read(queries.suppression, channel, one)
    assert (found.source, found.said) == ("reply", "STOP please")
    assert server.write(ops.suppress, channel, one, "operator") == 0
    assert server.read(queries.suppression, channel, one).source == "reply"
    assert server.write(ops.unsuppress, channel, one) is True
    assert server.write(ops.unsuppress, channel, one) is False
    assert read(server, write(server, channel, address=one)).state == PENDING


def end(server: LiveServer, message_id: int, state: str) -> None:
    server.sql("UPDATE messages SET state = $2, doubts = 2, tries = 3 WHERE id = $1 RETURNING id", message_id, state)


@pytest.mark.parametrize("state", [FAILED, EXPIRED, UNSURE])
def test_unsent_message_replayed_then_it_waits_like_a_new_one(server: LiveServer, state: str, later: Any) -> None:
    message_id = write(server)
    end(server, message_id, state)
    with later(days=10):
        server.write(ops.replay, message_id)
        message = read(server, message_id)
        assert (message.state, message.tries, message.doubts) == (PENDING, 0, 0)
        assert message.expires_at > clock.of_process()


def test_message_sent_waiting_suppressed_or_unknown_then_no_replay(server: LiveServer) -> None:
    message_id, other = write(server), write(server, address="cy@example.com")
    server.write(ops.suppress, MAIL, "cy@example.com", "operator")
    with nothing_written(server):
        for wrong in (message_id, other, 1):
            with pytest.raises(MessageRefused):
                server.write(ops.replay, wrong)
    end(server, other, FAILED)
    with pytest.raises(MessageRefused, match="suppressed"):
        server.write(ops.replay, other)


def test_reply_from_a_number_then_the_messages_to_it_are_found(server: LiveServer) -> None:
    number = "+1 312 555 7788"
    first, second = (write(server, SMS, address=number, recipient=f"order/3/ORD-{each}") for each in (1, 2))
    assert [one.id for one in server.read(queries.to_number, "13125557788")] == [second, first]


def test_letter_that_may_wait_then_its_times_are_those_given(server: LiveServer) -> None:
    at = clock.of_process() + clock.HOUR
    wanted: Letter = letter(due_at=at, expires_at=at + 1)
    message = read(server, server.write(ops.write, wanted))
    assert (message.due_at, message.expires_at) == (at, at + 1)


def test_recipient_forgotten_then_nothing_is_left_but_the_suppression(server: LiveServer, gateway: Remembering) -> None:
    number, recipient = "+13125550172", "order/1/forgotten"
    sent, other = write(server, SMS, recipient=recipient, address=number), write(server)
    drain(server, gateway)
    claimed = write(server, SMS, recipient=recipient, address=number)
    ((one,), _) = server.write(queue.claim, 0, SMS, clock.of_process(), 1)
    server.write(push.subscribe, recipient, "https://push.example/forgotten", POINT, AUTH, clock.MOST)
    server.write(inbound.take_reply, "test", "forgotten", number, "I am Ana", accept)
    server.write(ops.suppress, SMS, number, "reply")
    server.write(ops.forget, recipient)
    now = clock.of_process()
    server.write(queue.record, one, "test", Result("sent"), now, now, 1)  # it was on its way
    assert [server.read(queries.message, each) for each in (sent, claimed)] == [None, None]
    assert server.read(queries.attempts, sent) == server.read(queries.attempts, claimed) == []
    assert server.read(queries.subscriptions, recipient) == []
    assert server.sql("SELECT 1 AS found FROM replies WHERE id = 'forgotten'") == []
    assert server.read(queries.suppression, SMS, number) is not None
    assert read(server, other).state == SENT
