"""Gateways report replies and deliveries: only signed reports count, and each counts once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.messages import inbound, ops, queries
from handcart.messages.gateways import twilio, vonage
from handcart.messages.models import FAILED, PENDING, SENDING, SENT, SMS, UNSURE
from tests.support.contents import mentions, nothing_written
from tests.support.extent import DATABASES
from tests.support.letters import read, write
from tests.support.server import LiveServer, live_server, migrated_database

TOKEN = "the auth token"
SIGNING = "the signature secret"
NUMBER = "+13125550123"


def server_for(request: pytest.FixtureRequest, directory: Path, kind: str, **settings: Any) -> Any:
    if kind == "sqlite":
        url = f"sqlite:///{directory}/handcart.db"
    else:
        url = migrated_database(request.getfixturevalue("postgres_cluster"))
    return live_server(url, directory, **settings)


@pytest.fixture(scope="module", params=DATABASES)
def twilios(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    directory = tmp_path_factory.mktemp("twilio")
    with server_for(request, directory, request.param, sms_gateway="twilio", sms_secret=TOKEN) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def vonages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    directory = tmp_path_factory.mktemp("vonage")
    with server_for(request, directory, request.param, sms_gateway="vonage", sms_signature_secret=SIGNING) as running:
        yield running


def by_twilio(server: LiveServer, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    signed = twilio.signature(TOKEN, server.url + path, fields.items())
    given = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signed, **headers}
    return server.http().post(path, content=urlencode(fields), headers=given)


def vonage_fields(**fields: Any) -> dict[str, Any]:
    made = {"timestamp": str(clock.of_process() // clock.SECOND), "nonce": "n", **fields}
    return {**made, "sig": vonage.signature(SIGNING, made)}


def replies(server: LiveServer, gateway: str) -> list[tuple[str, str]]:
    rows = server.sql("SELECT id, outcome FROM replies WHERE gateway = $1 ORDER BY received_at", gateway)
    return [(row["id"], row["outcome"]) for row in rows]


def test_stop_by_twilio_then_the_number_gets_no_more_messages(twilios: LiveServer) -> None:
    fields = {"MessageSid": "SM1", "From": NUMBER, "To": "+18005550100", "Body": "Stop"}
    first = by_twilio(twilios, "/gateways/twilio/replies", fields)
    assert (first.status_code, first.text) == (200, "<Response/>")
    assert replies(twilios, "twilio") == [("SM1", "stopped")]
    found = twilios.read(queries.suppression, SMS, NUMBER)
    assert (found.source, found.said) == ("reply", "Stop")
    with nothing_written(twilios):
        assert by_twilio(twilios, "/gateways/twilio/replies", fields).status_code == 200
    assert mentions(twilios, NUMBER, "3125550123") == []


def test_reply_by_vonage_as_form_and_json_then_each_counts_once(vonages: LiveServer) -> None:
    fields = vonage_fields(msisdn="13125550124", to="18005550100", messageId="0A1", text="STOP", type="text")
    http, path = vonages.http(), "/gateways/vonage/replies"
    assert http.post(path, json=fields).status_code == 204
    with nothing_written(vonages):
        assert http.post(path, data=fields).status_code == 204
    other = vonage_fields(msisdn="13125550125", messageId="0A2", text="a&b=c é")
    assert http.post(path, data=other).status_code == 204
    assert replies(vonages, "vonage") == [("0A1", "stopped"), ("0A2", "unknown")]


def test_stop_from_ten_digits_of_norway_then_nobody_in_the_us_is_stopped(vonages: LiveServer) -> None:
    fields = vonage_fields(msisdn="4721345678", messageId="0N1", text="STOP")
    assert vonages.http().post("/gateways/vonage/replies", json=fields).status_code == 204
    assert vonages.read(queries.suppression, SMS, "+4721345678") is not None
    assert vonages.read(queries.suppression, SMS, "+14721345678") is None


def test_unsigned_or_changed_report_then_refused_and_nothing_changes(twilios: LiveServer, vonages: LiveServer) -> None:
    fields = {"MessageSid": "SM9", "From": NUMBER, "Body": "STOP"}
    path = "/gateways/twilio/replies"
    good = twilio.signature(TOKEN, twilios.url + path, fields.items())
    with nothing_written(twilios):
        for signature in ("", "x", good[:-2], twilio.signature("other", twilios.url + path, fields.items())):
            assert by_twilio(twilios, path, fields, **{"x-twilio-signature": signature}).status_code == 403
        changed = {**fields, "Body": "START"}
        assert by_twilio(twilios, path, changed, **{"x-twilio-signature": good}).status_code == 403
        assert by_twilio(twilios, path + "?a=b", fields, **{"x-twilio-signature": good}).status_code == 403
        assert twilios.http().post("/gateways/vonage/replies", json=vonage_fields()).status_code == 404
    with nothing_written(vonages):
        fresh = vonage_fields(msisdn="13125550126", messageId="0B1", text="STOP")
        old = str((clock.of_process() - 26 * clock.HOUR) // clock.SECOND)
        future = str((clock.of_process() + clock.HOUR) // clock.SECOND)
        wrong = [
            {**fresh, "text": "START"},
            {**fresh, "sig": ""},
            {**fresh, "sig": None},
            {**fresh, "extra": "1"},
            {name: value for name, value in fresh.items() if name != "sig"},
            vonage_fields(timestamp=old, messageId="0B2"),
            vonage_fields(timestamp=future, messageId="0B3"),
            vonage_fields(timestamp="", messageId="0B4"),
            vonage_fields(timestamp="9" * 40, messageId="0B5"),
        ]
        http = vonages.http()
        found = [http.post("/gateways/vonage/replies", json=one).status_code for one in wrong]
        assert found == [403] * len(wrong)
        for body in (b"", b"[]", b"{", b"[" * 5000, b"\xff\xfe", b'{"sig": {"a": 1}}'):
            headers = {"content-type": "application/json"}
            assert http.post("/gateways/vonage/replies", content=body, headers=headers).status_code == 403
        huge = b"x" * 10_000_000
        assert http.post("/gateways/vonage/replies", content=huge).status_code == 413


def test_receipts_come_twice_and_in_any_order_then_delivered_stays(twilios: LiveServer) -> None:
    message_id = write(twilios, SMS)
    twilios.sql("UPDATE messages SET state = 'sent', ended_at = 1 WHERE id = $1 RETURNING id", message_id)
    path = f"/gateways/twilio/receipts?message={message_id}"
    for status in ("queued", "delivered", "delivered", "sent", "undelivered", "dreaming"):
        fields = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": "30003"}
        assert by_twilio(twilios, path, fields).status_code == 204
        message = read(twilios, message_id)
        assert (message.state, message.receipt) == (SENT, None if status == "queued" else "delivered")


def test_receipt_says_not_delivered_then_the_message_failed(vonages: LiveServer) -> None:
    message_id = write(vonages, SMS)
    vonages.sql("UPDATE messages SET state = 'sent', ended_at = 1 WHERE id = $1 RETURNING id", message_id)
    fields = vonage_fields(**{"client-ref": str(message_id), "status": "rejected", "err-code": "6"})
    assert vonages.http().post("/gateways/vonage/receipts", json=fields).status_code == 204
    message = read(vonages, message_id)
    assert (message.state, message.reason) == (FAILED, "the gateway reports: rejected 6")
    vonages.write(ops.replay, message_id)
    with nothing_written(vonages):  # the receipt is about what was sent before
        vonages.http().post("/gateways/vonage/receipts", json=fields)
    assert read(vonages, message_id).state == PENDING


@pytest.mark.parametrize(("state", "doubts"), [(SENDING, 0), (UNSURE, 2), (PENDING, 1)])
def test_receipt_of_a_message_in_doubt_then_it_was_sent(twilios: LiveServer, state: str, doubts: int) -> None:
    message_id = write(twilios, SMS)
    twilios.sql("UPDATE messages SET state = $2, doubts = $3 WHERE id = $1 RETURNING id", message_id, state, doubts)
    path = f"/gateways/twilio/receipts?message={message_id}"
    assert by_twilio(twilios, path, {"MessageStatus": "sent"}).status_code == 204
    assert (read(twilios, message_id).state, read(twilios, message_id).receipt) == (SENT, None)


def test_receipt_of_an_unknown_or_unsent_message_then_nothing_changes(twilios: LiveServer) -> None:
    waiting = write(twilios, SMS)
    mail = write(twilios)
    with nothing_written(twilios):
        for message in (str(waiting), str(mail), "1", "x", "9" * 30, ""):
            path = f"/gateways/twilio/receipts?message={message}"
            assert by_twilio(twilios, path, {"MessageStatus": "delivered"}).status_code == 204


async def fail(tx: Tx, number: str, text: str) -> str:
    await ops.suppress(tx, SMS, number, "reply", text)
    raise RuntimeError


async def accept(tx: Tx, number: str, text: str) -> str:
    return f"{number} said {text}"


def test_reader_of_replies_fails_then_the_reply_is_kept(server: LiveServer) -> None:
    given = ("test", "R1", "+13125550140", "hello")
    assert server.write(inbound.take_reply, *given, fail) == "failed"
    assert server.read(queries.suppression, SMS, "+13125550140") is None
    assert server.write(inbound.take_reply, *given, accept) == "repeated"
    assert replies(server, "test") == [("R1", "failed")]


def test_reply_of_any_form_then_it_is_stored_safely(server: LiveServer) -> None:
    long = "x" * 100_000
    assert server.write(inbound.take_reply, "test2", long, "+13125550141", f"a\u202e\0{long}", accept).endswith("xxx")
    assert server.write(inbound.take_reply, "test2", long, "+13125550141", "again", accept) == "repeated"
    assert server.write(inbound.take_reply, "test2", "", "whatsapp:nobody", "hi", accept) == "not a number"
    assert [len(one) for one, _ in replies(server, "test2")] == [64, 64]
