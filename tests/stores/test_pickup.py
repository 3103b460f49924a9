"""Pickup instructions: of a store or of every store, checked, listed, deleted."""

import pytest

from handcart.core.errors import Refused
from handcart.stores import pickup
from handcart.stores.pickup import EVERY_STORE, Image, Instruction
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer

PICTURE = Image("https://shop.example/bays.png", "The sign")


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def test_instruction_set_twice_and_removed_then_the_last_one_and_none(market: Market) -> None:
    server, retailer_id = market.server, market.retailer.id
    for text in ("Park anywhere", " Park in bays 1 to 6\nand call us "):
        server.write(pickup.set_instruction, retailer_id, Instruction("here", "curbside", text, [PICTURE]))
    (found,) = server.read(pickup.instructions, retailer_id, "here")
    assert found == Instruction("here", "curbside", "Park in bays 1 to 6\nand call us", [PICTURE])
    assert server.read(pickup.instructions, retailer_id, "dry") == []
    server.write(pickup.remove_instruction, retailer_id, "here", "curbside")
    assert server.read(pickup.all_instructions, retailer_id) == []
    with pytest.raises(Refused, match="no such instruction"):
        server.write(pickup.remove_instruction, retailer_id, "here", "curbside")


def test_another_retailers_instruction_then_not_seen(market: Market, server: LiveServer) -> None:
    other = Market(server)
    server.write(pickup.set_instruction, other.retailer.id, Instruction(EVERY_STORE, "curbside", "Park"))
    assert server.read(pickup.instructions, market.retailer.id, "here") == []


WRONG = {
    "category": (Instruction("", "roof", "Climb"), "there is no category 'roof'"),
    "store": (Instruction("nowhere", "curbside", "Park"), "there is no store 'nowhere'"),
    "empty": (Instruction("", "curbside", " \n "), "1 to 1000 printable"),
    "long": (Instruction("", "curbside", "x" * 1001), "1 to 1000 printable"),
    "override": (Instruction("", "curbside", "Park\u202e"), "1 to 1000 printable"),
    "http": (Instruction("", "curbside", "Park", [Image("http://shop.example/a.png")]), "begins with https://"),
    "script": (Instruction("", "curbside", "Park", [Image("javascript:alert(1)")]), "begins with https://"),
    "six pictures": (Instruction("", "curbside", "Park", [PICTURE] * 6), "at most 5 pictures"),
    "description": (Instruction("", "curbside", "Park", [Image(PICTURE.url, "x" * 1001)]), "description"),
}


@pytest.mark.parametrize("row", WRONG)
def test_wrong_instruction_then_refused_with_the_reason(market: Market, row: str) -> None:
    given, reason = WRONG[row]
    with nothing_written(market.server), pytest.raises(Refused, match=reason):
        market.server.write(pickup.set_instruction, market.retailer.id, given)
