"""Secrets: random, kept as keyed hashes or sealed, each key for one purpose."""

import base64
import re
import subprocess
import sys

import pytest

from handcart.core.secret import KEY_BYTES, Keys, SealBroken, matches, new_token

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


def test_tokens_of_forms_and_devices_then_bound_to_subject_and_purpose() -> None:
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


@pytest.mark.parametrize(
    "secret", ["", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "é😀\ud800\0", "x" * 100_000], ids=len
)
def test_sealed_then_opens_again_hides_its_text_and_never_reads_alike(secret: str) -> None:
    sealed = [KEYS.seal(secret) for _ in range(50)]
    assert len(set(sealed)) == 50
    assert {KEYS.open(each) for each in sealed} == {secret}
    assert {len(each) - len(secret.encode("utf-8", "surrogatepass")) for each in sealed} == {33}
    assert not secret or [each for each in sealed if secret.encode("utf-8", "surrogatepass") in each] == []


def test_sealed_and_any_byte_changed_or_missing_then_broken() -> None:
    sealed = KEYS.seal("a client secret")
    changed = [
        sealed[:at] + bytes([sealed[at] ^ bit]) + sealed[at + 1 :] for at in range(len(sealed)) for bit in (1, 128)
    ]
    cut = [sealed[:length] for length in range(len(sealed))]
    for broken in [*changed, *cut, sealed + b"\0"]:
        with pytest.raises(SealBroken, match=r"another secret key|was changed"):
            KEYS.open(broken)


def test_sealed_by_another_installation_then_broken_and_says_so() -> None:
    with pytest.raises(SealBroken, match="another secret key sealed this"):
        KEYS.open(OTHER.seal("a client secret"))


def test_sealed_long_ago_then_opens() -> None:
    # Bytes of the first release: a change of the format or of the key's derivation makes stored secrets unreadable.
    assert (
        KEYS.open(
            bytes.fromhex(
                "01dc37111e71224e3fc40279ba394ed3a9681458cbc138ac4932f14279436165376bb3ef148d7f10125ff85d8240b848"
            )
        )
        == "a client secret"
    )


def test_keys_imported_then_no_cryptography_is_loaded() -> None:
    source = "import sys, handcart.core.secret as s; s.Keys(bytes(32)); sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], timeout=60).returncode == 0
