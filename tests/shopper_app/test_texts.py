"""The app's texts: every language has the same keys, with the same values in them."""

import json
import re

import pytest

from handcart.acts.rules import GOODS, RULES
from handcart.core.web.pages import texts
from tests.support.process import ROOT

APP = ROOT / "handcart" / "shopper_app" / "app"
TEXTS = {path.stem: json.loads(path.read_text()) for path in (APP / "texts").iterdir()}
ENGLISH = TEXTS["en-US"]


def values(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", text))


def test_languages_are_counted_then_the_app_knows_each() -> None:
    offered = re.search(r"LOCALES = \{(.*?)\};", (APP / "text.js").read_text(), re.DOTALL)
    assert offered
    assert set(re.findall(r"'(\w\w-\w\w)':", offered[1])) == TEXTS.keys()


@pytest.mark.parametrize("locale", TEXTS)
def test_texts_of_a_language_then_the_same_keys_and_values_as_english(locale: str) -> None:
    assert TEXTS[locale].keys() == ENGLISH.keys()
    assert {key: values(text) for key, text in TEXTS[locale].items()} == {
        key: values(text) for key, text in ENGLISH.items()
    }
    assert list(TEXTS[locale]) == sorted(TEXTS[locale]), "texts are sorted by key"
    assert all(text.strip() for text in TEXTS[locale].values())


def test_text_has_a_form_for_one_then_it_has_the_other_one() -> None:
    for key in ENGLISH:
        stem, _, form = key.rpartition(".")
        if form in ("one", "other"):
            assert {f"{stem}.one", f"{stem}.other"} <= ENGLISH.keys(), key
            assert "count" in values(ENGLISH[key]), key


def test_module_asks_for_a_text_then_it_exists() -> None:
    stems = {re.sub(r"\.(one|other)$", "", key) for key in ENGLISH}
    missing = {
        f"{path.name}: {key}"
        for path in APP.rglob("*.js")
        for key in re.findall(r"\bt\('([\w.]+)'", path.read_text())
        if key not in stems
    }
    assert missing == set()


def test_text_exists_then_a_module_asks_for_it() -> None:
    sources = "\n".join(path.read_text() for path in APP.rglob("*.js"))
    # `verb.${act.verb}`: every text that begins so is asked for.
    families = set(re.findall(r"t\([^()]*`(\w+[._])[\w.]*\$\{", sources)) | set(
        re.findall(r"`(\w+\.\w*_)\$\{", sources)
    )
    unused = {
        key
        for key in {re.sub(r"\.(one|other)$", "", key) for key in ENGLISH}
        if f"'{key}'" not in sources and not key.startswith(tuple(families))
    }
    assert unused == set()


def test_act_is_refused_then_the_app_has_the_rules_sentence() -> None:
    assert {f"goods.{name}" for name in GOODS} <= ENGLISH.keys()
    for name, rule in RULES.items():
        assert ENGLISH[f"rule.{name}"] == rule.text.replace("{}", "{about}")


def test_phrase_of_the_chat_then_the_app_has_it_as_the_pages_have_it() -> None:
    for locale, found in TEXTS.items():
        of_pages = {key: text for key, text in texts(locale[:2]).items() if key.startswith("chat.phrase.")}
        assert of_pages == {key: text for key, text in found.items() if key.startswith("chat.phrase.")}
