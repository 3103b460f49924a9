"""Messages are sent in their order, again after failures, and at most twice after interruptions."""

import asyncio
import io
import re
from typing import Any

import pytest

from handcart.core import clock, log
from handcart.core.budget import Crowded
from handcart.messages import ops, queries, queue
from handcart.messages import sender as sender_module
from handcart.messages.gateways import DOUBTFUL, REFUSED, UNWANTED, Parcel, Result
from handcart.messages.gateways import FAILED as TRY_AGAIN
from handcart.messages.gateways.nothing import Log
from handcart.messages.models import (
    EXPIRED,
    FAILED,
    KEPT,
    MAIL,
    PENDING,
    PUSH,
    SENDING,
    SENT,
    SMS,
    SUPPRESSED,
    UNSURE,
)
from handcart.messages.sender import Sender
from tests.support.gateways import Remembering, drain
from tests.support.letters import letter, read, write
from tests.support.server import LiveServer, on_sqlite

NO = Result(TRY_AGAIN, "the server is busy")
PERHAPS = Result(DOUBTFUL, "timeout")


def outcomes(server: LiveServer, message_id: int) -> list[str]:
    return [one.outcome for one in server.read(queries.attempts, message_id)]


def test_message_due_then_it_is_sent_with_an_attempt(server: LiveServer, gateway: Remembering) -> None:
    message_id = write(server, SMS, address="+1 312 555 0001")
    later = write(server, due_at=clock.of_process() + clock.HOUR)
    drain(server, gateway)
    message = read(server, message_id)
    assert (message.state, message.reason, message.ended_at is None) == (SENT, None, False)
    (attempt,) = server.read(queries.attempts, message_id)
    assert (attempt.number, attempt.gateway, attempt.outcome, attempt.detail) == (1, "test", "sent", None)
    (parcel,) = gateway.parcels
    assert (parcel.address, parcel.content.body) == ("13125550001", "It is at your door.")
    assert read(server, later).state == PENDING


def test_messages_to_one_recipient_then_sent_one_after_the_other(server: LiveServer, gateway: Remembering) -> None:
    made = [write(server, recipient=f"order/1/{number % 3}") for number in range(12)]
    drain(server, gateway)
    for number in range(3):
        wanted = made[number::3]
        assert [one for one in gateway.ids if one in wanted] == wanted


def test_sending_fails_then_tried_again_later_and_later_ones_wait(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    first, second = (write(server, recipient="order/1/retry") for _ in range(2))
    other = write(server, SMS, recipient="order/1/retry")
    gateway.answers[first] = [NO, NO]
    drain(server, gateway)
    assert gateway.ids == [first, other]
    message = read(server, first)
    assert (message.state, message.tries) == (PENDING, 1)
    with later(seconds=40):
        drain(server, gateway)
    assert gateway.ids == [first, other, first]
    with later(seconds=70):  # the first waits for minutes now
        drain(server, gateway)
    assert gateway.ids == [first, other, first, second]
    with later(minutes=5):
        drain(server, gateway)
    assert (gateway.ids[-1], read(server, first).state) == (first, SENT)
    assert outcomes(server, first) == ["failed", "failed", "sent"]


def test_sending_always_fails_then_it_expires_with_the_last_reason(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    short = write(server, SMS, expires_at=clock.of_process() + 20 * clock.SECOND)
    long = write(server, MAIL, expires_at=clock.MOST)
    gateway.answers = {short: [NO] * 50, long: [NO] * 50}
    for hours in range(0, 24 * 20, 6):
        with later(hours=hours):
            drain(server, gateway)
    assert (read(server, short).state, read(server, short).reason) == (EXPIRED, "the server is busy")
    assert (read(server, long).state, read(server, long).reason) == (FAILED, "the server is busy")
    assert gateway.ids.count(long) == len(queue.WAITS) + 1


def test_sent_too_late_then_it_expires_untried(server: LiveServer, gateway: Remembering, later: Any) -> None:
    message_id = write(server, PUSH, address="1")
    with later(hours=5):
        drain(server, gateway)
    assert (read(server, message_id).state, gateway.ids) == (EXPIRED, [])


def test_gateway_refuses_then_it_failed_and_is_not_tried_again(server: LiveServer, gateway: Remembering) -> None:
    message_id = write(server, SMS, address="+1 (312) 555-0121")
    gateway.answers[message_id] = [Result(REFUSED, "the 'To' number 13125550121 is\r\nnot valid\u202e")]
    drain(server, gateway)
    message = read(server, message_id)
    assert (message.state, message.reason) == (FAILED, "the 'To' number *** is not valid")
    server.write(ops.replay, message_id)
    drain(server, gateway)
    assert (read(server, message_id).state, outcomes(server, message_id)) == (SENT, ["failed", "sent"])


def test_gateway_says_unwanted_then_the_address_is_suppressed(server: LiveServer, gateway: Remembering) -> None:
    first, second = (write(server, SMS, address="+1 312 555 0177", recipient=f"order/2/{n}") for n in range(2))
    gateway.answers[first] = [Result(UNWANTED, "21610: unsubscribed")]
    drain(server, gateway)
    assert read(server, first).state == SUPPRESSED
    assert read(server, second).state in (SUPPRESSED, SENT)  # it may have been on its way
    found = server.read(queries.suppression, SMS, "+13125550177")
    assert (found.source, found.said) == ("gateway", "21610: unsubscribed")
    assert read(server, write(server, SMS, address="(312) 555-0177")).state == SUPPRESSED


def test_suppressed_after_writing_then_not_sent_but_the_answer_is(server: LiveServer, gateway: Remembering) -> None:
    plain, answer = (write(server, SMS, address="+13125550166", is_answer=each) for each in (False, True))
    server.sql(  # as by a transaction that committed after both were written
        "INSERT INTO suppressions (channel, address_hash, source, at)"
        " SELECT channel, address_hash, 'reply', 1 FROM messages WHERE id = $1 RETURNING channel",
        plain,
    )
    drain(server, gateway)
    assert (read(server, plain).state, read(server, answer).state) == (SUPPRESSED, SENT)
    assert gateway.ids == [answer]


def claim_all(server: LiveServer) -> list[queue.Claimed]:
    found: list[queue.Claimed] = []
    for one in server.read(queue.due):
        found += server.write(queue.claim, one.retailer_id, one.channel, clock.of_process(), 100)[0]
    return found


def test_process_dies_while_sending_then_sent_once_more_and_no_third_time(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    first, second = (write(server, recipient="order/1/kill") for _ in range(2))
    assert [one.parcel.id for one in claim_all(server)] == [first]  # and the process ends
    drain(server, gateway)
    assert (gateway.ids, read(server, first).state) == ([], SENDING)
    with later(minutes=3):
        assert server.write(queue.release_expired) == 1
        assert [one.parcel.id for one in claim_all(server)] == [first]
    with later(minutes=6):
        drain(server, gateway)
    message = read(server, first)
    assert (message.state, message.doubts) == (UNSURE, 2)
    assert "interrupted twice" in str(message.reason)
    assert outcomes(server, first) == ["interrupted", "interrupted"]
    assert gateway.ids == [second]
    server.write(ops.replay, first)
    drain(server, gateway)
    assert gateway.ids == [second, first]


def test_interrupted_once_then_sent_before_later_ones(server: LiveServer, gateway: Remembering, later: Any) -> None:
    made = [write(server, recipient="order/1/once") for _ in range(3)]
    claim_all(server)
    with later(minutes=3):
        drain(server, gateway)
    assert gateway.ids == made
    assert [read(server, one).state for one in made] == [SENT] * 3


def test_gateway_may_have_sent_it_then_sent_once_more_and_no_third_time(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    message_id = write(server)
    gateway.answers[message_id] = [NO, PERHAPS, NO, PERHAPS, PERHAPS]
    for minutes in (0, 10, 30, 90, 180):
        with later(minutes=minutes):
            drain(server, gateway)
    message = read(server, message_id)
    assert (message.state, message.reason) == (UNSURE, "timeout")
    assert outcomes(server, message_id) == ["failed", "doubtful", "failed", "doubtful"]


def test_result_comes_after_the_lease_then_it_is_not_sent_again(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    message_id, failing = write(server), write(server)
    claimed = {one.parcel.id: one for one in claim_all(server)}
    with later(minutes=3):
        server.write(queue.release_expired)
        now = clock.of_process()
        server.write(queue.record, claimed[message_id], "test", Result(SENT), now, now, 1)
        server.write(queue.record, claimed[failing], "test", NO, now, now, 1)
        assert (read(server, message_id).state, read(server, failing).state) == (SENT, PENDING)
        drain(server, gateway)
    assert gateway.ids == [failing]


@on_sqlite
def test_gateway_hangs_or_breaks_then_the_message_may_have_been_sent(
    server: LiveServer, gateway: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaking(Remembering):
        async def send(self, parcel: Parcel) -> Result:
            raise RuntimeError(parcel.address)

    monkeypatch.setattr(sender_module, "SEND_SECONDS", 0.01)
    hanging = write(server)
    gateway.hold = asyncio.Event()
    drain(server, gateway)
    assert (read(server, hanging).doubts, outcomes(server, hanging)) == (1, ["doubtful"])
    broken = write(server)
    drain(server, Breaking())
    (attempt,) = server.read(queries.attempts, broken)
    assert (attempt.outcome, attempt.detail) == ("doubtful", "a defect of this server: RuntimeError")


@on_sqlite
def test_server_has_no_descriptor_then_the_message_waits_untried(server: LiveServer, gateway: Remembering) -> None:
    class Full(Remembering):
        async def send(self, parcel: Parcel) -> Result:
            raise Crowded("no descriptor")

    message_id = write(server)
    drain(server, Full())
    message = read(server, message_id)
    assert (message.state, message.tries, message.doubts) == (PENDING, 0, 0)
    assert outcomes(server, message_id) == []


@on_sqlite
def test_thousands_of_one_retailer_then_anothers_message_is_sent_soon(server: LiveServer, gateway: Remembering) -> None:
    async def many(tx: Any) -> None:
        for number in range(1000):
            await ops.write(tx, letter(retailer_id=5, recipient=f"order/5/{number}"))

    server.write(many)
    one = write(server, retailer_id=6, recipient="order/6/1")
    drain(server, gateway)
    assert gateway.ids.index(one) <= sender_module.OF_RETAILER
    assert len(gateway.ids) == 1001


def test_two_senders_then_each_message_is_sent_once_and_in_order(server: LiveServer, gateway: Remembering) -> None:
    made = [write(server, recipient=f"order/7/{number % 10}", retailer_id=number % 2) for number in range(100)]

    async def both() -> None:
        senders = [Sender(dict.fromkeys((MAIL, SMS, PUSH), gateway)) for _ in range(2)]
        await asyncio.gather(*(one.drain(server.app.database) for one in senders))

    server.wait_for(both())
    while any(read(server, one).state != SENT for one in made):
        drain(server, gateway)
    assert sorted(gateway.ids) == sorted(made)
    for number in range(10):
        assert [one for one in gateway.ids if one in made[number::10]] == made[number::10]


def test_server_keeps_messages_then_they_are_kept_by_the_retailers_clock(
    server: LiveServer, gateway: Remembering
) -> None:
    async def clocks(tx: Any) -> dict[int, clock.VirtualClock]:
        return {31: clock.VirtualClock(offset=2 * clock.DAY)}

    tomorrow = clock.of_process() + clock.DAY
    made = [
        write(server, channel, retailer_id=retailer_id, due_at=tomorrow, expires_at=tomorrow + 1)
        for retailer_id, channel in ((31, MAIL), (31, PUSH), (32, MAIL))
    ]
    server.wait_for(Sender(None, clocks=clocks).drain(server.app.database))
    assert [read(server, one).state for one in made] == [KEPT, KEPT, PENDING]
    assert outcomes(server, made[0]) == []


def test_sender_opened_then_it_sends_until_it_is_closed(server: LiveServer, gateway: Remembering) -> None:
    one = Sender(dict.fromkeys((MAIL, SMS, PUSH), gateway))
    server.wait_for(one.open(server.app.database))
    message_id = write(server)

    server.wait_for(asyncio.wait_for(gateway.has_sent.wait(), 60))
    server.wait_for(one.close())
    assert read(server, message_id).state == SENT


def test_retry_is_due_while_a_later_one_is_sent_then_it_waits_for_it(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    first, second = (write(server, recipient="order/1/both") for _ in range(2))
    gateway.answers[first] = [NO, NO]
    drain(server, gateway)
    with later(seconds=40):
        drain(server, gateway)
    with later(seconds=70):
        assert [one.parcel.id for one in claim_all(server)] == [second]
    with later(minutes=3):
        assert claim_all(server) == []


@on_sqlite
def test_messages_sent_refused_and_broken_then_no_log_line_has_the_person(
    server: LiveServer, gateway: Remembering
) -> None:
    class Breaking(Remembering):
        async def send(self, parcel: Parcel) -> Result:
            raise ValueError(f"{parcel.address} {parcel.content.body}")

    stream = io.StringIO()
    log.to(stream)
    try:
        fields = {"address": "Private.Person@example.com", "body": "one-time-link"}
        refused, sent = (write(server, **fields) for _ in range(2))
        gateway.answers[refused] = [Result(REFUSED, "550 <PRIVATE.person@example.com> unknown")]
        drain(server, gateway)
        drain(server, Log())
        broken = write(server, **fields)
        drain(server, Breaking())
    finally:
        log.flush()
        log.to(None)
    assert "message met a defect" in stream.getvalue()
    assert re.search("private|one-time-link", stream.getvalue(), re.IGNORECASE) is None
    assert read(server, refused).reason == "550 <***> unknown"
    details = [one.detail for each in (refused, sent, broken) for one in server.read(queries.attempts, each)]
    assert re.search("private|one-time-link", str(details), re.IGNORECASE) is None


def test_empty_address_of_a_push_then_the_reason_is_kept(server: LiveServer, gateway: Remembering) -> None:
    message_id = write(server, PUSH, address="")
    drain(server, gateway)
    assert read(server, message_id).reason == "the browser's subscription has ended"
