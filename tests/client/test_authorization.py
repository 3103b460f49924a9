import base64
import hashlib
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from handcart_client import new_pkce, new_state
from handcart_client.authorization import with_parameters


def test_new_state_made_then_fresh_and_safe_in_a_url() -> None:
    states = {new_state() for _ in range(100)}
    assert len(states) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", state) for state in states)


def test_new_pkce_made_then_the_challenge_is_the_s256_of_the_verifier() -> None:
    pkce = new_pkce()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", pkce.verifier)
    digest = hashlib.sha256(pkce.verifier.encode("ascii")).digest()
    assert base64.urlsafe_b64decode(pkce.challenge + "=") == digest
    assert "=" not in pkce.challenge
    assert pkce.verifier != new_pkce().verifier


@pytest.mark.parametrize(
    ("authorize_url", "expected"),
    [
        ("https://id.example.com/authorize", "https://id.example.com/authorize?state=x%20%26"),
        ("https://id.example.com/authorize?", "https://id.example.com/authorize?state=x%20%26"),
        ("https://id.example.com/authorize?addr=1", "https://id.example.com/authorize?addr=1&state=x%20%26"),
        ("https://id.example.com/a?q=%2F+b&q=&r", "https://id.example.com/a?q=%2F+b&q=&r&state=x%20%26"),
        ("https://id.example.com/a?state=old&b=1&st%61te=older", "https://id.example.com/a?b=1&state=x%20%26"),
        ("https://id.example.com/a#part", "https://id.example.com/a?state=x%20%26"),
        ("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/a?state=x%20%26"),
    ],
)
def test_parameters_added_then_the_query_is_kept_and_nothing_is_said_twice(authorize_url: str, expected: str) -> None:
    assert with_parameters(authorize_url, {"state": "x &"}) == expected


@pytest.mark.parametrize("value", ["é\n€", "a=b&c#d?e/f+g %20", "\U0001f600"])
def test_parameter_of_any_value_then_it_comes_back_unchanged(value: str) -> None:
    url = with_parameters("https://id.example.com/a", {"state": value})
    assert parse_qsl(urlsplit(url).query) == [("state", value)]
    assert url.isascii()


def test_parameters_added_to_plain_http_elsewhere_then_refused() -> None:
    with pytest.raises(ValueError, match="authorize_url"):
        with_parameters("http://id.example.com/a", {})
