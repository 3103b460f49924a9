"""A retailer's settings as people write and read them."""

from typing import Any

import pytest

from handcart.core.errors import Refused
from handcart.retailers import settings
from handcart.retailers.models import SWITCHES, Retailer, Rules

RETAILER = Retailer(
    id=1,
    organization_id=1,
    isolation_id=1,
    slug="corner",
    name="Corner Market",
    allows_user_deletion=True,
    is_lenient=False,
    serves_everywhere=False,
    rules=Rules(),
)


def test_settings_are_listed_then_every_switch_and_rule_has_a_meaning() -> None:
    assert [*settings.NAMES] == [*SWITCHES, *Rules.__struct_fields__]
    assert settings.values(RETAILER).keys() == settings.meanings().keys()


def test_value_is_written_then_it_is_read_back() -> None:
    for name, value in settings.values(RETAILER).items():
        assert settings.read([f"{name}={settings.written(value)}"]) == {name: value}


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("is_lenient=yes", True),
        ("is_lenient=ON", True),
        ("is_lenient=1", True),
        ("is_lenient=No", False),
        ("most_units=0", 0),
        ("most_units=1000000", 1_000_000),
        ("legal_age=none", None),
        ("legal_age=19", 19),
        ("underage=remove", "remove"),
        ("site_url=https://shop.example.org/a?b=C", "https://shop.example.org/a?b=C"),
        ("site_url=http://localhost:8002/", "http://localhost:8002/"),
    ],
)
def test_value_is_in_other_words_then_it_is_read_in_its_type(pair: str, value: Any) -> None:
    read = settings.read([pair])[pair.partition("=")[0]]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["most_units=many"], "most_units cannot be 'many': write a whole number from 0 to 1000000"),
        (["most_units=-1"], "most_units cannot be '-1': write a whole number from 0 to 1000000"),
        (["most_units=1.5"], "most_units cannot be '1.5': write a whole number from 0 to 1000000"),
        (["most_units="], "most_units cannot be '': write a whole number from 0 to 1000000"),
        (["most_units=none"], "most_units cannot be 'none': write a whole number from 0 to 1000000"),
        (["alcohol_until_hour=25"], "alcohol_until_hour cannot be '25': write a whole number from 0 to 24"),
        (["legal_age=old"], "legal_age cannot be 'old': write a whole number from 0 to 120 or none"),
        (["underage=ignore"], "underage cannot be 'ignore': write refuse or remove"),
        (["offers_eta=2"], "offers_eta cannot be '2': write true or false"),
        *(
            (
                [f"site_url={url}"],
                f"site_url cannot be {url!r}: write an address such as https://shop.example.org or none",
            )
            for url in (
                "javascript:alert(1)",
                "https:///",
                "http://shop.example.org",
                "https://a b",
                "https://a\n",
                "//a",
            )
        ),
        (["site_url=https://" + "a" * 500], "site_url cannot be"),
        (["is_lenient"], "write NAME=VALUE, not 'is_lenient'"),
        (["is_lenient=no", "is_lenient=no"], "is_lenient is given twice"),
        (["name=Corner"], "there is no setting 'name': the settings are allows_user_deletion, "),
    ],
)
def test_value_invalid_then_a_sentence_lists_the_valid_ones(pairs: list[str], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        settings.read(pairs)
    assert str(refused.value).startswith(sentence)
