"""Texts of messages: own ones in place of the standard ones, checked placeholders, parts of an SMS."""

from typing import Any

import pytest

from handcart.core.errors import Refused
from handcart.messages import texts
from handcart.messages.models import MAIL, PUSH, SMS
from tests.support.retailers import make_retailer
from tests.support.server import LiveServer, on_sqlite

VALUES = {"retailer": "Kim's", "link": "https://x.test/o/1"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("é" * 160, 1),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("a" * 134 + "ê", 3),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
    ],
)
def test_text_of_a_length_then_its_parts(text: str, parts: int) -> None:
    assert texts.parts(text) == parts


def render(server: LiveServer, retailer_id: int, channel: str = SMS, locale: str = "en-US", **values: str) -> Any:
    given = {**VALUES, **values}
    return server.read(texts.render, retailer_id, "delivered", locale, channel, given)


def test_own_texts_then_the_retailers_before_the_operators(server: LiveServer) -> None:
    retailer_id = make_retailer(server).id
    standard = render(server, retailer_id)
    server.write(texts.change, texts.OPERATOR, "delivered", "en-US", SMS, "{retailer} is done")
    try:
        assert render(server, retailer_id).text == "Kim's is done"
        server.write(texts.change, retailer_id, "delivered", "en-US", SMS, "Done: {link}")
        assert render(server, retailer_id).text == "Done: https://x.test/o/1"
        assert render(server, retailer_id, locale="en-CA") == render(server, retailer_id, MAIL) == standard
        assert [one.text for one in server.read(texts.own, retailer_id)] == ["Done: {link}"]
        assert server.write(texts.reset, retailer_id, "delivered", "en-US", SMS)
        assert not server.write(texts.reset, retailer_id, "delivered", "en-US", SMS)
    finally:
        server.write(texts.reset, texts.OPERATOR, "delivered", "en-US", SMS)
    assert render(server, retailer_id) == standard


def test_own_mail_then_its_first_line_is_the_subject(server: LiveServer) -> None:
    retailer_id = make_retailer(server).id
    server.write(texts.change, retailer_id, "delivered", "en-US", MAIL, "It came, {retailer}\r\n\r\nHello.\n{link}")
    found = render(server, retailer_id, MAIL)
    assert (found.title, found.text) == ("It came, Kim's", "Hello.\nhttps://x.test/o/1")
    server.write(texts.change, retailer_id, "delivered", "en-US", PUSH, "It came")
    assert render(server, retailer_id, PUSH) == texts.Text("It came", "It came")


@on_sqlite
def test_own_text_is_of_an_earlier_release_then_the_standard_one(server: LiveServer) -> None:
    retailer_id = make_retailer(server).id
    server.write(texts.change, retailer_id, "delivered", "en-US", SMS, "{link}")
    server.sql(
        "UPDATE message_texts SET text = '{gone}' WHERE retailer_id = $1 RETURNING text",
        retailer_id,
    )
    assert render(server, retailer_id).text.startswith("Kim's: your order was delivered.")


@on_sqlite
def test_order_has_no_link_then_its_sentence_is_left_out(server: LiveServer) -> None:
    retailer_id = make_retailer(server).id
    assert render(server, retailer_id, link="").text == "Kim's: your order was delivered. Thank you!"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"template": "nothing"}, "there is no text 'nothing'"),
        ({"locale": "de-DE"}, "'de-DE' is not a language of messages"),
        ({"channel": "fax"}, "'fax' is not a channel"),
        ({"text": ""}, "the text is empty"),
        ({"text": "x" * 2001}, "the text has 2001 characters: use at most 2000"),
        ({"text": "a\u202eb"}, "control or invisible characters"),
        ({"text": "a\x00b"}, "control or invisible characters"),
        ({"text": "{shopper}"}, "the text has the placeholder {shopper}: this text can have {link}, {retailer}"),
        ({"text": "{retailer.name}"}, "braces of the text do not fit"),
        ({"text": "{retailer!r}"}, "braces of the text do not fit"),
        ({"text": "{retailer:>99999999}"}, "braces of the text do not fit"),
        ({"text": "{retailer[0]}"}, "braces of the text do not fit"),
        ({"text": "{}"}, "braces of the text do not fit"),
        ({"text": "{retailer"}, "braces of the text do not fit"),
        ({"text": "retailer}"}, "braces of the text do not fit"),
    ],
)
def test_own_text_is_wrong_then_the_refusal_says_why(changes: dict[str, str], why: str) -> None:
    given = {"template": "delivered", "locale": "en-US", "channel": SMS, "text": "{link}", **changes}
    with pytest.raises(Refused) as refused:
        texts.check(**given)
    assert why in str(refused.value)


def test_braces_are_doubled_then_they_are_braces() -> None:
    texts.check("delivered", "en-US", SMS, "{{ {link}")
    assert texts.fill("{{ {link}", VALUES) == "{ https://x.test/o/1"
