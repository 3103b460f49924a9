"""`handcart store`: instructions for customers who pick up, and stores that are closed."""

import pytest

from handcart.core import clock
from handcart.stores import queries
from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def test_instructions_are_set_listed_and_removed_then_shown_each_time(run: Run, market: Market) -> None:
    of = ("store", "pickup", "--retailer", market.slug)
    assert "no pickup instructions" in run(*of).output
    picture = ("--image", "https://shop.example/bays.png?size=2", "The sign of the bays")
    run(*of, "--category", "curbside", "--instruction", "Call us")
    own = run(*of, "--store", "here", "--category", "curbside", "--instruction", "Park in bay 1", *picture, "--json")
    assert answer(own)["pickup_instructions"] == [
        {"location_code": "", "category": "curbside", "instruction": "Call us", "images": []},
        {
            "location_code": "here",
            "category": "curbside",
            "instruction": "Park in bay 1",
            "images": [{"url": "https://shop.example/bays.png?size=2", "value": "The sign of the bays"}],
        },
    ]
    assert "(every store)" in run(*of).output
    left = answer(run(*of, "--category", "curbside", "--remove", "--json"))["pickup_instructions"]
    assert [one["location_code"] for one in left] == ["here"]


def test_command_is_incomplete_or_wrong_then_it_says_what_to_do(run: Run, market: Market) -> None:
    of = ("store", "pickup", "--retailer", market.slug)
    assert "name the category" in run(*of, "--instruction", "Park").output
    assert "there is no category" in refusal(run(*of, "--category", "roof", "--instruction", "Climb"))
    assert "there is no such instruction" in refusal(run(*of, "--category", "locker", "--remove"))


def test_store_is_closed_for_today_then_no_windows_until_it_opens_again(run: Run, market: Market) -> None:
    of = ("--retailer", market.slug, "--store", "here")
    closed = answer(run("store", "close", *of, "--reason", "the roof leaks", "--json"))
    assert closed["closed_until"][11:19] == "00:00:00"
    there = market.server.read(queries.store, market.retailer.id, "here")
    assert there.closed_reason == "the roof leaks"
    assert there.is_closed(clock.now(), clock.now() + 1)
    assert answer(run("store", "reopen", *of, "--json")) == {"store": "here", "closed_until": None}
    assert market.server.read(queries.store, market.retailer.id, "here").closed_until is None


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        ("close", {"--until": "25:00"}, "until a later time"),
        ("close", {"--until": "soon"}, "until a later time"),
        ("close", {"--until": "0:00"}, "until a later time"),
        ("close", {"--reason": " "}, "give a reason"),
        ("close", {"--store": "nowhere"}, "has no store 'nowhere'"),
        ("reopen", {}, "is not closed"),
        ("reopen", {"--store": "nowhere"}, "there is no such store"),
    ],
)
def test_closing_is_impossible_then_said_and_nothing(
    run: Run, market: Market, command: str, options: dict[str, str], sentence: str
) -> None:
    given = {"--retailer": market.slug, "--store": "here", **({"--reason": "flood"} if command == "close" else {})}
    words = [word for pair in {**given, **options}.items() for word in pair]
    with nothing_written(market.server):
        assert sentence in refusal(run("store", command, *words))
