"""Requests that no honest client sends: refused, never a failure of ours."""

import pytest

from tests.support.pages import is_error
from tests.support.shop import Shop


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//", "://", "http://user@[x]:port"])
def test_origin_that_is_no_url_then_the_form_is_refused(shop: Shop, origin: str) -> None:
    answered = shop.http.post("/account/sign-in", data={"email": "x"}, headers={"Origin": origin})
    is_error(answered, 403, "form_expired")


@pytest.mark.parametrize(
    "name",
    ["a" * 300 + ".css", "a" * 20_000 + ".css", "%F0%9F%98%80.css", "..%2Fpages.css", "%2E%2E.css", ".css"],
)
def test_static_file_that_is_not_there_then_not_found(shop: Shop, name: str) -> None:
    is_error(shop.http.get(f"/static/{name}"), 404, "not_found")
