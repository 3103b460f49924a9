"""The table of kinds is the documented one. A name that is not documented is guessed from the title."""

from handcart.events.kinds import DELIVERY, KINDS, LAST_MILE, PICKUP, bare
from tests.events.documented import DOCUMENTED


def test_titles_are_compared_then_they_are_the_documented_ones() -> None:
    options = (DELIVERY, PICKUP, LAST_MILE)
    documented = [one for one in KINDS.values() if not one.is_own]
    assert {one.title: tuple(option in one.options for option in options) for one in documented} == DOCUMENTED


def test_names_are_compared_then_they_follow_from_the_titles() -> None:
    assert all(one.name == one.title.lower().replace(" ", "_") for one in KINDS.values())
    without_prefix = [one.wire_name for one in KINDS.values() if not one.wire_name.startswith("fulfillment.")]
    assert without_prefix == ["chat_message_created", *(f"handcart.{one.name}" for one in KINDS.values() if one.is_own)]


def test_name_has_the_prefix_or_not_then_the_same_kind() -> None:
    assert bare("fulfillment.picking") == bare("picking") == KINDS["picking"].name
    assert bare("handcart.pickup_closed") == KINDS["pickup_closed"].name
