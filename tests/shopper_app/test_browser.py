"""Which device a call comes from."""

import pytest

from tests.support.contents import nothing_written
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Phone, add_shopper, refusal


def test_signed_in_device_then_its_shopper(server: LiveServer) -> None:
    phone = Phone(server, add_shopper(server, "Ana", skills=["heavy", "alcohol"], locale="es-US"))
    other = Phone(server, phone.person, "Safari on iPhone")
    Phone(server)
    me = phone.get("me").raise_for_status().json()
    assert {name: me[name] for name in ("id", "name", "locale", "languages", "skills", "vehicle", "is_locked")} == {
        "id": str(phone.person.id),
        "name": "Ana",
        "locale": "es-US",
        "languages": ["es"],
        "skills": ["alcohol", "heavy"],
        "vehicle": "car",
        "is_locked": False,
    }
    assert me["device"]["name"] == "Chrome on Android"
    listed = [(one["name"], one["is_this"]) for one in me["devices"]]
    assert sorted(listed) == [("Chrome on Android", True), ("Safari on iPhone", False)]
    assert other.get("me").json()["device"]["name"] == "Safari on iPhone"


@on_sqlite
@pytest.mark.parametrize("cookie", [b"", b"x", b"A" * 43, b"\xc3\xa9"])
def test_unknown_cookie_then_signed_out(server: LiveServer, cookie: bytes) -> None:
    with nothing_written(server):
        answer = server.http().get("/shopper/api/me", headers=[(b"Cookie", b"handcart_shopper=" + cookie)])
    assert refusal(answer) == (401, "signed_out")
    assert "set-cookie" not in answer.headers
