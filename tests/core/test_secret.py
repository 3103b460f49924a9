"""Secrets: random, kept as keyed hashes, each key for one purpose."""

import base64
import re

import pytest

from handcart.core.secret import KEY_BYTES, Keys, matches, new_token

KEYS = Keys(b"a secret key for tests, and for tests alone")
OTHER = Keys(b"a secret key of another installation, alone")


def test_tokens_then_43_characters_never_twice_and_never_like_an_option() -> None:
    # One in 64 would start with a hyphen: `handcart client rotate -x...` fails, `--client-id -x...` as well.
    tokens = {new_token() for _ in range(3000)}
    assert len(tokens) == 3000
    assert [token for token in tokens if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{42}", token)] == []
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {32}


def test_hash_then_keyed_repeatable_and_never_the_secret() -> None:
    token = new_token()
    assert len(KEYS.hash(token)) == 32
    assert KEYS.hash(token) == KEYS.hash(token) != OTHER.hash(token)
    assert token.encode() not in KEYS.hash(token)
    assert KEYS.hash(token) != KEYS.hash(token + "=")


@pytest.mark.parametrize("text", ["", "é", "😀", "\ud800", "a\0b", "x" * 1_000_000], ids=ascii)
def test_hash_of_any_text_then_32_bytes(text: str) -> None:
    assert len(KEYS.hash(text[:1_000_000])) == 32


def test_tokens_of_forms_and_devices_then_bound_to_their_subject_and_purpose() -> None:
    made = {
        KEYS.form_token("session", "1"),
        KEYS.form_token("session", "2"),
        KEYS.form_token("session1"),
        KEYS.form_token("session", "1", ""),
        KEYS.device_token("session", "1"),
        OTHER.form_token("session", "1"),
    }
    assert len(made) == 6


def test_fingerprint_then_tells_keys_apart_and_is_part_of_no_other() -> None:
    assert KEYS.fingerprint != OTHER.fingerprint
    assert KEYS.fingerprint not in KEYS.form_token("")
    assert len(KEYS.fingerprint) == 16


def test_key_too_short_then_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Keys(b"x" * (KEY_BYTES - 1))


@pytest.mark.parametrize("given", ["", "x", "token ", "tokeN", "tokén", "\ud800"])
def test_another_text_then_no_match(given: str) -> None:
    assert matches("token", "token")
    assert not matches(given, "token")
