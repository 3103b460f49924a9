"""The table of templates and its texts are complete, in every language, and short."""

import re
import tomllib
from pathlib import Path

import pytest

from handcart.events.kinds import KINDS
from handcart.messages import texts
from handcart.messages.models import CHANNELS, SMS
from handcart.messages.texts import SAMPLES
from handcart.notifications import replies
from handcart.notifications.templates import TEMPLATES

HERE = Path(replies.__file__).parent
OF_ANSWERS = {"answer_accepted", "answer_unclear", "answers_unclear", "answer_too_late", "nobody_reads"}
OF_NUMBERS = {"sms_unsubscribed", "sms_subscribed", "sms_help", "sms_info", "sms_first"}
# With a link of 62 characters and two long names. French and Spanish have letters that need 16 bits.
MOST_PARTS = {"en": 2, "fr": 5, "es": 5}


def written(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((HERE / "texts" / f"{language}.toml").read_text("utf-8"))


def test_events_that_are_told_then_each_has_a_template() -> None:
    assert {one.event for one in TEMPLATES} == {kind.name for kind in KINDS.values() if kind.is_told}


def test_templates_then_each_has_a_text_in_each_language() -> None:
    names = {one.name for one in TEMPLATES} | OF_ANSWERS | OF_NUMBERS
    for language in ("en", "fr", "es"):
        tables = written(language)
        assert tables.keys() - {"word"} == names, language
        assert all(one.keys() == {"title", "text"} for name, one in tables.items() if name != "word")
        assert tables["word"].keys() == written("en")["word"].keys()


def test_languages_then_a_text_has_the_same_placeholders_in_each() -> None:
    for name in written("en").keys() - {"word"}:
        found = [set(re.findall(r"\{\w+\}", texts.standard(language)[name].text)) for language in ("en", "fr", "es")]
        assert found[0] == found[1] == found[2], name
    for key, text in written("en")["word"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", written("fr")["word"][key])), key


def test_placeholders_then_each_has_a_sample() -> None:
    for name in written("en").keys() - {"word"}:
        assert texts.placeholders(name) <= SAMPLES.keys(), name


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_texts_with_samples_then_few_parts_of_an_sms(locale: str) -> None:
    for name in written("en").keys() - {"word"}:
        shown = texts.preview(name, locale, SMS, None)
        assert shown.parts <= MOST_PARTS[locale[:2]], (name, shown.parts, shown.text)
        assert "{" not in shown.text


def test_english_texts_then_the_alphabet_of_sms() -> None:
    for name in written("en").keys() - {"word"}:
        shown = texts.preview(name, "en-US", SMS, None)
        assert shown.parts == texts.parts(shown.text) == (1 if len(shown.text) <= 160 else -(-len(shown.text) // 153))


def test_texts_for_all_channels_then_title_and_text() -> None:
    for channel in CHANNELS:
        shown = texts.preview("delivered", "en-CA", channel, None)
        assert (shown.title, shown.text.startswith("Corner Market: ")) == ("Your order was delivered", True)


@pytest.mark.parametrize("channel", CHANNELS)
def test_standard_texts_are_taken_for_own_ones_then_they_are_allowed(channel: str) -> None:
    for locale in texts.LOCALES:
        for name in texts.standard(locale[:2]):
            texts.check(name, locale, channel, texts.written(name, locale, channel))
