"""Passwords and PINs of people: argon2id, in threads, one hash at a time per core.

ASVS 5.0: 6.2.1 to 6.2.12, 11.4.2. Parameters: t=2, m=19 MiB, p=1.
"""

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

from handcart.core.db import Unavailable
from handcart.core.errors import Refused

LEAST_CHARACTERS = 8
MOST_BYTES = 1024
LEAST_DIGITS = 4
MOST_DIGITS = 8

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h

_hashing = ThreadPoolExecutor(os.cpu_count() or 1, "argon2")
_MOST_WAITING = 50 * (os.cpu_count() or 1)  # about 4 s
_waiting = 0


class PasswordRefused(Refused):
    """A new password that is not accepted. `reason`: `too_short`, `too_long` or `common`."""

    def __init__(self, reason: str) -> None:
        sentences = {
            "too_short": f"the password needs at least {LEAST_CHARACTERS} characters",
            "too_long": f"the password may have at most {MOST_BYTES} bytes",
            "common": "the password is one of the most common ones: choose another",
        }
        super().__init__(sentences[reason])
        self.reason = reason


class PinRefused(Refused):
    """A new PIN that is not accepted. `reason`: `form` or `easy`."""

    def __init__(self, reason: str) -> None:
        sentences = {
            "form": f"a PIN has {LEAST_DIGITS} to {MOST_DIGITS} digits",
            "easy": "the PIN is too easy to guess: avoid repeated digits, and digits that count up or down",
        }
        super().__init__(sentences[reason])
        self.reason = reason


def hash_new(password: str) -> str:
    """Hash a new password, or raise `PasswordRefused`."""
    if len(password) < LEAST_CHARACTERS:
        raise PasswordRefused("too_short")
    if not is_readable(password):
        raise PasswordRefused("too_long")
    if password.lower() in _common():
        raise PasswordRefused("common")
    hashed: str = _hasher().hash(password)
    return hashed


def hash_new_pin(pin: str) -> str:
    """Hash a new PIN, or raise `PinRefused`. It may only unlock a device whose session can end after wrong PINs."""
    if not is_pin(pin):
        raise PinRefused("form")
    steps = {(int(second) - int(first)) % 10 for first, second in pairwise(pin)}
    if steps in ({0}, {1}, {9}) or pin == pin[:2] * (len(pin) // 2):
        raise PinRefused("easy")
    hashed: str = _hasher().hash(pin)
    return hashed


def is_pin(text: str) -> bool:
    """Whether a text has the form of a PIN: 4 to 8 of the digits 0 to 9."""
    return text.isascii() and text.isdecimal() and LEAST_DIGITS <= len(text) <= MOST_DIGITS


def made_up() -> str:
    """A random password, for an account whose owner has not chosen one."""
    return secrets.token_urlsafe(12)


def is_readable(password: str) -> bool:
    """Whether a password can be hashed: not too long, encodable, without NUL."""
    try:
        return len(password.encode()) <= MOST_BYTES and "\0" not in password
    except UnicodeEncodeError:
        return False


async def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password matches; without a hash (no such account) it takes as long and returns False.

    Raises `Unavailable` when too many calls wait already, so that a burst does not delay customers for a minute.
    """
    global _waiting
    if _waiting >= _MOST_WAITING:
        raise Unavailable("too many passwords wait to be verified")
    _waiting += 1
    try:
        fits = await asyncio.get_running_loop().run_in_executor(_hashing, _verify, password_hash, password)
    finally:
        _waiting -= 1
    return fits and bool(password_hash)


async def hash_again(password_hash: str, password: str) -> str | None:
    """A new hash of a password that was just verified, if the old one was made with other parameters."""
    if not _hasher().check_needs_rehash(password_hash):
        return None
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_hashing, _hasher().hash, password)


def _verify(password_hash: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(password_hash or _nobody(), password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher  # loaded at the first sign-in, for a faster start

    _give_memory_back()
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _give_memory_back() -> None:
    """Make glibc return the 19 MiB of each hash to the system; by default it keeps them per thread."""
    import ctypes  # as above

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 20)


@cache
def _nobody() -> str:
    hashed: str = _hasher().hash("no account has this password")
    return hashed


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"][:10_000])
