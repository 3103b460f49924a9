"""The form of e-mail addresses."""

import re

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")


def is_address(text: str) -> bool:
    """Whether a text can be an e-mail address: one @ with 1 to 64 characters before it and 1 to 189 after it.

    Spaces and control characters are not allowed.
    """
    return _ADDRESS.fullmatch(text) is not None
