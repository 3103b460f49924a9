"""Messages and their texts in the console: who sees what, sending again, own texts with a preview."""

from typing import Any

import pytest

from handcart.messages import ops, queries, texts
from handcart.messages.models import Letter
from handcart.staff import queries as staff
from handcart.staff.roles import ROLES
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite

PATH = "/console/messages"
TEXTS = "/console/texts"


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def write(market: Market, order_id: str | None = "o-1", **fields: Any) -> int:
    given = {
        "recipient": f"order/{market.retailer.id}/{order_id}",
        "channel": "sms",
        "address": "+13125550171",
        "template": "delivered",
        "locale": "en-US",
        "subject": "It came",
        "body": "<b>It came</b> http://x.test/o/AABrbI_b6wry8a070USvF7CfXS7u77GA",
        "order_id": order_id,
        "retailer_id": market.retailer.id,
        **fields,
    }
    number: int = market.server.write(ops.write, Letter(**given))
    return number


def test_messages_are_filtered_then_only_those_that_fit(market: Market) -> None:
    first, other = write(market), write(market, "o-2", channel="mail", address="kim@example.com")
    admin = Person(market.server)
    for filters, seen in (
        ({}, (first, other)),
        ({"order": "o-1"}, (first,)),
        ({"channel": "mail"}, (other,)),
        ({"state": "sent"}, ()),
        ({"before": str(other)}, (first,)),
        ({"channel": "<i>", "state": "lost", "before": "x"}, (first, other)),
    ):
        page = is_page(admin.open(PATH, retailer=market.slug, **filters)).text
        assert [f"{PATH}/{one}" in page for one in (first, other)] == [one in seen for one in (first, other)], filters
    assert "There are no such messages." in is_page(admin.open(PATH, retailer="nobody")).text


def test_message_is_opened_then_text_address_and_attempts_without_link(market: Market) -> None:
    number = write(market)
    page = is_page(Person(market.server, "retailer_manager", market.retailer.id).open(f"{PATH}/{number}")).text
    assert "&lt;b&gt;It came&lt;/b&gt; http://x.test/o/..." in page
    assert "AABrbI" not in page
    assert "+13125550171" in page
    assert "Nothing was sent yet." in page
    account = write(market, None, recipient="account/1", channel="mail", address="kim@example.com", retailer_id=None)
    page = is_page(Person(market.server).open(f"{PATH}/{account}")).text
    assert "You may not see this text." in page
    assert "kim@example.com" not in page


def test_each_role_then_only_what_it_may_see_and_do(market: Market) -> None:
    number, other = write(market), write(Market(market.server))
    for name, role in ROLES.items():
        place = (
            (None, None) if role.reach == "everywhere" else (market.retailer.id, 1 if role.reach == "store" else None)
        )
        person = Person(market.server, name, *place)
        sees = "see_messages" in role.operations
        assert person.open(PATH).status_code == (200 if sees else 403), name
        assert person.open(f"{PATH}/{number}").status_code == (200 if sees else 403), name
        expected = 403 if not sees else 200 if role.reach == "everywhere" else 404
        assert person.open(f"{PATH}/{other}").status_code == expected, name
        assert person.open(TEXTS).status_code == (200 if "change_texts" in role.operations else 403), name


def test_message_that_failed_is_sent_again_then_it_waits_and_is_in_the_log(market: Market) -> None:
    number = write(market, address="nobody")
    support, manager = Person(market.server, "support"), Person(market.server, "retailer_manager", market.retailer.id)
    assert "Send again" not in manager.open(f"{PATH}/{number}").text
    support.open(f"{PATH}/{number}")
    page = is_page(support.submit(f"{PATH}/{number}/replay", reason="the customer asked")).text
    assert "The message is sent again." in page
    assert market.server.read(queries.message, number).state == "pending"
    (entry,) = market.server.read(staff.entries, subject=f"message/{number}")
    assert (entry.operation, entry.reason) == ("replay_messages", "the customer asked")
    form = {"form_token": "x"}
    is_error(support.http.post(f"{PATH}/{number}/replay", data=form), 403, "form_expired")
    waiting = support.http.post(f"{PATH}/{number}/replay", data={"form_token": token(support, number)})
    assert (waiting.status_code, "cannot be sent again" in waiting.text) == (409, True)


def token(person: Person, number: int) -> str:
    """The token of the form of a message, also when its page has no form."""
    keys = person.server.app.keys
    session = next(cookie.value for cookie in person.http.cookies.jar if cookie.name.endswith("handcart_staff"))
    return str(keys.form_token(session, "message", str(number)))


def test_order_has_messages_then_its_page_lists_them(market: Market) -> None:
    order_id = market.order()["id"]
    number = write(market, order_id)
    page = is_page(Person(market.server).open(f"/console/orders/{market.slug}/{order_id}")).text
    assert f'<a href="{PATH}/{number}"><code>delivered</code></a> sms: pending' in page


def test_text_is_previewed_saved_and_reset_then_messages_have_it(market: Market) -> None:
    path, retailer_id = f"{TEXTS}/delivered", market.retailer.id
    manager = Person(market.server, "retailer_manager", retailer_id)
    page = is_page(manager.open(path, locale_of="fr-CA", channel="sms")).text
    assert "This is the standard text." in page
    page = is_page(manager.submit(path, text="C'est fait, {retailer}.", do="preview")).text
    assert "C&#39;est fait, Corner Market." in page
    assert "1 SMS part" in page
    assert market.server.read(texts.own, retailer_id) == []
    page = is_page(manager.submit(path, text="C'est fait, {retailer}.", do="save")).text
    assert "The text is saved." in page
    (own,) = market.server.read(texts.own, retailer_id)
    assert (own.locale, own.channel, own.text) == ("fr-CA", "sms", "C'est fait, {retailer}.")
    page = is_page(manager.submit(path, do="reset", text="x")).text
    assert "Messages have the standard text again." in page
    assert market.server.read(texts.own, retailer_id) == []
    entries = market.server.read(staff.entries, retailer_id=retailer_id, operation="change_texts")
    assert [one.subject for one in entries] == ["text/delivered"] * 2


@on_sqlite
@pytest.mark.parametrize("text", ["", "{shopper}", "{retailer.x}", "{", "x" * 2001, "<b>{link}</b>\u202e"])
def test_text_is_wrong_then_the_page_says_why_and_nothing_is_saved(market: Market, text: str) -> None:
    path = f"{TEXTS}/delivered"
    manager = Person(market.server, "retailer_manager", market.retailer.id)
    manager.open(path)
    page = is_page(manager.submit(path, text=text, do="save"), 400).text
    assert 'role="alert"' in page
    assert market.server.read(texts.own, market.retailer.id) == []
    is_error(manager.open(f"{TEXTS}/nothing"), 404, "not_found")
