"""The link to an order's page: it names one order, cannot be guessed, and ends."""

import pytest

from handcart.core.secret import Keys
from handcart.orders import links

KEYS = Keys(bytes(range(32)))


def test_link_is_made_then_it_has_32_characters_of_a_url() -> None:
    made = links.token(KEYS, 1, 2**62)
    assert len(made) == 32
    assert made.replace("-", "").replace("_", "").isalnum()


def test_orders_differ_then_their_links_differ() -> None:
    made = {links.token(KEYS, retailer_id, number) for retailer_id in (1, 2) for number in (1, 2, 12)}
    assert len(made) == 6


def test_key_was_rotated_then_earlier_links_have_their_proof() -> None:
    rotated = Keys(bytes(range(1, 33)), KEYS.hash_keys)
    assert KEYS.link_macs("order", "1", "2")[0] in rotated.link_macs("order", "1", "2")
    assert links.token(KEYS, 1, 2) != links.token(rotated, 1, 2)


@pytest.mark.parametrize("given", ["", "x", "=" * 32, "é" * 32, "a" * 31, "a" * 33, " " * 32, "+" * 32, "/" * 32])
def test_token_is_malformed_then_it_names_nothing(given: str) -> None:
    assert links._read(given) is None
