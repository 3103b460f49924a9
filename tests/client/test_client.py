import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import handcart_client
import httpx
import pytest
from handcart_client import AsyncClient, Client
from handcart_client.wire import USER_AGENT

from tests.client.fakes import BASE_URL, CLIENT_SECRET, Caller, FakeServer

PROJECT = Path(handcart_client.__file__).parents[1] / "pyproject.toml"


def get_link(client: Any) -> Any:
    return client.links.get("member-1")


@pytest.fixture(autouse=True)
def linked(fake: FakeServer) -> None:
    fake.answer(body={"instacartplus_member": True})


def test_any_request_then_it_has_the_documented_headers(make_caller: Callable[..., Caller], fake: FakeServer) -> None:
    make_caller(transport=httpx.MockTransport(fake), retailer_id="garden-market", locale="fr-CA")(get_link)
    for request in [*fake.token_requests, *fake.requests]:
        assert request.headers["Accept"] == "application/json"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["User-Agent"] == "handcart-client/0.2.0"
        assert request.headers["X-Retailer-Id"] == "garden-market"
        assert request.headers["Accept-Language"] == "fr-CA"


def test_headers_not_set_then_not_sent(caller: Caller, fake: FakeServer) -> None:
    caller(get_link)
    assert "X-Retailer-Id" not in fake.last.headers
    assert "Accept-Language" not in fake.last.headers


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (BASE_URL + "/", BASE_URL + "/v2/fulfillment/users/member-1/link"),
        (BASE_URL + ":8443", BASE_URL + ":8443/v2/fulfillment/users/member-1/link"),
        (BASE_URL + "/prefix/", BASE_URL + "/prefix/v2/fulfillment/users/member-1/link"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v2/fulfillment/users/member-1/link"),
    ],
)
def test_base_url_of_any_form_then_it_begins_every_url(
    make_caller: Callable[..., Caller], fake: FakeServer, base_url: str, expected: str
) -> None:
    make_caller(base_url, transport=httpx.MockTransport(fake))(get_link)
    assert fake.last.url == expected


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "base_url", ["http://connect.example.com", "connect.example.com", BASE_URL + "?a=1", BASE_URL + "#a"]
)
def test_base_url_not_secure_or_no_base_then_refused(kind: Callable[..., Any], base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        kind(base_url, "client-1", CLIENT_SECRET)


def test_sync_block_left_then_the_client_is_closed(fake: FakeServer) -> None:
    with Client(BASE_URL, "client-1", CLIENT_SECRET, transport=httpx.MockTransport(fake)) as client:
        client.links.get("member-1")
    with pytest.raises(RuntimeError, match="closed"):
        client.links.get("member-1")


async def test_async_block_left_then_the_client_is_closed(fake: FakeServer) -> None:
    async with AsyncClient(BASE_URL, "client-1", CLIENT_SECRET, transport=httpx.MockTransport(fake)) as client:
        await client.links.get("member-1")
    with pytest.raises(RuntimeError, match="closed"):
        await client.links.get("member-1")


def test_server_on_this_machine_then_no_proxy_of_the_environment_is_used(
    make_caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example.com:3128")
    for url in ("http://127.0.0.1:8000", "http://localhost", "https://[::1]:8443"):
        http = make_caller(url).client._connection._http
        assert http._transport_for_url(httpx.URL(url + "/v2")) is http._transport
    http = make_caller(BASE_URL).client._connection._http
    assert http._transport_for_url(httpx.URL(BASE_URL)) is not http._transport


def test_plain_http_allowed_then_it_goes_to_any_host(make_caller: Callable[..., Caller], fake: FakeServer) -> None:
    caller = make_caller("http://handcart:8080", allow_plain_http=True, transport=httpx.MockTransport(fake))
    caller(get_link)
    assert str(fake.last.url).startswith("http://handcart:8080/v2/")
    url = caller.client.oauth.authorization_url("http://handcart:8080/oauth/authorize", redirect_uri="x", state="s")
    assert url.startswith("http://handcart:8080/oauth/authorize?")


def public_methods(resource: object) -> dict[str, Callable[..., Any]]:
    return {name: method for name, method in inspect.getmembers(resource, callable) if not name.startswith("_")}


@pytest.mark.parametrize("resource", ["users", "links", "oauth"])
def test_sync_and_async_then_the_same_documented_methods(resource: str) -> None:
    sync_methods = public_methods(getattr(Client(BASE_URL, "client-1", CLIENT_SECRET), resource))
    async_methods = public_methods(getattr(AsyncClient(BASE_URL, "client-1", CLIENT_SECRET), resource))
    assert sync_methods.keys() == async_methods.keys()
    for name, method in sync_methods.items():
        assert inspect.signature(method) == inspect.signature(async_methods[name])
        assert inspect.getdoc(method) == inspect.getdoc(async_methods[name])
        text = inspect.getdoc(method) or ""
        assert "https://docs.instacart.com/connect/" in text or "RFC" in text or name == "find"


def test_version_then_that_of_the_distribution() -> None:
    version = tomllib.loads(PROJECT.read_text())["project"]["version"]
    assert f"handcart-client/{version}" == USER_AGENT


def test_exported_name_then_it_exists_and_has_a_docstring() -> None:
    for name in handcart_client.__all__:
        assert getattr(handcart_client, name).__doc__
