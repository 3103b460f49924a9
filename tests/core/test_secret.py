"""Secrets: their form, and what command lines make of them."""

import re

import pytest

from handcart.core import secret


def test_tokens_then_43_characters_never_twice_and_never_like_an_option() -> None:
    # One in 64 would start with a hyphen: `handcart client rotate -x...` fails, `--client-id -x...` as well.
    tokens = {secret.new_token() for _ in range(3000)}
    assert len(tokens) == 3000
    assert [token for token in tokens if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{42}", token)] == []


@pytest.mark.parametrize("given", ["", "x", "token ", "tokeN", "tokén", "\ud800"])
def test_another_text_then_no_match(given: str) -> None:
    assert secret.matches("token", "token")
    assert not secret.matches(given, "token")
