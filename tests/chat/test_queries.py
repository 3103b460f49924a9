"""The text of a message for its reader."""

import pytest

from handcart.chat import queries
from handcart.chat.models import PHRASES, SHOPPER, Message
from handcart.core.web.pages import texts


def said(phrase: str | None = None, body: str | None = None) -> Message:
    return Message(1, SHOPPER, 2, None, None, phrase, body, None, 0, None)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en-US", "Thank you!"),
        ("fr-CA", "Merci!"),
        ("es-US", "¡Gracias!"),
        ("de-DE", "Thank you!"),
        (None, "Thank you!"),
    ],
)
def test_phrase_then_each_reader_sees_it_in_their_language(locale: str | None, shown: str) -> None:
    assert queries.text(said("thanks"), locale) == shown


def test_text_or_picture_then_it_is_shown_as_it_was_written() -> None:
    assert queries.text(said(body="<b>\u202eThanks"), "fr-CA") == "<b>\u202eThanks"
    assert queries.text(said(), "fr-CA") == ""


def test_phrases_then_each_language_has_all_and_no_markup() -> None:
    for language in ("en", "fr", "es"):
        found = {key: text for key, text in texts(language).items() if key.startswith("chat.phrase.")}
        assert {key.rpartition(".")[2] for key in found} == set(PHRASES)
        assert not [text for text in found.values() if set(text) & set("<>&{}")]
