"""What strangers and mistakes send to the pages of orders: foreign and ended links, hostile texts, broken pictures."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from handcart.core.ratelimit import Limit
from handcart.order_page import browser, chat
from handcart.order_page.live import Watch
from handcart.order_page.routes import routes
from handcart.pictures import encoding
from handcart.pictures.models import Encoded
from handcart.retailers import ops as retailers
from tests.order_page.customer import Customer, path_of, title
from tests.support import pages
from tests.support.contents import nothing_written
from tests.support.orders import MILK, Market, line
from tests.support.pages import is_error, is_page
from tests.support.sandbox import Shopping
from tests.support.server import on_sqlite

HOSTILE = '"><script>alert(1)</script>\u202e\u2066{{7*7}}&lt;'
ROUTES = [route for route in routes(Watch()) if "{token}" in route.path]


def jpeg(width: int = 640, height: int = 480) -> bytes:
    """A photograph."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture
def shopped(customer: Customer, shopping: Shopping) -> dict[str, Any]:
    """An order that is being shopped, so that its chat is open."""
    order = customer.order()
    shopping.reach(shopping.batch(order["id"]), "picking")
    return order


@on_sqlite
@pytest.mark.parametrize("token", ["A" * 32, "A" * 31 + "%2F", "A" * 31 + "=", "%F0%9F%A5%95" * 8])
def test_link_names_no_order_then_nothing_under_it_answers(market: Market, token: str) -> None:
    for route in ROUTES:
        path = route.path.replace("{token}", token).replace("{line_num}", "1").replace("{message_id}", "1")
        with nothing_written(market.server):
            answer = market.server.http().request(route.method, path)
        assert answer.status_code == 404, path


@on_sqlite
def test_order_of_another_retailer_has_the_same_number_then_links_differ(market: Market, customer: Customer) -> None:
    order, other = customer.order(), Customer(Market(market.server)).order()
    market.server.sql(
        "UPDATE orders SET number = (SELECT number FROM orders WHERE order_id = $1) WHERE order_id = $2"
        " RETURNING number",
        *(order["id"], other["id"]),
    )
    assert order["id"] in customer.open(order).text
    is_error(customer.http.get(path_of(other)), 404, "order_link")


@on_sqlite
def test_customer_is_deleted_then_the_link_ends(customer: Customer, market: Market, shopping: Shopping) -> None:
    user_id = market.customer()
    order = customer.order(user_id=user_id)
    shopping.complete(order["id"], "delivery")
    page = customer.open(order)
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    is_error(customer.http.get(path_of(order)), 404, "order_link")
    with nothing_written(market.server):
        is_error(customer.post(order, "/tip", form_token=customer.token(page, "/tip"), amount="5"), 404, "order_link")


@on_sqlite
def test_texts_are_hostile_then_they_are_shown_as_texts(customer: Customer, market: Market, shopping: Shopping) -> None:
    market.server.sql("UPDATE retailers SET name = $1 WHERE id = $2 RETURNING id", HOSTILE, market.retailer.id)
    market.server.sql(
        "UPDATE stores SET name = $1 WHERE retailer_id = $2 RETURNING number", HOSTILE, market.retailer.id
    )
    market.server.sql("UPDATE items SET name = $1 WHERE retailer_id = $2 RETURNING rrc", HOSTILE, market.retailer.id)
    address = {"address_line_1": HOSTILE, "postal_code": "60610"}
    order = customer.order(items=[MILK, line("2", "soap")], address=address)
    shopper = shopping.shopper()
    batch = shopping.generate(shopper, order["id"]).json()["id"]
    shopping.reach(batch, "picking")
    shopping.item(shopper, order["id"], "1", status="replaced", replacement_item={"rrc": "bread"})
    customer.submit(customer.open(order), "/chat", body=HOSTILE)
    seen = [customer.open(order), customer.open(order, "/items/1")]
    shopping.reach(batch, "delivering")
    seen.append(customer.open(order))
    shopping.reach(batch, "completed")
    seen.append(customer.submit(customer.open(order), "/rating", rating="STARS1", note=HOSTILE))
    for page in seen:
        assert "<script>alert" not in page.text
        assert "{{7*7}}" in page.text or "49" not in page.text
        assert "\u202e" not in page.text
        assert "\u2066" not in page.text


@on_sqlite
def test_picture_is_sent_then_only_this_order_shows_it(
    customer: Customer, market: Market, shopped: dict[str, Any]
) -> None:
    page = say(customer, shopped, jpeg())
    (message,) = market.server.sql("SELECT id FROM chat_messages WHERE order_id = $1", shopped["id"])
    after = f"/pictures/{message['id']}"
    assert f'src="{path_of(shopped)}{after}"' in page.text
    picture = customer.http.get(path_of(shopped) + after)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "no-store"
    other = customer.order()
    assert customer.http.get(path_of(other) + after).status_code == 404
    for wrong in ("0", "x", "-1", "9" * 30):
        assert customer.http.get(f"{path_of(shopped)}/pictures/{wrong}").status_code == 404


def broken() -> Iterator[Any]:
    """What is sent as a picture."""
    yield pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", id="svg")
    yield pytest.param(b"GIF89a" + b"\0" * 100, id="gif")
    yield pytest.param(jpeg()[:500], id="half")
    yield pytest.param(jpeg(8, 8), id="tiny")
    yield pytest.param(b"\xff\xd8" + b"\0" * 10_000, id="noise")


@on_sqlite
@pytest.mark.parametrize("sent", list(broken()))
def test_picture_is_none_then_refused(customer: Customer, market: Market, shopped: dict[str, Any], sent: bytes) -> None:
    with pages.nothing_written(market.server, "chat_messages", "pictures"):
        page = say(customer, shopped, sent, status=409)
    assert "That picture cannot be sent." in page.text


@on_sqlite
def test_chat_is_closed_or_too_many_forms_then_no_picture_is_decoded(
    customer: Customer, market: Market, shopped: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    async def encode(sent: bytes, person_id: int) -> Encoded:
        decoded.append(person_id)
        return encoding.encode_now(sent)

    monkeypatch.setattr(encoding, "encode", encode)
    say(customer, shopped, jpeg())
    assert len(decoded) == 1
    token = customer.token(customer.open(shopped), "/chat")
    files = {"picture": ("a.jpg", jpeg(), "image/jpeg")}
    with monkeypatch.context() as patch:
        patch.setattr(browser, "_MOST_WRITES", Limit(1, 86_400))
        fields = {"form_token": token, "act": "another"}
        answer = customer.http.post(path_of(shopped) + "/chat", data=fields, files=files)
    assert answer.status_code in (409, 429), answer.text
    path = path_of(customer.order())  # nobody shops this order
    token = market.server.app.keys.form_token("order page", path.removeprefix("/o/"), "chat")
    with pages.nothing_written(market.server, "chat_messages", "pictures"):
        answer = customer.http.post(path + "/chat", data={"form_token": token}, files=files)
    assert answer.status_code == 409, answer.text
    assert len(decoded) == 1


@on_sqlite
def test_picture_is_too_long_then_refused(customer: Customer, market: Market, shopped: dict[str, Any]) -> None:
    with nothing_written(market.server):
        say(customer, shopped, b"\0" * (chat.MOST_PICTURE_BYTES + 20_000), status=413)


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("multipart/form-data; boundary=x", b"--y\r\n"),
        ("application/json", b"{}"),
        ("text/plain", b"form_token=x"),
        ("application/x-www-form-urlencoded", b"form_token=x&body=Hello"),
        ("application/x-www-form-urlencoded", b"form_token=%ff"),
        ("application/x-www-form-urlencoded", b"a=%00"),
    ],
)
def test_form_of_the_chat_is_none_then_refused(
    customer: Customer, market: Market, shopped: dict[str, Any], kind: str, body: bytes
) -> None:
    with nothing_written(market.server):
        answer = customer.http.post(path_of(shopped) + "/chat", content=body, headers={"content-type": kind})
    assert answer.status_code in (400, 403, 415), answer.text


@on_sqlite
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_form_comes_from_another_site_then_refused(
    customer: Customer, market: Market, shopped: dict[str, Any], headers: dict[str, str]
) -> None:
    token = customer.token(customer.open(shopped), "/chat")
    with nothing_written(market.server):
        fields = {"form_token": token, "body": "Hello"}
        answer = customer.http.post(path_of(shopped) + "/chat", data=fields, headers=headers)
        files = {"picture": ("a.jpg", jpeg(), "image/jpeg")}
        other = customer.http.post(path_of(shopped) + "/chat", data=fields, files=files, headers=headers)
    assert (answer.status_code, other.status_code) == (403, 403)


@on_sqlite
def test_link_sends_too_many_forms_then_refused(
    customer: Customer, market: Market, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_MOST_WRITES", Limit(1, 86_400))
    order = customer.order()
    shopping.complete(order["id"], "delivery")
    page = customer.submit(customer.open(order), "/tip", amount="5")
    with nothing_written(market.server):
        customer.submit(page, "/tip", status=429, amount="6")


@on_sqlite
def test_shoppers_are_not_shown_then_no_chat_name_photo_or_place(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    market.server.write(retailers.change, market.slug, {"shopper_information_removal": True})
    order = customer.order()
    shopping.reach(shopping.batch(order["id"]), "delivering")
    page = customer.open(order)
    assert title(page) == "Out for delivery"
    for word in ("Chat", "Your shopper", "away"):
        assert word not in page.text
    assert customer.http.get(path_of(order) + "/photo").status_code == 404


@on_sqlite
def test_page_is_opened_by_a_stranger_then_its_headers_keep_the_link(customer: Customer, market: Market) -> None:
    page = is_page(customer.http.get(path_of(customer.order())))
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-frame-options"] == "DENY"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers


def say(customer: Customer, order: dict[str, Any], picture: bytes, status: int = 200) -> Any:
    """Send a picture with the form of the chat; returns the page that follows."""
    token = customer.token(customer.open(order), "/chat")
    answer = customer.http.post(
        path_of(order) + "/chat",
        data={"form_token": token, "body": "", "act": "act-of-the-picture"},
        files={"picture": ("../../etc/passwd.jpg", picture, "image/jpeg")},
    )
    if status == 200:
        assert answer.status_code == 303, answer.text
        return is_page(customer.http.get(answer.headers["location"]))
    return is_page(answer, status)
