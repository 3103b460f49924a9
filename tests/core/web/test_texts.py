"""The texts of the pages: equal in both languages, used, escaped; names and dates within them."""

import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.web import pages
from tests.architecture.test_layers import RANKS

ROOT = Path(pages.__file__).parents[2]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_two_languages_then_equal_keys_and_placeholders() -> None:
    english, french = pages.texts("en"), pages.texts("fr")
    assert list(english) == list(french)
    for key, text in english.items():
        assert placeholders(text) - {"brand"} == placeholders(french[key]) - {"brand"}, key


def test_spanish_then_all_keys_of_its_domains_with_their_placeholders() -> None:
    english, spanish = pages.texts("en"), pages.texts("es")
    for key, text in spanish.items():
        assert placeholders(text) - {"brand"} == placeholders(english[key]) - {"brand"}, key
    for file in ROOT.glob("**/locales/es.toml"):
        keys = [list(pages._flat(tomllib.loads(one.read_text("utf-8")))) for one in (file, file.with_name("en.toml"))]
        assert {key for key, _ in keys[0]} == {key for key, _ in keys[1]}, file


def test_texts_and_templates_then_they_use_each_other() -> None:
    source = "".join(path.read_text("utf-8") for path in ROOT.glob("**/templates/*.html"))
    used = set(re.findall(r'\bt\("([a-z_.]+)"[,)]', source))
    forms = {re.sub(r"\.(one|other)$", "", key) for key in pages.texts("en")}
    assert used - forms == set()
    # t("roles." + role) uses every text whose key begins so.
    beginnings = re.findall(r'\bt\("([a-z_.]+)" ?\+', source)
    # Modules, macros and conditions name a text, or the table of it.
    modules = "".join(path.read_text("utf-8") for path in ROOT.glob("*/*.py"))
    named = set(re.findall(r'"((?:console|chat|retailers)\.[a-z_.]+)["{]', modules + source)) - {
        "console.js",
        "console.css",
    }
    used |= named & forms
    beginnings += [name if name[-1] in "._" else f"{name}." for name in named - forms]
    assert [one for one in beginnings if not any(key.startswith(one) for key in forms)] == []
    unused = {key for key in forms - used if not key.startswith(tuple(beginnings))}
    assert {key for key in unused if not re.fullmatch(r"error\.[a-z_]+\.(title|message)", key)} == set()


def test_key_in_two_files_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_PACKAGE", tmp_path)
    for domain, text in (("accounts", 'lead = "One"'), ("oauth", 'lead = "Two"\ntitle = "Three"')):
        (tmp_path / domain / "locales").mkdir(parents=True)
        (tmp_path / domain / "locales" / "en.toml").write_text(f"[sign_in]\n{text}\n")
    with pytest.raises(ValueError, match=r"oauth/locales/en\.toml.*: sign_in\.lead$"):
        pages.texts.__wrapped__("en")


def test_template_then_only_texts_and_files_of_domains_before_it() -> None:
    uses = [
        (path.relative_to(ROOT).parts[0], kind, name)
        for path in ROOT.glob("**/templates/*.html")
        for kind, name in re.findall(
            r'\b(t\(|static_url\(|include |extends )"([A-Za-z0-9_./]+)"(?! ?\+)', path.read_text("utf-8")
        )
    ]
    owners = {"static_url(": {name: file.relative_to(ROOT).parts[0] for name, file in pages.static_files().items()}}
    owners["t("] = {
        re.sub(r"\.(one|other)$", "", key): path.relative_to(ROOT).parts[0]
        for path in ROOT.glob("**/locales/en.toml")
        for key, _ in pages._flat(tomllib.loads(path.read_text("utf-8")))
    }
    assert {domain for domain, _, _ in uses} >= {"core", "sign_in", "accounts", "oauth", "linking"}
    for domain, kind, name in uses:
        owner = owners[kind][name] if kind in owners else name.partition("/")[0]
        assert RANKS[owner] <= RANKS[domain], f"a template of {domain} uses {name} of {owner}"


def test_french_then_canadian_typography() -> None:
    for key, text in pages.texts("fr").items():
        assert not re.search(
            r"[\s\u00a0\u202f][!?;]|(?<!\u00a0):(?!\d\d|//)|'|\"|\.\.\.|«(?!\u00a0)|(?<!\u00a0)»", text
        ), key


def test_text_with_parameters_then_they_are_escaped_and_counted() -> None:
    lead = pages.text("en-US", "sign_in.lead_retailer", brand="<b>", retailer=pages.isolated("A & B"))
    assert lead == "Log in with your &lt;b&gt; email and password to continue to <bdi>A &amp; B</bdi>."
    assert pages.text("en-CA", "consent.lasts", count=1) == "This authorization lasts one hour."
    assert pages.text("fr-CA", "consent.lasts", count=24) == "Cette autorisation est valable 24 heures."


@pytest.mark.parametrize(("key", "params"), [("sign_in.nothing", {}), ("sign_in.private", {})])
def test_text_without_key_or_parameter_then_refused(key: str, params: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        pages.text("en-US", key, **params)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sample Grocer", "<bdi>Sample Grocer</bdi>"),
        ("<script>", "<bdi>&lt;script&gt;</bdi>"),
        (" Sample\t\r\n\u00a0Grocer ", "<bdi>Sample Grocer</bdi>"),
        ("moc.\u202eelpmaxe\u2066\u200f\x07\ud800", "<bdi>moc.elpmaxe</bdi>"),
        ("Épicerie 市場", "<bdi>Épicerie 市場</bdi>"),
        ("W" * 60, f"<bdi>{'W' * 60}</bdi>"),
        ("W" * 61, f"<bdi>{'W' * 59}…</bdi>"),
        ("W" * 10_000, f"<bdi>{'W' * 59}…</bdi>"),
        ("\u202e", "<bdi>?</bdi>"),
        ("", "<bdi>?</bdi>"),
    ],
)
def test_name_isolated_then_printable_and_short(name: str, shown: str) -> None:
    assert pages.isolated(name) == shown


def at(text: str) -> int:
    return clock.from_wire(text, "")


@pytest.mark.parametrize(
    ("locale", "moment", "written"),
    [
        ("en-US", 0, "January 1, 1970"),
        ("en-CA", at("2025-07-10T00:00:00Z") - 1, "July 9, 2025"),
        ("fr-CA", at("2025-07-10T00:00:00Z") - 1, "9 juillet 2025"),
        ("fr-CA", at("2025-07-01T00:00:00Z"), "1er juillet 2025"),
        ("fr-CA", at("2025-07-11T00:00:00Z"), "11 juillet 2025"),
        ("en-US", 253_402_300_799_000_000, "December 31, 9999"),
    ],
)
def test_date_then_long_and_utc(locale: str, moment: int, written: str) -> None:
    assert pages.date(locale, moment) == written


@pytest.mark.parametrize(
    ("locale", "zone", "written"),
    [
        ("en-US", "America/Chicago", "Jul 9, 2025, 3:04:05 PM CDT"),
        ("en-US", "UTC", "Jul 9, 2025, 8:04:05 PM UTC"),
        ("fr-CA", "America/Toronto", "9 juill. 2025, 16 h 04 min 05 s HAE"),
    ],
)
def test_moment_then_with_the_short_name_of_its_zone(locale: str, zone: str, written: str) -> None:
    assert pages.moment(locale, at("2025-07-09T20:04:05Z"), zone).replace("\u202f", " ") == written


def test_date_with_a_time_zone_then_it_is_of_that_zone() -> None:
    before_midnight = at("2025-01-01T00:00:00-06:00") - 1
    assert pages.date("en-US", before_midnight, "America/Chicago") == "December 31, 2024"
    assert pages.date("en-US", before_midnight) == "January 1, 2025"


@pytest.mark.parametrize(("language", "other"), [("fr", "livreu|coursi|magasini"), ("es", "repartidor|mensajer")])
def test_shopper_is_named_then_by_one_term_of_the_language(language: str, other: str) -> None:
    """The terms are `acheteur` and `comprador`."""
    files = [*ROOT.glob(f"*/locales/{language}.toml"), *ROOT.glob(f"*/texts/{language}.toml")]
    assert len(files) > 5
    texts = {path: path.read_text("utf-8").lower() for path in files}
    assert [path for path, text in texts.items() if re.search(other, text)] == []
