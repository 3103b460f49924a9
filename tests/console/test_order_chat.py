"""The chat on an order's page: who sees it, and its pictures."""

from typing import Any

import pytest

from handcart.chat import ops
from handcart.chat.models import Said
from handcart.core.db import Tx
from handcart.orders import ops as orders
from handcart.pictures import encoding
from handcart.pictures.ops import hash_of
from tests.support.acting import Acting
from tests.support.chatting import Chatting
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.pictures import file
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def acting(server: LiveServer, market: Market) -> Acting:
    return Acting(Working(server, "Noor Sample"), market, market.order()["id"], workflow_state="picking")


def show(chatting: Chatting) -> None:
    """The customer writes with a picture."""

    async def keep(tx: Tx) -> None:
        order = await orders.lock(tx, chatting.market.retailer.id, chatting.order_id)
        who = (chatting.market.retailer.id, order, chatting.customer)
        kept = await ops.keep_picture(tx, *who, "picture-0001", hash_of(file()), encoding.encode_now(file()), 30)
        await ops.say(tx, *who, Said("Like this", picture_id=kept.id))

    chatting.market.server.write(keep)


def test_both_have_written_then_people_who_see_customers_see_the_chat(
    server: LiveServer, market: Market, acting: Acting, later: Any
) -> None:
    order_id = acting.order_ids[0]
    acting.did("say", order=order_id, phrase="hello")
    chatting = Chatting(market, order_id)
    chatting.says(chatting.customer, "<script>alert(1)</script>\n\u202eripe bananas")
    show(chatting)
    path = f"/console/orders/{market.slug}/{order_id}"
    operator = Person(server)
    page = is_page(operator.open(path)).text
    assert "<bdi>Noor Sample</bdi>: " in page
    assert "Hello, I\u2019m your shopper." in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "Like this" in page
    address = page.partition('<a href="/console/pictures/')[2].partition('"')[0]
    assert operator.open(f"/console/pictures/{address}").content[:2] == b"\xff\xd8"
    manager = Person(server, "retailer_manager", market.retailer.id)
    assert manager.open(f"/console/pictures/{address}").status_code == 200
    stranger = Person(server, "retailer_manager", Market(server).retailer.id)
    assert stranger.open(f"/console/pictures/{address}").status_code == 404
    associate = Person(server, "store_associate", market.retailer.id, 1)
    assert "Like this" not in is_page(associate.open(path)).text
    french = is_page(Person(server).open(path, locale="fr-CA")).text
    assert "Bonjour, je m\u2019occupe de vos achats." in french


def test_picture_has_not_come_then_the_page_says_so(server: LiveServer, market: Market, acting: Acting) -> None:
    acting.did("say", order=acting.order_ids[0], picture=True)
    page = is_page(Person(server).open(f"/console/orders/{market.slug}/{acting.order_ids[0]}")).text
    assert "A picture that cannot be shown" in page
