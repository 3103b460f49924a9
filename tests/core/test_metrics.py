"""The metrics for Prometheus."""

import socket
import urllib.request
from contextlib import closing

import pytest

from handcart.core.metrics import Metrics
from handcart.core.web.connections import Connections
from tests.support.shop import Shop


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.text().decode()
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_requests_then_cumulative_buckets_count_and_sum_by_route() -> None:
    metrics = Metrics(Connections(most=7))
    for seconds in (0.0005, 0.001, 0.003, 0.3, 60):
        metrics.observe("GET", "/v2/x/{id}", 200, seconds)
    metrics.observe("GET", "/v2/x/{id}", 404, 0.1)
    labels = 'method="GET",route="/v2/x/{id}",status="200"'
    found = lines(metrics)
    name = "handcart_http_request_seconds"
    assert found[f'{name}_bucket{{le="0.001",{labels}}}'] == 2
    assert found[f'{name}_bucket{{le="0.0025",{labels}}}'] == 2
    assert found[f'{name}_bucket{{le="0.5",{labels}}}'] == 4
    assert found[f'{name}_bucket{{le="5.0",{labels}}}'] == 4
    assert found[f'{name}_bucket{{le="+Inf",{labels}}}'] == found[f"{name}_count{{{labels}}}"] == 5
    assert found[f"{name}_sum{{{labels}}}"] == pytest.approx(60.3045)
    assert found[f'{name}_count{{method="GET",route="/v2/x/{{id}}",status="404"}}'] == 1
    assert (found["handcart_connections"], found["handcart_connections_most"]) == (0, 7)


def test_nothing_served_yet_then_the_processs_own_figures_alone() -> None:
    found = lines(Metrics(Connections(most=7)))
    assert found["process_resident_memory_bytes"] > 0
    assert not [name for name in found if name.startswith("handcart_http_")]


def test_asked_over_and_over_for_unknown_paths_then_one_series(shop: Shop) -> None:
    for number in range(20):
        shop.http.get(f"/v2/nothing-{number}")
        shop.http.request(f"PATCH{number}", "/live")
    found = shop.server.app.metrics.text().decode()
    assert "nothing-" not in found
    assert "PATCH1" not in found
    assert 'method="-",route="",status="404"' in found


def test_user_ids_then_none_in_the_metrics(shop: Shop) -> None:
    user_id = shop.user()
    shop.get_link(user_id)
    text = shop.server.app.metrics.text().decode()
    assert user_id not in text
    assert 'route="/v2/fulfillment/users/{user_id}/link",status="400"' in text


def test_metrics_port_then_served_on_loopback_and_a_taken_one_is_skipped() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        metrics = Metrics(Connections(most=7))
        metrics.observe("GET", "/live", 200, 0.001)
        chosen = metrics.listen(port)
        assert port < chosen < port + 64
        with urllib.request.urlopen(f"http://127.0.0.1:{chosen}/metrics") as answer:
            assert b'handcart_http_request_seconds_count{method="GET",route="/live",status="200"} 1.0' in answer.read()


def test_public_port_then_no_metrics_unless_switched_on(shop: Shop) -> None:
    assert shop.http.get("/metrics").status_code == 404
