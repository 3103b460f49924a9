"""Rate limits count every try, also concurrent ones."""

from collections import Counter

import pytest

from tests.races.rounds import Report, post, together
from tests.support.shop import Shop, new_address

pytestmark = pytest.mark.serial


@pytest.mark.usefixtures("stopped")
def test_a_hundred_wrong_secrets_at_once_then_exactly_sixty_are_heard(shop: Shop, report: Report) -> None:
    body = {**shop.credentials, "client_secret": "wrong", "grant_type": "client_credentials"}
    headers = {"X-Forwarded-For": new_address()}
    (answers,) = together(shop.server.url, [[post("/v2/oauth/token", body, headers)] * 100])
    assert Counter(answer.status_code for answer in answers) == {401: 60, 429: 40}
    report(f"{shop.server.store}: 100 wrong secrets at once: 60 heard, 40 told to wait")
