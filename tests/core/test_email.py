"""The form of e-mail addresses."""

import pytest

from handcart.core.email import is_address


@pytest.mark.parametrize("text", ["a@b", "first.last+tag@example.com", "é@例え.jp", f"{'a' * 64}@{'b' * 189}"])
def test_one_at_sign_then_an_address(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "nobody", "@example.com", "a@", "a b@example.com", "a@b@c", "a@\n", "a@b\n", "a@\0", "a\x7f@b", " a@b"),
        *(f"{'a' * 65}@b", f"a@{'b' * 190}"),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_anything_else_then_no_address(text: str) -> None:
    assert not is_address(text)
