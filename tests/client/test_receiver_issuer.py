"""The token endpoint: who gets a token, and which tokens are valid."""

import logging
from typing import Any
from urllib.parse import urlencode

import pytest
from handcart_client.receiver import TokenIssuer

from tests.client.callbacks import FORM, Sender
from tests.support.moments import FRIDAY_MORNING

CLIENT = {"client_id": "platform", "client_secret": "client-secret-value"}
ASKED = {**CLIENT, "grant_type": "client_credentials"}


@pytest.fixture(params=["asgi", "wsgi"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def ask(kind: str, issuer: TokenIssuer, form: dict[str, str] | bytes, content_type: str = FORM) -> Any:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return Sender(kind, issuer)(body, content_type=content_type)


def test_client_asks_then_it_gets_a_token_that_is_good_until_it_expires(kind: str) -> None:
    now = [FRIDAY_MORNING]
    issuer = TokenIssuer(**CLIENT, expires_in=600, now=lambda: now[0])
    answer = ask(kind, issuer, ASKED)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    granted = answer.json()
    token = granted.pop("access_token")
    assert granted == {"token_type": "Bearer", "expires_in": 600}
    assert issuer.accepts(token)
    assert token != issuer.issue()
    now[0] += 599
    assert issuer.accepts(token)
    now[0] += 1
    assert not issuer.accepts(token)


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({**ASKED, "client_secret": "client-secret-valuE"}, 401, "invalid_client"),
        ({**ASKED, "client_id": "someone"}, 401, "invalid_client"),
        ({**ASKED, "client_secret": "\N{SNOWMAN}"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        (b"", 401, "invalid_client"),
        (CLIENT, 400, "invalid_request"),
        ({**ASKED, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**ASKED, "scope": "else"}, 400, "invalid_scope"),
        ({name: value for name, value in ASKED.items() if name != "scope"}, 400, "invalid_scope"),
        ({**ASKED, "scope": "b a"}, 400, "invalid_target"),
        ({**ASKED, "scope": "b a", "resource": "urn:shop "}, 400, "invalid_target"),
        ({**ASKED, "scope": "a b", "resource": "urn:shop"}, 200, None),
        (urlencode(ASKED).encode() + b"&client_id=platform", 400, "invalid_request"),
        (b"client_id=%ff", 400, "invalid_request"),
        (b"\xff", 400, "invalid_request"),
        (b"a=1&" * 33, 400, "invalid_request"),
    ],
)
def test_request_is_wrong_then_the_error_is_of_rfc_6749(
    kind: str, asked: Any, status: int, error: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = ask(kind, TokenIssuer(**CLIENT, scope="a b", resource="urn:shop"), asked)
    assert (answer.status_code, answer.json().get("error")) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert "secret-valu" not in caplog.text + repr(caplog.records) + (answer.text if error else "")


@pytest.mark.parametrize(
    ("method", "path", "content_type", "size", "status"),
    [
        ("GET", "/token", FORM, 0, 405),
        ("POST", "/else", FORM, 0, 404),
        ("POST", "/token", "application/json", 10, 400),
        ("POST", "/token", FORM + "; charset=utf-8", 10, 401),
        ("POST", "/token", FORM, 16 * 1024 + 1, 413),
    ],
)
def test_no_token_request_then_refused(
    kind: str, method: str, path: str, content_type: str, size: int, status: int
) -> None:
    send = Sender(kind, {"/token": TokenIssuer(**CLIENT)})
    answer = send(b"a" * size, path, method, content_type=content_type)
    assert answer.status_code == status
    assert status != 405 or answer.headers["allow"] == "POST"


def test_secret_shared_then_tokens_are_shared_and_a_new_secret_ends_them() -> None:
    token = TokenIssuer(**CLIENT).issue()
    assert TokenIssuer(**CLIENT).accepts(token)
    assert not TokenIssuer("platform", "new-secret").accepts(token)
    assert not TokenIssuer("other", "client-secret-value").accepts(token)
    assert not TokenIssuer(**CLIENT, signing_key=b"k" * 32).accepts(token)


def test_token_altered_then_refused() -> None:
    issuer = TokenIssuer(**CLIENT)
    token = issuer.issue()
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token) - 1)]
    for wrong in ["", "A", "=", "\N{SNOWMAN}", token[:-4], token + "AAAA", token[12:], "A" * 10_000, *changed]:
        assert not issuer.accepts(wrong)


def test_printed_then_no_secret_is_shown() -> None:
    issuer = TokenIssuer(**CLIENT)
    assert repr(issuer) == "TokenIssuer(client_id='platform')"
    assert "client-secret-value" not in str(vars(issuer))


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_credential_is_empty_then_it_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        TokenIssuer(**{**CLIENT, missing: ""})
