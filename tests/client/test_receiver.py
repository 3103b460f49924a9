"""The callback endpoint: allowed senders, valid events, and how often an event is handled."""

import asyncio
import io
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import Any

import pytest
import standardwebhooks
from handcart_client.receiver import Event, MemorySeen, Receiver, TokenIssuer, asgi, wsgi
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tests.client.callbacks import OTHER_SECRET, SECRET, Sender, body_of, signed, size

ISSUER = TokenIssuer("platform", "client-secret-value")
TOKEN = ISSUER.issue()
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Shop:
    """Handles events as a test wants it: `fails` is how often it raises first."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails = 0

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) <= self.fails:
            raise RuntimeError("the shop is closed")

    async def handle_async(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.handle(event)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(params=["wsgi", "asgi", "asgi, coroutine"])
def make_sender(request: pytest.FixtureRequest, shop: Shop) -> Callable[..., Sender]:
    def make(**options: Any) -> Sender:
        handler = shop.handle_async if "coroutine" in request.param else shop.handle
        receiver = Receiver(handler, accepts=ISSUER.accepts, **options)
        return Sender(request.param[:4], {"/callbacks": receiver})

    return make


def test_event_arrives_many_times_then_it_is_handled_once(make_sender: Callable[..., Sender], shop: Shop) -> None:
    send = make_sender()
    for body in (body_of(1), body_of(1), body_of("1"), body_of(2), body_of(1, note="replayed")):
        answer = send(body, **BEARER)
        assert (answer.status_code, answer.content) == (200, b"")
    assert [event.event_id for event in shop.events] == [1, 2]


def test_handler_fails_then_500_until_it_succeeds(make_sender: Callable[..., Sender], shop: Shop) -> None:
    send, shop.fails = make_sender(), 2
    assert [send(body_of(), **BEARER).status_code for _ in range(4)] == [500, 500, 200, 200]
    assert len(shop.events) == 3


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("", 'Bearer error="invalid_token"'),
        ("Bearer", 'Bearer error="invalid_token"'),
        ("Bearer wrong", 'Bearer error="invalid_token"'),
        ("Basic {good}", 'Bearer error="invalid_token"'),
        ("Bearer {good} {good}", 'Bearer error="invalid_token"'),
        ("Bearer {other}", 'Bearer error="invalid_token"'),
    ],
)
def test_token_is_wrong_then_401_with_a_challenge(
    make_sender: Callable[..., Sender],
    shop: Shop,
    caplog: pytest.LogCaptureFixture,
    authorization: str | None,
    challenge: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    other = TokenIssuer("platform", "other").issue()
    headers = {} if authorization is None else {"authorization": authorization.format(good=TOKEN, other=other)}
    answer = make_sender()(body_of(), **headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert not shop.events
    assert TOKEN not in caplog.text + answer.text


def test_scheme_is_written_otherwise_then_it_is_the_same(make_sender: Callable[..., Sender]) -> None:
    assert make_sender()(body_of(), authorization=f"bEARER  {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"\xff", 400),
        (body_of(note="a" * 20_000 + "\N{GRINNING FACE}"), 200),
        (body_of(note="a" * (1024 * 1024 - 200)), 200),
        (body_of(note="a" * (1024 * 1024)), 413),
    ],
    ids=size,
)
def test_body_is_no_event_or_too_large_then_it_is_refused(
    make_sender: Callable[..., Sender], shop: Shop, body: bytes, status: int
) -> None:
    assert make_sender()(body, **BEARER).status_code == status
    assert len(shop.events) == (status == 200)


EMOJI = body_of(name="\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}", note="b" * 25_000)
HALF = body_of(bag_label="here").replace(b'"here"', rb'"\ud83d and \u0000"')


def resigned(change: Callable[[str], str]) -> dict[str, str]:
    """The headers of `EMOJI` with another `webhook-signature`."""
    headers = signed(EMOJI)
    return {**headers, "webhook-signature": change(headers["webhook-signature"])}


@pytest.mark.parametrize(
    ("body", "headers", "is_good"),
    [
        (EMOJI, lambda: signed(EMOJI), True),
        (HALF, lambda: signed(HALF), True),
        (EMOJI + b" ", lambda: signed(EMOJI), False),
        (EMOJI.replace(b"ORD-1", b"ORD-2"), lambda: signed(EMOJI), False),
        (EMOJI, lambda: signed(EMOJI, after=-240), True),
        (EMOJI, lambda: signed(EMOJI, after=240), True),
        (EMOJI, lambda: signed(EMOJI, after=-360), False),
        (EMOJI, lambda: signed(EMOJI, after=360), False),
        (EMOJI, lambda: {**signed(EMOJI), "webhook-timestamp": str(int(time.time()) + 60)}, False),
        (EMOJI, lambda: {**signed(EMOJI), "webhook-timestamp": "now"}, False),
        (EMOJI, lambda: {**signed(EMOJI), "webhook-timestamp": "nan"}, False),
        (EMOJI, lambda: {**signed(EMOJI), "webhook-id": "7312640098812345679"}, False),
        (EMOJI, lambda: signed(EMOJI, secret="whsec_" + "c" * 32), False),
        (EMOJI, lambda: signed(EMOJI, secret=OTHER_SECRET), True),
        (EMOJI, lambda: resigned(lambda good: f"v1,AAAA v2,x {good}"), True),
        (EMOJI, lambda: resigned(lambda good: f"{good} v1,AAAA"), True),
        (EMOJI, lambda: resigned(lambda good: "v1,AAAA v1,BBBB"), False),
        (EMOJI, lambda: resigned(lambda good: good.replace("v1", "v2")), False),
        (EMOJI, lambda: resigned(lambda good: "no comma"), False),
        (EMOJI, lambda: resigned(lambda good: "v1,A"), False),
        (EMOJI, lambda: resigned(lambda good: ""), False),
        (EMOJI, dict, False),
        (b"\xff", lambda: signed(b"\xff"), False),
    ],
    ids=size,
)
def test_signatures_required_then_only_a_fresh_signature_counts(
    make_sender: Callable[..., Sender],
    shop: Shop,
    body: bytes,
    headers: Callable[[], dict[str, str]],
    is_good: bool,
) -> None:
    answer = make_sender(signing_secrets=[SECRET, OTHER_SECRET])(body, **BEARER, **headers())
    assert answer.status_code == (200 if is_good else 403)
    assert len(shop.events) == is_good


@pytest.mark.parametrize("body", [EMOJI, HALF, body_of()], ids=size)
def test_signed_by_hand_then_the_reference_implementation_agrees(body: bytes) -> None:
    headers = signed(body)
    standardwebhooks.Webhook(SECRET).verify(body, headers, json_parse=False)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(body + b" ", headers, json_parse=False)


def test_asgi_event_comes_eight_times_at_once_then_it_is_handled_once(shop: Shop) -> None:
    async def handle(event: Event) -> None:
        await asyncio.sleep(0.05)
        shop.handle(event)

    async def send_all() -> list[int]:
        send = Sender("asgi", Receiver(handle, accepts=ISSUER.accepts)).send
        answers = await asyncio.gather(*(send(body_of(), "/", "POST", BEARER) for _ in range(8)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(send_all()) == [200] * 8
    assert len(shop.events) == 1


def test_wsgi_event_comes_eight_times_at_once_then_it_is_handled_once(shop: Shop) -> None:
    def handle(event: Event) -> None:
        shop.handle(event)
        Flag().wait(0.05)

    send = Sender("wsgi", Receiver(handle, accepts=ISSUER.accepts))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send(body_of(), **BEARER).status_code, range(8)))
    assert answers == [200] * 8
    assert len(shop.events) == 1


def test_handler_takes_too_long_then_waiting_senders_hear_to_come_again(
    make_sender: Callable[..., Sender], shop: Shop
) -> None:
    seen = MemorySeen()
    seen.claim(7312640098812345678)
    answer = make_sender(seen=seen, wait_seconds=0.1)(body_of(), **BEARER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert not shop.events


def test_first_of_two_fails_then_the_second_is_handled(shop: Shop) -> None:
    shop.fails = 1

    async def handle(event: Event) -> None:
        await asyncio.sleep(0.05)
        shop.handle(event)

    async def two() -> list[int]:
        send = Sender("asgi", Receiver(handle, accepts=ISSUER.accepts)).send
        answers = await asyncio.gather(*(send(body_of(), "/", "POST", BEARER) for _ in range(2)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(two()) == [200, 500]
    assert len(shop.events) == 2


def test_sender_hangs_up_in_the_body_then_nothing_is_answered(shop: Shop) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"authorization", BEARER["authorization"].encode())],
    }
    asyncio.run(asgi(Receiver(shop.handle, accepts=ISSUER.accepts))(scope, receive, send))
    asyncio.run(asgi(Receiver(shop.handle, accepts=ISSUER.accepts))({"type": "lifespan"}, receive, send))
    assert sent == shop.events == []


@pytest.mark.parametrize(
    ("length", "terminated", "status"),
    [("", False, 411), ("", True, 200), ("ten", False, 400), ("-1", False, 400), ("9" * 30, False, 413)],
)
def test_wsgi_names_no_good_length_then_it_is_refused(shop: Shop, length: str, terminated: bool, status: int) -> None:
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": length,
        "HTTP_AUTHORIZATION": BEARER["authorization"],
        "wsgi.input": io.BytesIO(body_of()),
        "wsgi.input_terminated": terminated,
    }
    wsgi(Receiver(shop.handle, accepts=ISSUER.accepts))(environ, lambda line, headers: statuses.append(line))
    assert statuses[0].startswith(f"{status} ")


def test_wsgi_dispatcher_cuts_the_prefix_off_then_what_is_left_is_served(shop: Shop) -> None:
    send = wsgi({"": Receiver(shop.handle, accepts=ISSUER.accepts), "/token": ISSUER})
    for path, status in (("", 401), ("/token", 400), ("/callbacks", 404)):
        statuses: list[str] = []
        environ = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/callbacks", "PATH_INFO": path, "CONTENT_LENGTH": "0"}
        send(environ, lambda line, headers, statuses=statuses: statuses.append(line))
        assert statuses[0].startswith(f"{status} ")


def test_wsgi_gets_a_coroutine_function_then_it_is_refused(shop: Shop) -> None:
    with pytest.raises(TypeError, match="plain function"):
        wsgi({"/callbacks": Receiver(shop.handle_async, accepts=ISSUER.accepts)})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
def test_signing_secret_is_none_then_it_is_refused_unseen(secret: str, shop: Shop) -> None:
    with pytest.raises(ValueError, match="Base64") as caught:
        Receiver(shop.handle, accepts=ISSUER.accepts, signing_secrets=[secret])
    assert caught.value.__suppress_context__


def test_printed_or_failing_then_no_secret_is_shown(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop.fails = 1
    receiver = Receiver(shop.handle, accepts=ISSUER.accepts, signing_secrets=[SECRET])
    body = body_of()
    assert Sender("asgi", receiver)(body, **BEARER, **signed(body)).status_code == 500
    assert "the shop is closed" in caplog.text
    shown = caplog.text + repr(receiver) + repr(shop.events)
    for secret in (TOKEN, SECRET, SECRET[6:], "signing-secret-value", "client-secret-value"):
        assert secret not in shown


def test_mounted_in_a_framework_then_it_answers_there(shop: Shop) -> None:
    receiver = Receiver(shop.handle, accepts=ISSUER.accepts)
    app = Starlette(
        routes=[
            Route("/callbacks", asgi(receiver)),
            Mount("/below", asgi({"/token": ISSUER, "/callbacks": receiver})),
        ]
    )
    send = Sender("asgi", app, is_app=True)
    assert send(body_of(1), **BEARER).status_code == 200
    assert send(body_of(2), "/below/callbacks", **BEARER).status_code == 200
    assert len(shop.events) == 2


def test_sender_asks_whether_it_may_send_then_the_expected_ones_may(
    make_sender: Callable[..., Sender], shop: Shop
) -> None:
    """CloudEvents, HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4."""
    question = {"webhook-request-origin": "connect.example.org", "webhook-request-rate": "120"}
    allowed = {"allow": "POST", "webhook-allowed-origin": "connect.example.org", "webhook-allowed-rate": "*"}
    for options in ({}, {"senders": ["Connect.Example.org", "other.example"]}):
        answer = make_sender(**options)(b"", method="OPTIONS", **question)
        assert (answer.status_code, answer.content) == (200, b"")
        assert allowed.items() <= dict(answer.headers).items()
    refused = make_sender(senders=["other.example"])(b"", method="OPTIONS", **question)
    assert (refused.status_code, "webhook-allowed-origin" in refused.headers) == (403, False)
    assert make_sender()(b"", method="OPTIONS", **{"webhook-request-origin": "a, *"}).status_code == 403
    assert make_sender()(b"", method="OPTIONS").status_code == 405
    assert shop.events == []
