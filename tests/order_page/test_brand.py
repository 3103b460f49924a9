"""The retailer's name, logo and colour on the pages of its orders."""

import io

import pytest
from PIL import Image

from handcart.core.errors import Refused
from handcart.core.web import colours
from handcart.order_page import brand
from handcart.pictures import logos
from handcart.retailers import ops as retailers
from handcart.retailers import settings
from tests.order_page.customer import Customer, path_of
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import on_sqlite


def png(side: int = 64) -> bytes:
    """A picture."""
    written = io.BytesIO()
    Image.new("RGBA", (side, side), (13, 107, 98, 128)).save(written, "PNG")
    return written.getvalue()


@on_sqlite
def test_retailer_has_a_colour_then_its_pages_have_its_stylesheet(customer: Customer, market: Market) -> None:
    order = customer.order()
    assert brand.COLOURS not in customer.open(order).text
    market.server.write(retailers.change, market.slug, {"page_colour": "#8a1c4a"})
    assert '<link rel="stylesheet" href="/order-colours/8a1c4a.css">' in customer.open(order).text
    sheet = customer.http.get("/order-colours/8a1c4a.css")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "--brand: #8a1c4a;" in sheet.text


@on_sqlite
def test_retailer_has_a_site_then_its_pages_link_to_it(customer: Customer, market: Market) -> None:
    order = customer.order()
    assert "Go to " not in customer.open(order).text
    market.server.write(retailers.change, market.slug, {"site_url": "https://shop.example.org/?a=1&b=2"})
    assert (
        '<a href="https://shop.example.org/?a=1&amp;b=2" rel="noreferrer">Go to '
        in customer.http.get(path_of(order)).text
    )


@pytest.mark.parametrize("text", ["#0d6b6", "0d6b62", "red", "#0d6b62; }", "#gggggg", "#0d6b62\n", ""])
def test_colour_is_not_one_then_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="write a colour such as #0d6b62 or none"):
        settings.read([f"page_colour={text}"])


@on_sqlite
def test_colour_cannot_be_read_then_refused(market: Market) -> None:
    with nothing_written(market.server), pytest.raises(Refused, match="its contrast with white"):
        market.server.write(retailers.change, market.slug, {"page_colour": "#ffff00"})


@pytest.mark.parametrize("colour", ["#0d6b62", "#000000", "#767676", "#8a1c4a", "#0000ff", "#c00000"])
def test_sheet_of_any_colour_then_it_can_be_read_in_light_and_dark(colour: str) -> None:
    lines = [line.split() for line in brand.sheet(colour).splitlines() if "--" in line]
    light, light_hover, on_light, dark, dark_hover, on_dark = (value.rstrip(";") for _, value in lines)
    for behind in ("#f4f3ee", "#ffffff", "#eef3f1"):
        assert colours.contrast(light, behind) >= colours.TEXT
        assert colours.contrast(light_hover, behind) >= colours.TEXT
    for behind in ("#0f1514", "#18201e", "#1f2b28"):
        assert colours.contrast(dark, behind) >= colours.TEXT
        assert colours.contrast(dark_hover, behind) >= colours.TEXT
    assert colours.contrast(on_light, light) >= colours.TEXT
    assert colours.contrast(on_dark, dark) >= colours.TEXT


@pytest.mark.parametrize("name", ["x.css", "0d6b62", "0D6B62.css", "0d6b62.css.css", "..%2f"])
@on_sqlite
def test_stylesheet_of_no_colour_then_not_found(market: Market, name: str) -> None:
    assert market.http.get(brand.COLOURS + name).status_code == 404


@on_sqlite
def test_retailer_has_a_logo_then_its_pages_show_it(customer: Customer, market: Market) -> None:
    order = customer.order()
    path = path_of(order) + "/logo"
    assert customer.http.get(path).status_code == 404
    for _ in range(2):
        market.server.write(logos.change, market.slug, png())
    assert f'src="{path}"' in customer.open(order).text
    assert customer.http.get(path).headers["content-type"] == "image/jpeg"
    market.server.write(logos.change, market.slug, None)
    assert customer.http.get(path).status_code == 404


@pytest.mark.parametrize("sent", [b"", b"<svg/>", png(8), b"\0" * (logos.MOST_BYTES + 1)])
@on_sqlite
def test_logo_is_no_picture_then_refused(market: Market, sent: bytes) -> None:
    market.server.write(logos.change, market.slug, png())
    with nothing_written(market.server), pytest.raises(Refused):
        market.server.write(logos.change, market.slug, sent)
