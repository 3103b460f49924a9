"""Who sees a picture in the console, and how it is sent."""

import uuid

import pytest

from handcart.pictures import queries
from handcart.pictures.models import subject_of_act
from tests.support.acting import Acting
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.pictures import file
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def address(server: LiveServer, market: Market) -> str:
    """The address of the picture of an act at the market."""
    acting = Acting(Working(server), market, market.order()["id"])
    acting.did("accept")
    assert acting.last is not None
    return sent(acting.working, acting.last)


def sent(working: Working, act_id: str) -> str:
    """The address of a picture that a shopper's phone has sent for an act."""
    working.phone.put(f"pictures/{act_id}", file()).raise_for_status()
    picture = working.phone.server.read(queries.of_subject, subject_of_act(working.id, act_id))
    return f"/console/pictures/{picture.id}"


def test_people_who_may_see_pictures_then_a_jpeg_that_can_do_nothing(
    server: LiveServer, market: Market, address: str
) -> None:
    for person in (Person(server), Person(server, "retailer_manager", market.retailer.id)):
        answer = person.open(address)
        assert (answer.status_code, answer.content[:3]) == (200, b"\xff\xd8\xff")
        expected = {
            "content-type": "image/jpeg",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-store",
        }
        assert {name: answer.headers[name] for name in expected} == expected
        assert answer.headers["content-disposition"] == f'inline; filename="{address.rpartition("/")[2]}.jpg"'


def test_person_of_another_retailer_or_without_the_role_then_no_picture(
    server: LiveServer, market: Market, address: str
) -> None:
    other = Market(server)
    stranger = Person(server, "retailer_manager", other.retailer.id)
    assert stranger.open(address).status_code == 404
    associate = Person(server, "store_associate", market.retailer.id, 1)
    assert associate.open(address).status_code == 403
    nobody = server.http().get(address)
    assert (nobody.status_code, nobody.headers["location"].partition("?")[0]) == (303, "/console/sign-in")
    assert Person(server).open("/console/pictures/unknown").status_code == 404


def test_act_is_unknown_or_refused_then_only_the_operator_sees_its_picture(server: LiveServer, market: Market) -> None:
    manager, operator = Person(server, "retailer_manager", market.retailer.id), Person(server)
    other = Acting(Working(server), market, market.order()["id"])
    foreign = Working(server)
    acting = Acting(foreign, market, market.order()["id"])
    acting.subject, acting.last = other.subject, None
    assert acting.refused("accept") == "not_yours"
    assert acting.last is not None
    for act_id in (str(uuid.uuid4()), acting.last):
        address = sent(foreign, act_id)
        assert manager.open(address).status_code == 404
        assert operator.open(address).status_code == 200


def test_order_was_delivered_with_a_picture_then_its_page_shows_it(server: LiveServer, market: Market) -> None:
    order_id = market.order("last_mile")["id"]
    acting = Acting(Working(server), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.did("deliver", order=order_id, how="handed_over", photo=True)
    page, operator = f"/console/orders/{market.slug}/{order_id}", Person(server)
    associate = Person(server, "store_associate", market.retailer.id, 1)
    assert "/console/pictures/" not in operator.open(page).text  # it has not arrived yet
    assert acting.last is not None
    address = sent(acting.working, acting.last)
    assert f'src="{address}" width="400" height="300"' in operator.open(page).text
    assert "/console/pictures/" not in associate.open(page).text


def test_customer_is_deleted_then_the_picture_of_the_door_is_gone(server: LiveServer, market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("last_mile", user_id)["id"]
    acting = Acting(Working(server), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.did("deliver", order=order_id, how="handed_over", photo=True)
    assert acting.last is not None
    address, operator = sent(acting.working, acting.last), Person(server)
    assert operator.open(address).status_code == 200
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    assert operator.open(address).status_code == 404
