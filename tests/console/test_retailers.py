"""Retailers in the console: add, change settings, two people at once."""

from handcart.core.web.pages import texts
from handcart.retailers import ops, settings
from tests.support import pictures
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.retailers import new_slug
from tests.support.server import LiveServer
from tests.support.shop import Shop

PATH = "/console/retailers"


def test_retailer_is_added_then_it_is_listed_with_its_page(server: LiveServer) -> None:
    admin, slug = Person(server), new_slug()
    is_page(admin.open(f"{PATH}/add"))
    with nothing_written(server):
        page = is_page(admin.submit(f"{PATH}/add", slug="Two words", name="Corner"), 400)
    assert "cannot be a slug" in page.text
    assert 'value="Two words"' in page.text
    assert "is added" in is_page(admin.submit(f"{PATH}/add", slug=slug, name="Corner")).text
    assert f'"{PATH}/{slug}"' in is_page(admin.open(PATH)).text
    assert admin.open(f"{PATH}/nobody-{slug}").status_code == 404


def test_settings_are_changed_then_each_is_stored_and_recorded(shop: Shop) -> None:
    admin, path = Person(shop.server), f"{PATH}/{shop.slug}"
    page = is_page(admin.open(path)).text
    for name, meaning in settings.meanings().items():
        assert f">{name}</code>" in page
        assert meaning.replace("'", "&#39;") in page
    changes = {"most_units": "7", "underage": "remove", "page_colour": "#0D6B62", "legal_age": "", "is_lenient": "true"}
    is_page(admin.submit(f"{path}/change", **changes, reason="new contract"))
    there = shop.server.read(ops.retailer, shop.retailer.id)
    assert (there.rules.most_units, there.rules.underage, there.rules.page_colour) == (7, "remove", "#0d6b62")
    assert (there.is_lenient, there.rules.legal_age, there.rules.warn_minutes) == (True, None, 60)
    (row,) = shop.server.sql(
        "SELECT reason, detail FROM audit_log WHERE operation = 'change_retailer' AND subject = $1",
        f"retailer/{shop.slug}",
    )
    assert row["reason"] == "new contract"
    assert set(changes) - {"legal_age"} <= {name for name in settings.NAMES if f'"{name}"' in row["detail"]}


def test_setting_that_cannot_be_then_the_sentence_and_what_was_typed(shop: Shop) -> None:
    admin, path = Person(shop.server), f"{PATH}/{shop.slug}"
    for name, value, sentence in (
        ("most_units", "many", "most_units cannot be"),
        ("page_colour", "#ffff00", "contrast"),
        ("underage", "perhaps", "refuse or remove"),
    ):
        admin.open(path)
        with nothing_written(shop.server):
            page = is_page(admin.submit(f"{path}/change", warn_minutes="45", **{name: value}), 400)
        assert sentence in page.text
        assert 'value="45"' in page.text


def test_two_people_change_settings_then_the_second_sees_both(shop: Shop) -> None:
    first, second, path = Person(shop.server), Person(shop.server), f"{PATH}/{shop.slug}"
    first.open(path)
    second.open(path)
    is_page(first.submit(f"{path}/change", most_units="7"))
    with nothing_written(shop.server):
        page = is_page(second.submit(f"{path}/change", most_units="9"), 409).text
    assert texts("en")["console.stale"] in page
    assert "<code>7</code>" in page
    assert 'value="9"' in page
    is_page(second.submit(f"{path}/change"))
    assert shop.server.read(ops.retailer, shop.retailer.id).rules.most_units == 9


def test_logo_is_uploaded_then_shown_until_it_is_removed(server: LiveServer) -> None:
    market, admin = Market(server), Person(server)
    path = f"{PATH}/{market.slug}"
    admin.open(path)
    assert admin.http.get(f"{path}/logo").status_code == 404
    token = {"form_token": admin.form(f"{path}/logo")["form_token"]}
    with nothing_written(server):
        assert is_page(admin.http.post(f"{path}/logo", data=token, files={"logo": b"<svg/>"}), 400)
        assert is_page(admin.http.post(f"{path}/logo", data=token), 400)
    assert admin.http.post(f"{path}/logo", data=token, files={"logo": pictures.file()}).status_code == 303
    assert f'src="{path}/logo?' in is_page(admin.open(path)).text
    assert admin.http.get(f"{path}/logo").headers["content-type"] == "image/jpeg"
    assert "The logo is changed." in is_page(admin.submit(f"{path}/logo", do="remove")).text
    assert admin.http.get(f"{path}/logo").status_code == 404
