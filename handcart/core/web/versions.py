"""Versions of what a form changes, so that of two people who change one thing the second learns of the first."""

import hashlib
from typing import Any

import msgspec


class Changed(Exception):
    """What a form changes is no longer what its page showed."""


def version_of(*values: Any) -> str:
    """The version of what these values say: 16 hexadecimal digits, other ones as soon as a value is another."""
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()[:16]


def check(seen: str, *values: Any) -> None:
    """Raise `Changed` unless `seen` is the version of these values. Call it in the transaction that changes them."""
    if seen != version_of(*values):
        raise Changed
