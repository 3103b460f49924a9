"""openid-client, the certified client of npm, drives the server from Node.js."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handcart.retailers import clients
from tests.interop.customer import answer_to, links
from tests.support.moments import DAY
from tests.support.server import LiveServer
from tests.support.shop import Shop

HERE = Path(__file__).parent / "node"
# openid-client takes a redirect URI for the part before the query.
REDIRECT_URI = "https://shop.example/account/link"


class Refused(Exception):
    """An error thrown by the client; `error` is the server's error code, if it came from the server."""

    def __init__(self, refused: dict[str, Any]) -> None:
        super().__init__(refused["message"])
        self.code = refused.get("code")
        self.error = refused.get("error")


class OpenidClient:
    """openid-client in a separate process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, command: str, **parameters: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"command": command, **parameters}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the driver ended: its error is printed above"
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer["result"]


@pytest.fixture(scope="module")
def node() -> Iterator[OpenidClient]:
    executable = shutil.which("node")
    assert executable, "Node.js is missing: `make test` brings it along in .venv/bin"
    assert (HERE / "node_modules/openid-client").is_dir(), (
        "openid-client is missing: run `make test`, or `npm ci --prefix tests/interop/node`"
    )
    command = [executable, HERE / "drive.mjs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield OpenidClient(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(params=["client_secret_post", "client_secret_basic"])
def client(request: pytest.FixtureRequest, node: OpenidClient, shop: Shop) -> OpenidClient:
    """The client of the shop, which has read the server's metadata."""
    shop.server.write(clients.register_redirect_uris, shop.client.client_id, [REDIRECT_URI])
    metadata = node("discover", issuer=shop.server.url, method=request.param, **shop.credentials)
    assert metadata["issuer"] == shop.server.url
    return node


def come_back(client: OpenidClient, shop: Shop, decision: str) -> str:
    return answer_to(shop, client("authorize", redirect_uri=REDIRECT_URI)["url"], decision)


def test_customer_allows_then_the_token_links(client: OpenidClient, shop: Shop) -> None:
    token = client("exchange", location=come_back(client, shop, "allow"))
    assert (token["scope"], token["expires_in"]) == ("account_linking", DAY)
    assert links(shop, token["access_token"])


def test_customer_denies_then_access_denied(client: OpenidClient, shop: Shop) -> None:
    with pytest.raises(Refused) as raised:
        client("exchange", location=come_back(client, shop, "deny"))
    assert raised.value.error == "access_denied"


def test_code_has_expired_then_invalid_grant(client: OpenidClient, shop: Shop, later: Any) -> None:
    location = come_back(client, shop, "allow")
    with later(minutes=1, seconds=1), pytest.raises(Refused) as raised:
        client("exchange", location=location)
    assert raised.value.error == "invalid_grant"


@pytest.mark.parametrize(
    ("part", "complaint"),
    [("state", r'unexpected "state"'), ("iss", r'unexpected "iss" \(issuer\) response parameter')],
)
def test_answer_is_mixed_up_then_the_client_refuses(
    client: OpenidClient, shop: Shop, part: str, complaint: str
) -> None:
    location = come_back(client, shop, "allow")
    assert f"&{part}=" in location
    with pytest.raises(Refused) as raised:
        client("exchange", location=location.replace(f"&{part}=", f"&{part}=x"))
    assert (raised.value.code, raised.value.error) == ("OAUTH_INVALID_RESPONSE", None)
    assert raised.match(complaint)


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_issuer_is_missing_then_the_client_refuses(client: OpenidClient, shop: Shop, decision: str) -> None:
    location, _, _ = come_back(client, shop, decision).partition("&iss=")
    with pytest.raises(Refused, match=r'response parameter "iss" \(issuer\) missing'):
        client("exchange", location=location)


def test_token_is_revoked_then_introspection_says_so(client: OpenidClient, shop: Shop) -> None:
    token = client("credentials", scope="connect:fulfillment")["access_token"]
    assert client("introspect", token=token)["scope"] == "connect:fulfillment"
    assert client("revoke", token=token) == {}
    assert client("introspect", token=token) == {"active": False}


def test_secret_is_wrong_then_the_challenge_is_understood(node: OpenidClient, server: LiveServer, shop: Shop) -> None:
    wrong = {**shop.credentials, "client_secret": "wrong"}
    node("discover", issuer=server.url, method="client_secret_basic", **wrong)
    with pytest.raises(Refused) as raised:
        node("credentials", scope="connect:fulfillment")
    assert raised.value.code == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"
