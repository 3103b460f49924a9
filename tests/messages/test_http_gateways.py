"""Gateways that are asked by HTTP: the request they get, and how strictly their answers are read."""

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from py_vapid import Vapid02

from handcart.core.outbound.client import UrlRules
from handcart.messages import push
from handcart.messages.gateways import (
    DOUBTFUL,
    FAILED,
    REFUSED,
    SENT,
    UNWANTED,
    Gateway,
    Parcel,
    Result,
    http,
    twilio,
    vonage,
    web_push,
)
from handcart.messages.gateways.twilio import Twilio
from handcart.messages.gateways.vonage import Vonage
from handcart.messages.gateways.web_push import WebPush
from handcart.messages.models import Content, Subscription
from tests.support.receivers import Receiver, Script, receiving, saying

LOOPBACK = UrlRules(True, range(1, 65_536), ("127.0.0.0/8",))
_BROWSER = ec.generate_private_key(ec.SECP256R1())
_AUTH = bytes(range(16))


def parcel(body: str = "Your order is here.", **fields: Any) -> Parcel:
    given = {
        "id": 77,
        "retailer_id": 3,
        "channel": "sms",
        "address": "13125550199",
        "template": "order_delivered",
        "locale": "en-US",
        "content": Content("Subject", body, "https://a.example/o/1"),
        "subscription": None,
        "push_key": None,
        "seconds_left": 60,
    }
    return Parcel(**{**given, **fields})


def answer(status: int, body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def exchange(make: Any, script: Script, sent: Parcel | None = None) -> tuple[Result, Receiver]:
    async with receiving(script) as receiver:
        gateway: Gateway = make(f"http://127.0.0.1:{receiver.port}")
        result = await gateway.send(parcel() if sent is None else sent)
        await gateway.close()
    return result, receiver


def make_twilio(url: str) -> Gateway:
    return Twilio("AC1", "token", "+18005550100", "https://a.example/gateways/twilio/receipts", url)


def make_vonage(url: str) -> Gateway:
    return Vonage("key", "secret", "Market", "https://a.example/gateways/vonage/receipts", url)


async def test_twilio_asked_then_the_request_has_the_documented_form() -> None:
    made = answer(201, b'{"sid": "SM1", "status": "queued", "error_code": null}')
    result, receiver = await exchange(make_twilio, saying(made))
    assert result == Result(SENT, "queued as SM1")
    (request,) = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1")
    assert b"authorization: Basic " + base64.b64encode(b"AC1:token") in head
    assert dict(parse_qsl(body.decode())) == {
        "From": "+18005550100",
        "To": "+13125550199",
        "Body": "Your order is here.",
        "StatusCallback": "https://a.example/gateways/twilio/receipts?message=77",
    }


async def test_vonage_asked_then_the_request_has_the_documented_form() -> None:
    made = answer(200, b'{"message-count": "1", "messages": [{"status": "0", "message-id": "0C1"}]}')
    result, receiver = await exchange(make_vonage, saying(made), parcel("Déjà là"))
    assert result == Result(SENT, "accepted as 0C1")
    (request,) = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /sms/json HTTP/1.1")
    assert msgspec.json.decode(body) == {
        "api_key": "key",
        "api_secret": "secret",
        "from": "Market",
        "to": "13125550199",
        "text": "Déjà là",
        "type": "unicode",
        "client-ref": "77",
        "callback": "https://a.example/gateways/vonage/receipts",
    }


TWILIO_ANSWERS = {
    "an error in a 201": (201, b'{"sid": "SM1", "status": "failed", "error_code": 30006}', REFUSED),
    "an unsubscribed number in a 201": (201, b'{"sid": "SM1", "status": "failed", "error_code": 21610}', UNWANTED),
    "an unsubscribed number": (400, b'{"code": 21610, "message": "Attempt to send to unsubscribed"}', UNWANTED),
    "not a number": (400, b'{"code": 21211, "message": "Invalid To"}', REFUSED),
    "a wrong token": (401, b'{"code": 20003, "message": "Authenticate"}', FAILED),
    "too fast": (429, b'{"code": 20429, "message": "Too Many Requests"}', FAILED),
    "busy": (503, b"", FAILED),
    "broken": (500, b"<h1>Oops", DOUBTFUL),
    "a page of a proxy": (200, b"<html>Welcome</html>", DOUBTFUL),
    "an empty 201": (201, b"", DOUBTFUL),
    "a list": (201, b"[]", DOUBTFUL),
    "an unknown status": (201, b'{"sid": "SM1", "status": "dreaming"}', DOUBTFUL),
    "no id": (201, b'{"status": "queued"}', DOUBTFUL),
    "a redirect inside": (302, b"", FAILED),
    "deep nesting": (201, b"[" * 10_000, DOUBTFUL),
    "a long body": (201, b'{"sid": "' + b"x" * 100_000 + b'", "status": "queued"}', DOUBTFUL),
}
VONAGE_ANSWERS = {
    "too fast, in a 200": (200, b'{"messages": [{"status": "1", "error-text": "Throttled"}]}', FAILED),
    "no number, in a 200": (200, b'{"messages": [{"status": "3", "error-text": "Invalid"}]}', REFUSED),
    "barred, in a 200": (200, b'{"messages": [{"status": "7", "error-text": "Barred"}]}', REFUSED),
    "no credit, in a 200": (200, b'{"messages": [{"status": "9", "error-text": "Quota"}]}', FAILED),
    "half of the parts": (200, b'{"messages": [{"status": "0"}, {"status": "5"}]}', REFUSED),
    "two parts": (200, b'{"messages": [{"status": "0"}, {"status": 0}]}', SENT),
    "no message": (200, b'{"messages": []}', DOUBTFUL),
    "other messages": (200, b'{"messages": [1]}', DOUBTFUL),
    "a page": (200, b"<html>", DOUBTFUL),
    "broken": (502, b"", DOUBTFUL),
    "a redirect inside": (307, b"", FAILED),
}


async def wrongly_read(make: Any, answers: dict[str, Any]) -> dict[str, str]:
    wrong = {}
    for name, (status, body, outcome) in answers.items():
        made = answer(status, body, b"location: http://127.0.0.1:1/admin")
        result, receiver = await exchange(make, saying(made))
        if result.outcome != outcome or len(receiver.requests) != 1:
            wrong[name] = result.outcome
    return wrong


async def test_gateways_answer_then_only_a_confirmed_message_was_sent() -> None:
    assert await wrongly_read(make_twilio, TWILIO_ANSWERS) == {}
    assert await wrongly_read(make_vonage, VONAGE_ANSWERS) == {}


async def test_gateway_names_a_time_then_it_is_waited_for() -> None:
    for status, asked in ((429, 120_000_000), (503, 120_000_000), (500, None)):
        result, _ = await exchange(make_twilio, saying(answer(status, b"", b"retry-after: 120")))
        assert result.retry_after == asked


async def test_gateway_closes_drips_or_is_absent_then_what_is_known_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, receiver = await exchange(make_twilio, saying(b"", close=True))
    assert (result.outcome, len(receiver.requests)) == (DOUBTFUL, 1)
    result, _ = await exchange(make_twilio, saying(b"HTTP/1.1 201 X\r\n", close=True))
    assert result.outcome == DOUBTFUL
    monkeypatch.setattr(http.ask, "__defaults__", (0.05,))
    result, _ = await exchange(make_vonage, saying(*[b"H"] * 3, pause=0.02))
    assert result.outcome == DOUBTFUL
    absent = make_vonage("http://127.0.0.1:1")
    result = await absent.send(parcel())
    assert result == Result(FAILED, "connection refused")


async def test_two_messages_then_no_connection_is_used_twice() -> None:
    made = answer(201, b'{"sid": "SM1", "status": "queued"}')
    async with receiving(saying(made)) as receiver:
        gateway = make_twilio(f"http://127.0.0.1:{receiver.port}")
        for _ in range(3):
            assert (await gateway.send(parcel())).outcome == SENT
            await asyncio.sleep(0)
        assert receiver.connections == 3


def subscription(endpoint: str, **fields: str) -> Subscription:
    given = {"p256dh": web_push.encoded(web_push.public_bytes(_BROWSER)), "auth": web_push.encoded(_AUTH), **fields}
    return Subscription(id=1, recipient="order/1/A", endpoint=endpoint, expires_at=0, **given)


PRIVATE, PUBLIC = web_push.new_key()


def make_push(url: str) -> Gateway:
    return WebPush("https://connect.example", LOOPBACK)


async def pushed(status: int, *headers: bytes) -> tuple[Result, Receiver]:
    async with receiving(saying(answer(status, b"", *headers))) as receiver:
        gateway = make_push("")
        to = subscription(f"http://127.0.0.1:{receiver.port}/push/abc")
        result = await gateway.send(parcel(subscription=to, push_key=PRIVATE))
        await gateway.close()
    return result, receiver


def decrypted(body: bytes) -> bytes:
    """What a browser reads, by RFC 8291."""
    salt, theirs, sealed = body[:16], body[21:86], body[86:]
    assert body[16:21] == (4096).to_bytes(4) + bytes([65])
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    info = b"WebPush: info\0" + web_push.public_bytes(_BROWSER) + theirs
    secret = web_push._derived(_AUTH, _BROWSER.exchange(ec.ECDH(), point), info, 32)
    key = web_push._derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = web_push._derived(salt, secret, b"Content-Encoding: nonce\0", 12)
    padded = AESGCM(key).decrypt(nonce, sealed, None)
    assert padded.endswith(b"\2")
    return padded[:-1]


async def test_push_service_asked_then_the_browser_can_read_the_message() -> None:
    result, receiver = await pushed(201)
    assert result.outcome == SENT
    (request,) = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert msgspec.json.decode(decrypted(body)) == {
        "title": "Subject",
        "body": "Your order is here.",
        "url": "https://a.example/o/1",
    }
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert (headers[b"content-encoding"], headers[b"ttl"]) == (b"aes128gcm", b"60")
    shown = headers[b"authorization"].decode()
    assert f"k={PUBLIC}" in shown
    assert Vapid02.verify(shown)
    claims = msgspec.json.decode(web_push.decoded(shown.split(".")[1]))
    assert claims["aud"] == f"http://127.0.0.1:{receiver.port}"
    assert claims["sub"] == "https://connect.example"


async def test_push_service_answers_then_only_404_and_410_end_the_subscription() -> None:
    answers = {200: SENT, 201: SENT, 202: SENT, 301: FAILED, 307: FAILED, 400: REFUSED, 401: FAILED, 403: FAILED}
    answers |= {404: UNWANTED, 410: UNWANTED, 413: REFUSED, 429: FAILED, 500: DOUBTFUL, 503: FAILED}
    found = {status: (await pushed(status, b"location: http://169.254.169.254/"))[0].outcome for status in answers}
    assert found == answers


def test_message_encrypted_then_it_is_that_of_the_standards_example() -> None:
    # RFC 8291, section 5 and appendix A
    private = web_push.decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    to = subscription("https://push.example", p256dh=p256dh, auth="BTBZMqHH6r4Tts7J_aSIgg")
    made = web_push.encrypt(
        b"When I grow up, I want to be a watermelon",
        to,
        salt=web_push.decoded("DGv6ra1nlYgDCS1FRnbzlw"),
        key=ec.derive_private_key(int.from_bytes(private), ec.SECP256R1()),
    )
    assert web_push.encoded(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3"
        "jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "http://push.example/x",
        "https://push.example:22/x",
        "https://localhost/x",
    ],
)
async def test_endpoint_leads_inside_then_it_is_not_asked(endpoint: str) -> None:
    gateway = WebPush("https://connect.example", push.RULES)
    result = await gateway.send(parcel(subscription=subscription(endpoint), push_key=PRIVATE))
    assert result.outcome == FAILED
    assert str(result.detail).startswith("blocked: ")


async def test_browsers_key_is_no_point_of_the_curve_then_it_is_unwanted() -> None:
    wrong = web_push.encoded(b"\4" + bytes(64))
    to = subscription("https://push.example", p256dh=wrong)
    result = await WebPush("https://connect.example", push.RULES).send(parcel(subscription=to, push_key=PRIVATE))
    assert result.outcome == UNWANTED


def test_long_message_then_its_payload_is_cut() -> None:
    for body in ("\U0001f469" * 3000, "x" * 5000, '"\\' * 2000):
        made = web_push.payload(Content("Title", body, "https://a.example/" + "x" * 900))
        assert web_push.MOST_PAYLOAD - 100 < len(made) <= web_push.MOST_PAYLOAD
        assert msgspec.json.decode(made)["title"] == "Title"


def test_signatures_of_gateways_then_they_are_those_documented() -> None:
    # https://www.twilio.com/docs/usage/security#validating-requests
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.signature("12345", url, fields.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    one = vonage.signature("secret", {"b": "x&y=z", "a": 1, "sig": "anything"})
    assert one == vonage.signature("secret", {"a": "1", "b": "x_y_z"})
