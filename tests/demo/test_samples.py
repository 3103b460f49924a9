"""The demo's samples: some time slots are full, but never the first one listed. The webhook follows its storefront."""

import pytest

from handcart.callbacks import webhooks
from handcart.core import clock
from handcart.core.settings import Settings
from handcart.demo import samples
from handcart.demo.samples import LIVELY
from handcart.slots import windows
from handcart.slots.models import NO_CAPACITY
from handcart.slots.plans import Calendar
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.slots import moment
from tests.support.stores import store


@pytest.mark.parametrize("time_zone", ["America/Chicago", "America/St_Johns"])
# A week that ends when clocks go back, and one when they go forward.
@pytest.mark.parametrize("begin", ["2027-11-02T00:10+00:00", "2027-03-09T00:10+00:00"])
def test_slots_listed_at_any_hour_then_the_first_is_free_and_some_are_full(time_zone: str, begin: str) -> None:
    for hour in range(7 * 24):
        now = moment(begin) + hour * clock.HOUR
        calendar = Calendar(store("s", time_zone=time_zone), LIVELY, {}, windows.start_of(time_zone, now).date)
        since = now + LIVELY.lead_minutes * clock.MINUTE
        starts = windows.starts(time_zone, since, windows.horizon(time_zone, now, LIVELY.horizon_days))
        assert calendar.reason(starts[0], now) is None
        tomorrow = [calendar.reason(start, now) for start in starts if start.date > calendar.today][:24]
        assert 1 <= tomorrow.count(NO_CAPACITY) <= 3
        assert set(tomorrow) == {None, NO_CAPACITY}


def test_storefront_starts_at_another_url_then_its_webhook_follows(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market(server)
    monkeypatch.setattr(samples, "DEMO_RETAILER", market.slug)
    chosen = Settings(
        environment="development", callback_http=True, callback_ports="*", callback_networks="127.0.0.0/8"
    )
    kept = server.write(samples.register_webhook, chosen, None, "http://127.0.0.1:9001")
    assert server.write(samples.register_webhook, chosen, kept, "http://127.0.0.1:9002") == kept
    (found,) = server.read(webhooks.list_all, market.retailer.id)
    assert found.id == kept["id"]
    assert found.callback_url.startswith("http://127.0.0.1:9002/")
    assert found.auth_uri.startswith("http://127.0.0.1:9002/")
