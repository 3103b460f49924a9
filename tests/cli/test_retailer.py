"""`handcart retailer`: what is listed, shown and set, on the running server."""

from pathlib import Path

import pytest

from handcart.retailers import ops, settings
from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.shop import Shop

ROOT = Path(__file__).resolve().parents[2]


def test_retailers_listed_then_each_with_its_organization_and_settings(run: Run, shop: Shop) -> None:
    found = answer(run("retailer", "list", "--json"))["retailers"]
    mine = next(one for one in found if one["retailer"] == shop.slug)
    assert mine == answer(run("retailer", "show", shop.slug, "--json"))
    assert (mine["name"], mine["organization"], mine["shares_users"]) == ("Sample Market", shop.slug, False)
    assert mine["settings"] == settings.values(shop.retailer)
    lines = run("retailer", "list").output.splitlines()
    assert [shop.slug, shop.slug, "Sample", "Market"] in [line.split() for line in lines]


def test_retailer_shown_then_every_setting_with_its_meaning(run: Run, shop: Shop) -> None:
    printed = run("retailer", "show", shop.slug).output
    for name, meaning in settings.meanings().items():
        (line,) = [line for line in printed.splitlines() if line.startswith(f"{name} ")]
        assert line.endswith(meaning)


def test_settings_set_then_they_hold_at_once(run: Run, shop: Shop) -> None:
    unknown = {"items": [{"item": {"upc": "400000000015"}, "count": 1}]}
    assert shop.post("/v2/fulfillment/validate_items", unknown).json()["validation_failures"]
    result = run("retailer", "set", shop.slug, "is_lenient=yes", "most_units=7", "legal_age=none")
    assert result.output == f"{shop.slug} now has is_lenient=true, most_units=7, legal_age=none.\n"
    assert shop.post("/v2/fulfillment/validate_items", unknown).json()["validation_failures"] == []
    assert shop.server.read(ops.retailer, shop.retailer.id).rules.most_units == 7
    set_again = answer(run("retailer", "set", shop.slug, "is_lenient=no", "--json"))
    assert set_again["settings"] == {**settings.values(shop.retailer), "most_units": 7}


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (("most_units=7", "is_lenient=perhaps"), "is_lenient cannot be 'perhaps': write true or false"),
        (("most_units=7", "nothing=1"), "there is no setting 'nothing'"),
        (("most_units",), "write NAME=VALUE"),
    ],
)
def test_settings_that_cannot_be_then_a_sentence_and_none_is_set(
    run: Run, shop: Shop, pairs: tuple[str, ...], sentence: str
) -> None:
    with nothing_written(shop.server):
        assert sentence in refusal(run("retailer", "set", shop.slug, *pairs))


@pytest.mark.parametrize("arguments", [("show", "nobody"), ("set", "nobody", "most_units=7")])
def test_unknown_retailer_then_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    assert "there is no retailer 'nobody'" in refusal(run("retailer", *arguments))


@pytest.mark.parametrize("slug", ["", "Corner", "corner market", "-corner", "corner-", "a" * 64, "corner/1", "ü"])
def test_slug_that_is_none_then_refused(run: Run, slug: str) -> None:
    assert "cannot be a slug" in refusal(run("retailer", "create", "--slug", slug, "--name", "Corner Market"))


def test_retailer_made_twice_then_refused(run: Run, shop: Shop) -> None:
    assert "already" in refusal(run("retailer", "create", "--slug", shop.slug))


def test_page_about_commands_then_it_has_every_setting_as_it_is_shown(shop: Shop) -> None:
    page = (ROOT / "docs" / "operations" / "commands.md").read_text()
    for name, value in settings.values(shop.retailer).items():
        assert f"| `{name}` | `{settings.written(value)}` | {settings.meanings()[name]} |" in page
