"""The retailer's name, logo and colour on the pages of its orders.

The colour is a setting, the logo a picture. The stylesheet of a colour is the same for everybody.
"""

import re

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web import colours
from handcart.core.web.call import Call, Reply
from handcart.order_page import pictures
from handcart.order_page.browser import OrderBrowser
from handcart.pictures import logos

COLOURS = "/order-colours/"
_FILE = re.compile(r"([0-9a-f]{6})\.css")
_SHEET = """\
:root {{
  --brand: {light};
  --brand-hover: {light_hover};
  --on-brand: {on_light};
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --brand: {dark};
    --brand-hover: {dark_hover};
    --on-brand: {on_dark};
  }}
}}
"""
# The page of `handcart.css` with the least contrast, in light and in dark.
_LIGHT, _DARK = "#eef3f1", "#1f2b28"
_BLACK, _WHITE = "#000000", "#ffffff"


def sheet(colour: str) -> str:
    """The stylesheet for a colour; it is made darker or lighter where it could not be read."""
    light, dark = colours.readable(colour, _LIGHT), colours.readable(colour, _DARK)
    return _SHEET.format(
        light=light,
        light_hover=colours.mixed(light, _BLACK, 0.15),
        on_light=_on(light),
        dark=dark,
        dark_hover=colours.mixed(dark, _WHITE, 0.25),
        on_dark=_on(dark),
    )


async def stylesheet(call: Call) -> Reply:
    """The stylesheet of a colour, such as `/order-colours/0d6b62.css`."""
    found = _FILE.fullmatch(call.path["name"])
    if found is None:
        raise errors.not_found()
    headers = (
        (b"content-type", b"text/css; charset=utf-8"),
        (b"cache-control", b"public, max-age=86400"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    return Reply(200, sheet(f"#{found[1]}").encode(), headers, is_private=False)


async def logo(browser: OrderBrowser) -> Reply:
    """The retailer's logo; 404 if it has none."""
    return await browser.call.app.database.read(_logo, browser.retailer.id)


async def has_logo(tx: Tx, retailer_id: int) -> bool:
    """Whether a retailer has a logo."""
    return await logos.of_retailer(tx, retailer_id) is not None


async def _logo(tx: Tx, retailer_id: int) -> Reply:
    picture = await logos.of_retailer(tx, retailer_id)
    if picture is None:
        raise errors.not_found()
    return await pictures.reply(tx, picture)


def _on(colour: str) -> str:
    """Black or white, which of them can be read better on a colour."""
    return max((_BLACK, _WHITE), key=lambda one: colours.contrast(one, colour))
