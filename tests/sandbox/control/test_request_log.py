"""The request log: what it keeps, what it masks, which rule it names, and how it is followed.

The log is in memory, without a database.
"""

import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from handcart.core import clock
from handcart.sandbox.control import api, request_log
from tests.support.clocks import freeze
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop, error

OWN = "/v2/handcart_sandbox"
LINK = "/v2/fulfillment/users/{user_id}/link"


def logged(shop: Shop, **query: Any) -> list[dict[str, Any]]:
    response = shop.get(f"{OWN}/requests", params=query)
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json()["requests"]
    return entries


@on_sqlite
def test_call_is_answered_then_all_of_it_is_kept(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.token
    answer = shop.post("/v2/fulfillment/users", {"user_id": "user-1", "first_name": "Sample"})
    entry = logged(shop)[-1]
    assert clock.from_wire(entry.pop("at"), "") <= clock.now()
    assert entry == {
        "number": 2,  # the token was the first
        "method": "POST",
        "path": "/v2/fulfillment/users",
        "url": "/v2/fulfillment/users",
        "operation": "create_user",
        "request": {"user_id": "user-1", "first_name": "Sample"},
        "status": 200,
        "answer": answer.json(),
        "request_id": answer.headers["x-request-id"],
    }


@on_sqlite
def test_calls_large_then_an_answer_ends_at_its_limit_and_the_next_goes_on(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(server)
    assert shop.token
    monkeypatch.setattr(api, "MOST_LISTED_BYTES", 2000)
    for number in range(6):
        shop.post("/v2/fulfillment/users", {"user_id": f"user-{number}", "first_name": "x" * 100})
    seen = [entry["number"] for entry in logged(shop)]
    assert seen == [*range(1, len(seen) + 1)]
    assert 2 < len(seen) < 7
    rest = logged(shop, after=seen[-1])
    assert rest[0]["number"] == len(seen) + 1
    monkeypatch.setattr(api, "MOST_LISTED_BYTES", 1)
    assert len(logged(shop)) == 1


def refuse_link(shop: Shop) -> Any:
    return shop.get_link("nobody")


def refuse_path(shop: Shop) -> Any:
    return shop.get("/v2/fulfilment/users/u/links")


def refuse_version(shop: Shop) -> Any:
    return shop.post("/v1/fulfillment/users")


def refuse_method(shop: Shop) -> Any:
    return shop.http.delete("/v2/fulfillment/users", headers=shop.headers)


def refuse_body(shop: Shop) -> Any:
    return shop.post("/v2/fulfillment/users", {"first_name": 3})


def refuse_text(shop: Shop) -> Any:
    return shop.http.post("/v2/fulfillment/users", content=b"{", headers=shop.headers)


def refuse_scope(shop: Shop) -> Any:
    shop._token = shop.post_token(grant_type="client_credentials", scope="handcart:callbacks").json()["access_token"]
    answer = shop.get_link("nobody")
    shop._token = None
    return answer


def refuse_revoked(shop: Shop) -> Any:
    shop.http.post("/v2/oauth/token/revoke", json={**shop.credentials, "token": shop.token})
    answer = shop.get_link("nobody")
    shop._token = None
    return answer


def refuse_secret(shop: Shop) -> Any:
    return shop.post_token(grant_type="client_credentials", client_secret="wrong")


def refuse_code(shop: Shop) -> Any:
    return shop.redeem("no code")


# What is asked; then error, rule, keys, the likeliest operation.
REFUSALS = {
    "user": (refuse_link, "users.errors.user_not_found", "users.ops.missing", "user_id", None),
    "version": (
        refuse_version,
        "core.errors.not_found",
        "core.web.router.Router.match",
        None,
        "POST /v2/fulfillment/users",
    ),
    "path": (refuse_path, "core.errors.not_found", "core.web.router.Router.match", None, f"GET {LINK}"),
    "method": (
        refuse_method,
        "core.errors.method_not_allowed",
        "core.web.router.Router.match",
        None,
        "POST /v2/fulfillment/users",
    ),
    "body": (refuse_body, "core.errors.combine", "core.web.wire.decode", ["user_id", "first_name"], None),
    "text": (refuse_text, "core.web.wire._not_json", "core.web.wire.decode", None, None),
    "scope": (refuse_scope, "core.errors.forbidden_scope", "core.web.app.App._run", None, None),
    "revoked": (refuse_revoked, "core.errors.unauthorized", "oauth.bearer._caller", None, None),
    "secret": (refuse_secret, "oauth.errors.invalid_client", "oauth.api._enabled_client", None, None),
    "code": (refuse_code, "oauth.errors.invalid_grant", "oauth.codes.redeem", None, None),
}


@pytest.mark.parametrize("row", REFUSALS)
@on_sqlite
def test_call_is_refused_then_the_rule_is_named(server: LiveServer, row: str) -> None:
    shop = Shop(server)
    refuse, error_name, rule, key, likeliest = REFUSALS[row]
    answer = refuse(shop)
    entry = logged(shop, refused=True)[-1]
    assert (entry["status"], entry.get("answer")) == (answer.status_code, None if row == "version" else answer.json())
    refusal = entry["refusal"]
    assert (refusal["error"], refusal["rule"]) == (error_name, rule)
    assert refusal.get("keys" if isinstance(key, list) else "key") == key
    assert (refusal.get("nearest") or [None])[0] == likeliest


@on_sqlite
def test_secrets_pass_then_none_is_kept(server: LiveServer) -> None:
    shop = Shop(server)
    user_id, account = shop.user(), shop.account()
    code = shop.code(account, state="state-2")
    token = shop.redeem(code).json()["access_token"]
    shop.link(user_id, token)
    form = {**shop.credentials, "grant_type": "client_credentials"}
    hidden = urlencode(form).replace("client_secret", "client%5Fsecret")
    shop.http.post("/v2/oauth/token", content=hidden, headers={"Content-Type": "application/x-www-form-urlencoded"})
    issued = shop.http.post("/v2/oauth/token", data=form).json()["access_token"]
    shop.http.post("/v2/oauth/token", content=json.dumps(form)[:-1], headers={"Content-Type": "application/json"})
    shop.http.get("/v2/oauth/token", params={"code": code}, headers=shop.headers)
    text = json.dumps(logged(shop))
    for secret in (code, token, issued, shop.token, shop.client.client_secret, account.password):
        assert secret not in text
    assert shop.client.client_id in text
    redirects = [one["answer"]["location"] for one in logged(shop, status=303)]
    assert redirects[-1].startswith("https://shop.example/account/link?from=profile&code=***&state=state-2&iss=")


@on_sqlite
def test_path_is_long_then_it_is_cut(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.get("/v2/" + "x" * 20_000).status_code == 404
    assert len(logged(shop)[-1]["url"]) == request_log.MOST_URL


def test_body_is_long_then_it_is_cut_and_still_masked() -> None:
    body = json.dumps({"client_secret": "hidden", "rows": ["x" * 100] * 1000, "token": "also hidden"}).encode()
    kept = request_log._body(body)
    assert len(kept) < request_log.MOST_BODY + 50
    assert kept.startswith('{"client_secret":"***"')
    assert kept.endswith(f"({len(body)} bytes)")
    assert "hidden" not in request_log._body(body[:30])
    assert request_log._body(b"x=" + b"y" * 10_000) == "... (10002 bytes)"


@pytest.mark.parametrize(
    "name",
    [
        "Client_Secret",
        "clientSecret",
        "client-secret",
        "api_key",
        "X-Api-Key",
        "new_password",
        "refreshToken",
        "authCode",
    ],
)
def test_secret_under_another_spelling_then_masked(name: str) -> None:
    for value in ("hidden", 123456, ["hidden"], {"a": "hidden"}):
        kept = request_log._body(json.dumps({"a": [{name: value}]}).encode())
        assert kept == {"a": [{name: "***"}]}
    escaped = json.dumps({name: "hidden"}).replace(name[0], f"\\u00{ord(name[0]):02x}", 1)
    for body in (escaped, escaped[:-1], f'{{"rows": "{"x" * 9000}", {escaped[1:]}', escaped[:-1] + "x" * 9000):
        kept = json.dumps(request_log._body(body.encode()))
        assert "hidden" not in kept, body[:100]
    assert request_log._masked_query(f"{name}=hidden&a=b") == f"{name}=***&a=b"


def test_field_only_sounds_like_a_secret_then_it_is_kept() -> None:
    body = {"postal_code": "60610", "location_code": "SM-1", "scan_code": "0123", "error": {"code": 1001, "key": "a"}}
    assert request_log._body(json.dumps(body).encode()) == body
    assert not request_log.is_secret("order_id")


@on_sqlite
def test_strangers_call_often_then_the_retailers_own_calls_stay_in_the_log(server: LiveServer) -> None:
    shop = Shop(server)
    shop.user("user-1")
    for _ in range(request_log.MOST_UNAUTHENTICATED + 5):
        shop.post_token(grant_type="client_credentials", client_secret="wrong")
    kept = logged(shop, limit=1000)
    assert [one["status"] for one in kept[:2]] == [200, 200]
    assert [one["status"] for one in kept[2:]] == [401] * request_log.MOST_UNAUTHENTICATED
    assert [one["number"] for one in kept] == sorted(one["number"] for one in kept)


@on_sqlite
def test_part_of_the_log_asked_for_then_only_that(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.token
    for number in range(5):
        shop.user(f"user-{number}")
        shop.get_link(f"user-{number}")
    assert [one["number"] for one in logged(shop, after=3, limit=2)] == [4, 5]
    assert [one["number"] for one in logged(shop, refused=True)] == [3, 5, 7, 9, 11]
    assert [one["number"] for one in logged(shop, refused="false", status=200, limit=3)] == [1, 2, 4]
    assert logged(shop, status=404) == []
    other = Shop(server)
    assert other.token
    assert [one["operation"] for one in logged(other)] == ["create_token"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("after", "-1"), ("after", "x"), ("after", ""), ("limit", "0"), ("limit", "1001"), ("status", "99")),
        *(("refused", "perhaps"), ("wait", "31"), ("canonical", "2")),
    ],
)
@on_sqlite
def test_query_is_bad_then_it_is_refused(server: LiveServer, name: str, value: str) -> None:
    answer = Shop(server).get(f"{OWN}/requests", params={name: value})
    assert error(answer) == (400, "is invalid", 1001, name)


@on_sqlite
def test_no_call_yet_then_the_log_waits_for_one(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.token
    found: list[Any] = []
    http, headers = server.http(), shop.headers
    waiting = threading.Thread(
        target=lambda: found.append(
            http.get(f"{OWN}/requests", params={"after": 1, "wait": 30}, headers=headers).json()
        )
    )
    waiting.start()
    time.sleep(0.1)
    assert not found
    shop.user("user-1")
    waiting.join(60)
    assert [one["operation"] for one in found[0]["requests"]] == ["create_user"]
    assert found[0]["last"] == 2
    assert shop.get(f"{OWN}/requests", params={"after": 2, "wait": 1}).json() == {"requests": [], "last": 2}


def test_calls_are_many_then_the_last_ones_are_kept_of_each_retailer() -> None:
    def entry() -> request_log.Entry:
        return request_log.Entry(at="", method="GET", url="/", status=200)

    log = request_log.RequestLog()
    for _ in range(request_log.MOST_ENTRIES + 5):
        log.add(1, entry())
    assert [one.number for one in log.find(1, 0, 2, None, None)] == [6, 7]
    for retailer_id in range(2, request_log.MOST_RETAILERS + 2):
        log.add(retailer_id, entry())
    assert log.last(2) == 1
    assert log.last(1) == 0  # the one that was quiet for longest


@on_sqlite
def test_scenario_runs_again_then_the_canonical_log_is_the_same(server: LiveServer) -> None:
    texts, again = [], Market(server)
    for market in (again, again, Market(server)):  # the ids of another retailer are others, too
        market.post(f"{OWN}/reset").raise_for_status()
        freeze(market)
        user_id = market.customer("user-1")
        market.reserve(user_id)
        hold_id = market.hold(user_id, "pickup")
        market.order("pickup", user_id, order_id="order-1", service_option_hold_id=hold_id)
        market.read(user_id, "order-1")
        market.read(user_id, "order-2")
        texts.append(market.get(f"{OWN}/requests", params={"canonical": True}).content)
    assert texts[0] == texts[1] == texts[2]
    assert [one["status"] for one in json.loads(texts[0])["requests"]] == [200] * 5 + [404]
    assert b"request_id" not in texts[0]
