"""Creating shoppers, over the wire."""

from tests.support.orders import Market, refusals
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.server import LiveServer
from tests.support.shop import error


def test_a_shopper_with_a_wrong_or_taken_field_then_refused(server: LiveServer) -> None:
    market = Market(server)
    shopping, path = Shopping(market), f"{SANDBOX}/shoppers"
    assert shopping.shopper() != shopping.shopper()
    shopping.shopper(email="shopper@example.com", phone="8005550101")
    shopping.shopper(email="shopper@example.com", phone="+448005550101")
    taken = (400, "An account already exists with this number", 1001, "phone")
    for phone in ("8005550101", "800-555-0101", "+1 (800) 555-0101", "448005550101"):
        assert error(market.post(path, {"phone": phone})) == taken
    email, phone = ("Invalid email", 1001, "email"), ("Invalid phone number", 1001, "phone")
    for wrong in ("", "nobody", "a@b c", "@", "a@b\n"):
        assert refusals(market.post(path, {"email": wrong})) == [email]
    for wrong in ("", "12345", "call me", "8005550102\n", "1" * 16):
        assert refusals(market.post(path, {"phone": wrong})) == [phone]
    assert refusals(market.post(path, {"email": "nobody", "phone": "12345"})) == [email, phone]
