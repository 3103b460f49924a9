"""Passwords: argon2id with the documented cost, bounds before any hash (ASVS 5.0: 6.2.1 to 6.2.12, 11.4.2)."""

import argon2
import pytest

from handcart.sign_in import passwords
from handcart.sign_in.passwords import PasswordRefused
from tests.support.shop import PASSWORD, PASSWORD_HASH

pytestmark = pytest.mark.usefixtures("our_hashes")


def test_hash_then_argon2id_at_the_documented_cost_and_salted() -> None:
    made = passwords.hash_new(PASSWORD)
    parameters = argon2.extract_parameters(made)
    assert parameters.type is argon2.Type.ID
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19 * 1024, 1)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)
    assert passwords.hash_new(PASSWORD) != made


async def test_verified_then_as_typed_to_the_last_byte() -> None:
    assert await passwords.verify(PASSWORD_HASH, PASSWORD)
    for wrong in ("", PASSWORD[:-1], f"{PASSWORD} ", PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD}\0"):
        assert not await passwords.verify(PASSWORD_HASH, wrong)


@pytest.mark.parametrize("password_hash", [None, "", "nonsense", "$argon2id$v=19$m=19456,t=2,p=1$", "plain"])
async def test_no_hash_or_a_broken_one_then_false(password_hash: str | None) -> None:
    assert not await passwords.verify(password_hash, PASSWORD)
    assert not await passwords.verify(password_hash, "no account has this password")


GOOD = [
    "12345 abc",
    "x" * 1024,
    "é" * 512,
    "pass phrase with spaces",
    " leading and trailing ",
    "密码密码密码密码",
    "\t\n\x01control",
    "🛒" * 8,
]


@pytest.mark.parametrize("password", GOOD, ids=lambda password: ascii(password[:12]))
async def test_unusual_then_taken_as_typed(password: str) -> None:
    assert await passwords.verify(passwords.hash_new(password), password)


BAD = [
    ("", "too_short"),
    ("1234567", "too_short"),
    ("é" * 7, "too_short"),
    ("x" * 1025, "too_long"),
    ("é" * 513, "too_long"),
    ("x" * 1_000_000, "too_long"),
    ("password\0", "too_long"),
    ("password\ud800", "too_long"),
    ("password", "common"),
    ("PassWord", "common"),
    ("12345678", "common"),
    ("iloveyou", "common"),
]


@pytest.mark.parametrize(("password", "reason"), BAD, ids=lambda value: ascii(value[:12]))
def test_refused_then_the_reason_and_a_sentence_without_it(
    password: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed_anyway() -> None:
        raise AssertionError("a refused password was hashed")

    monkeypatch.setattr(passwords, "_hasher", hashed_anyway)
    with pytest.raises(PasswordRefused) as refused:
        passwords.hash_new(password)
    assert refused.value.reason == reason
    assert password in ("", "password") or password not in str(refused.value)


async def test_hash_of_other_parameters_then_made_anew_and_of_these_then_kept() -> None:
    older = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    newer = await passwords.hash_again(older, PASSWORD)
    assert newer is not None
    assert await passwords.verify(newer, PASSWORD)
    assert await passwords.hash_again(newer, PASSWORD) is None
