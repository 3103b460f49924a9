"""The locale of a page, by the wishes of the request."""

import pytest

from handcart.core.web import pages


@pytest.mark.parametrize(
    ("header", "wanted", "locale"),
    [
        (None, None, "en-US"),
        ("", "", "en-US"),
        ("*", None, "en-US"),
        ("en-US", None, "en-US"),
        ("en-CA", None, "en-CA"),
        ("EN-ca", None, "en-CA"),
        ("en_CA", None, "en-CA"),
        ("fr-CA", None, "fr-CA"),
        ("fr_CA", None, "fr-CA"),
        ("fr", None, "fr-CA"),
        ("fr-FR, en;q=0.5", None, "fr-CA"),
        ("fr-Latn-CA", None, "fr-CA"),
        ("en-GB", None, "en-US"),
        ("en;q=0.4, fr;q=0.6", None, "fr-CA"),
        ("fr;q=0.4, en-CA", None, "en-CA"),
        ("fr;q=0.5, en-CA;q=0.5", None, "fr-CA"),
        ("fr;q=0, en-CA;q=0.1", None, "en-CA"),
        ("fr;q=0.000", None, "en-US"),
        ("fr;q=2, en-CA", None, "en-CA"),
        ("fr;q=abc", None, "en-US"),
        ("fr;q=1e9, fr;q=nan, fr;q=-1, fr;q=\u0660", None, "en-US"),
        ("fr ; Q=0.8", None, "fr-CA"),
        ("de", None, "en-US"),
        ("iu-CA", None, "en-CA"),
        ("iu-CA, fr;q=0.1", None, "fr-CA"),
        ("de-DE, de;q=0.9, fr-CH;q=0.3", None, "fr-CA"),
        ("french, enormous", None, "en-US"),
        ("en-US", "fr-CA", "fr-CA"),
        ("fr-CA", "en_US", "en-US"),
        ("fr-CA", "de", "fr-CA"),
        (None, "iu-CA", "en-CA"),
        ("fr-CA", "../../etc/passwd", "fr-CA"),
        ("," * 10_000, None, "en-US"),
        ("fr-" + "a-" * 5_000, None, "fr-CA"),
        ("x" * 10_000 + ",fr", None, "en-US"),
        (";;;=,;q=,q=1;;,\x00\r\n\ud800", "\x00", "en-US"),
    ],
)
def test_locale_is_chosen_by_wish_then_weight_then_country(header: str | None, wanted: str | None, locale: str) -> None:
    assert pages.choose_locale(header, wanted) == locale


def test_page_is_also_in_spanish_then_chosen_for_those_who_read_it() -> None:
    def chosen(header: str | None, wanted: str | None = None) -> str:
        return pages.choose_locale(header, wanted, pages.LOCALES_WITH_SPANISH)

    assert [chosen("es"), chosen("es-MX, en;q=0.5"), chosen("en", "es-US")] == ["es-US"] * 3
    assert [chosen("en, es;q=0.5"), chosen(None), chosen("es", "fr")] == ["en-US", "en-US", "fr-CA"]
    assert pages.choose_locale("es-US, fr;q=0.1") == "fr-CA"
