"""Figures for `/metrics`: what is counted, and that the rules and the dashboard name only figures that there are."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from handcart.core import clock
from handcart.core.metrics import Metrics
from handcart.core.web.connections import Connections
from handcart.messages.models import SMS
from handcart.upkeep import figures
from handcart.upkeep.sampler import Sampler
from tests.messages import conftest as of_messages
from tests.support.gateways import Remembering, drain
from tests.support.letters import write
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite

ROOT = Path(__file__).resolve().parents[2]
gateway = of_messages.gateway
MONITORING = ROOT / "deploy" / "monitoring"
_METRIC = re.compile(r"handcart_[a-z_]+")


def values(server: LiveServer) -> dict[tuple[str, ...], float]:
    """Every figure now, by its name and its labels."""
    return {
        (figure.name, *labels): value
        for figure in server.read(figures.gauges)
        for labels, value in figure.values.items()
    }


def test_order_made_then_open_until_it_ends(server: LiveServer, later: Any) -> None:
    market = Market(server)
    slug = market.slug
    order_id = market.order()["id"]
    found = values(market.server)
    assert found["handcart_orders_open", slug, "delivery", "brand_new"] == 1
    assert found["handcart_orders_new", slug] == 1
    with later(hours=36):  # its window begins within 24 hours then
        assert values(server)["handcart_slots_booked", slug, "delivery"] == 1
    assert found["handcart_events_waiting",] >= 0
    market.set_status(order_id, "canceled")
    found = values(market.server)
    assert ("handcart_orders_open", slug, "delivery", "brand_new") not in found


def test_messages_wait_and_end_then_counted(server: LiveServer, gateway: Remembering) -> None:
    before = values(server).get(("handcart_messages_ended", "sms", "sent"), 0)
    write(server, SMS)
    drain(server, gateway)
    write(server, due_at=clock.of_process() - 90 * clock.SECOND)
    found = values(server)
    assert found["handcart_messages_ended", "sms", "sent"] == before + 1
    assert found["handcart_messages_open", "mail", "pending"] >= 1
    assert found["handcart_messages_late_seconds",] >= 90


@on_sqlite
def test_sampler_open_then_the_process_shows_the_figures(server: LiveServer) -> None:
    sampler, metrics = Sampler(), Metrics()
    metrics.add(sampler.collect)
    assert b"handcart_shoppers" not in metrics.text()
    server.wait_for(sampler.open(server.app.database))

    async def counted() -> None:
        async with asyncio.timeout(60):
            while b'handcart_shoppers{state="known"}' not in metrics.text():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    server.wait_for(counted())
    server.wait_for(sampler.close())
    assert b"handcart_connections " not in metrics.text()  # only a server has connections


@on_sqlite
def test_rules_and_dashboard_then_every_metric_in_them_exists(server: LiveServer) -> None:
    metrics = Metrics(Connections(1))
    known = {figure.name for figure in server.read(figures.gauges)}
    for family in metrics.collect():
        known |= {family.name, *(f"{family.name}{end}" for end in ("_count", "_sum", "_bucket", "_total"))}
    rules = (MONITORING / "handcart.rules.yml").read_text()
    dashboard = json.loads((MONITORING / "handcart-dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += re.findall(r"expr: (.+)", rules)
    named = {name for text in asked for name in _METRIC.findall(text)}
    assert named - known == set()
    assert len(asked) > 20


def test_docs_of_monitoring_then_they_have_every_figure(server: LiveServer) -> None:
    text = (ROOT / "docs" / "operations" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `(handcart_[a-z_]+)`", text, re.MULTILINE))
    assert {figure.name for figure in server.read(figures.gauges)} - documented == set()
