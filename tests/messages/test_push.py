"""Browsers subscribe to push messages: which subscriptions are taken, and how many."""

import base64

import pytest

from handcart.core import clock
from handcart.messages import push, queries
from handcart.messages.errors import SubscriptionRefused
from tests.support.contents import mentions, nothing_written
from tests.support.server import LiveServer

POINT = base64.urlsafe_b64encode(b"\4" + bytes(64)).decode()
AUTH = base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")
AT = clock.MOST


def subscribe(server: LiveServer, recipient: str, endpoint: str, p256dh: str = POINT, auth: str = AUTH) -> int:
    made: int = server.write(push.subscribe, recipient, endpoint, p256dh, auth, AT)
    return made


def test_browser_subscribes_twice_then_it_has_one_subscription(server: LiveServer) -> None:
    subscribe(server, "order/1/A", "https://push.example/secret-of-a-browser")
    again = subscribe(server, "order/1/A", "https://push.example/secret-of-a-browser")
    (found,) = server.read(queries.subscriptions, "order/1/A")
    assert (found.id, found.endpoint) == (again, "https://push.example/secret-of-a-browser")
    assert (found.p256dh, found.auth, found.expires_at) == (POINT, AUTH, AT)
    assert mentions(server, "secret-of-a-browser") == []
    assert server.write(push.unsubscribe, "order/1/A", found.endpoint) is True
    assert server.read(queries.subscriptions, "order/1/A") == []


def test_many_browsers_of_a_recipient_then_the_oldest_are_replaced(server: LiveServer) -> None:
    made = [subscribe(server, "order/1/B", f"https://push.example/{number}") for number in range(8)]
    other = subscribe(server, "order/1/C", "https://push.example/1")
    assert [one.id for one in server.read(queries.subscriptions, "order/1/B")] == made[-push.MOST_SUBSCRIPTIONS :]
    assert [one.id for one in server.read(queries.subscriptions, "order/1/C")] == [other]


REFUSED = {
    "http": ("http://push.example/1", POINT, AUTH),
    "a private address": ("https://10.0.0.1/1", POINT, AUTH),
    "this machine": ("https://127.0.0.1/1", POINT, AUTH),
    "metadata of a cloud": ("https://169.254.169.254/latest", POINT, AUTH),
    "another port": ("https://push.example:8443/1", POINT, AUTH),
    "a user": ("https://a:b@push.example/1", POINT, AUTH),
    "a long URL": ("https://push.example/" + "x" * 3000, POINT, AUTH),
    "a file": ("file:///etc/passwd", POINT, AUTH),
    "a short key": ("https://push.example/1", AUTH, AUTH),
    "no base64": ("https://push.example/1", "!" * 87, AUTH),
    "a long secret": ("https://push.example/1", POINT, POINT),
}


@pytest.mark.parametrize(("endpoint", "p256dh", "auth"), REFUSED.values(), ids=REFUSED.keys())
def test_foreign_url_or_malformed_key_then_refused(server: LiveServer, endpoint: str, p256dh: str, auth: str) -> None:
    with nothing_written(server), pytest.raises(SubscriptionRefused):
        subscribe(server, "order/1/D", endpoint, p256dh, auth)
