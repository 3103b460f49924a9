"""A customer with an order and its link, in a browser without JavaScript."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.shop import new_address


class Customer:
    """Places orders at a market and opens their pages."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.http = market.server.http(address=new_address())

    def order(self, kind: str = "delivery", **fields: Any) -> dict[str, Any]:
        """The answer to a new order."""
        return self.market.order(kind, **fields)

    def open(self, order: dict[str, Any], after: str = "", status: int = 200, **headers: str) -> httpx.Response:
        """The page of an order, or what is under it."""
        return is_page(self.http.get(path_of(order) + after, headers=headers), status)

    def submit(self, page: httpx.Response, after: str, status: int = 200, **fields: str) -> httpx.Response:
        """Send the first form of a page that leads to what is under its order; returns the page that follows."""
        action, hidden = next(one for one in forms(page) if one[0].endswith(after) and one[1])
        answer = self.http.post(action, data={**hidden, **fields})
        if status == 200:
            assert answer.status_code == 303, answer.text
            return is_page(self.http.get(answer.headers["location"]))
        return is_page(answer, status)

    def token(self, page: httpx.Response, after: str) -> str:
        """The token of a form."""
        return next(hidden for action, hidden in forms(page) if action.endswith(after))["form_token"]

    def post(self, order: dict[str, Any], after: str, **fields: str) -> httpx.Response:
        """The answer to a form that no page has."""
        return self.http.post(path_of(order) + after, data=fields)


def path_of(order: dict[str, Any]) -> str:
    """The path of an order's link."""
    return urlsplit(order["order_url"]).path


def title(page: httpx.Response) -> str:
    """The title of a page."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text)
    assert found, page.text
    return found[1]


class _Forms(HTMLParser):
    """The forms of a page: their addresses, and the fields with values that a browser sends without being asked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and given.get("type") == "hidden":
            self.found[-1][1][given["name"]] = given["value"]


def forms(page: httpx.Response) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.found
