"""The pictures of a chat on the shopper's phone."""

from collections.abc import Iterator

import pytest

from handcart.chat import ops
from handcart.chat.models import Said
from handcart.core.db import Tx
from handcart.orders import ops as orders
from handcart.pictures import encoding
from handcart.pictures.ops import hash_of
from tests.support.acting import Acting
from tests.support.chatting import Chatting
from tests.support.orders import Market
from tests.support.pictures import file
from tests.support.server import LiveServer
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def acting(server: LiveServer, market: Market) -> Acting:
    return Acting(Working(server), market, market.order()["id"], workflow_state="picking")


def show(chatting: Chatting, sent: bytes) -> str:
    """The customer writes with a picture; returns its id."""

    async def keep(tx: Tx) -> str:
        order = await orders.lock(tx, chatting.market.retailer.id, chatting.order_id)
        who = (chatting.market.retailer.id, order, chatting.customer)
        kept = await ops.keep_picture(tx, *who, "picture-0001", hash_of(sent), encoding.encode_now(sent), 30)
        await ops.say(tx, *who, Said("Like this one", picture_id=kept.id))
        return kept.id

    picture_id: str = chatting.market.server.write(keep)
    return picture_id


def test_customer_sends_a_picture_then_only_the_orders_shopper_sees_it(server: LiveServer, acting: Acting) -> None:
    show(Chatting(acting.market, acting.order_ids[0]), file())
    (message,) = acting.working.run().batches[0].orders[0].chat.messages
    assert message.text == "Like this one"
    path = str(message.picture).removeprefix("/shopper/api/")
    picture = acting.working.phone.get(path)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.content[:2] == b"\xff\xd8"
    other = Working(server)
    assert other.phone.get(path).status_code == 404
    Acting(other, acting.market, acting.market.order()["id"])
    assert other.phone.get(path).status_code == 404
    assert acting.working.phone.get("messages/1/picture").status_code == 404
    assert acting.working.phone.get("messages/../picture").status_code == 404


def test_shopper_sends_a_picture_before_or_after_its_act_then_it_is_shown(acting: Acting) -> None:
    phone, order = acting.working.phone, acting.order_ids[0]
    early, late = (acting.act("say", order=order, picture=True) for _ in range(2))
    assert phone.put(f"pictures/{early['id']}", file()).status_code == 201
    assert [one["outcome"] for one in acting.send(early, late)] == ["applied", "applied"]
    first, second = acting.working.run().batches[0].orders[0].chat.messages
    assert (first.picture, second.picture) == (f"/shopper/api/messages/{first.id}/picture", "")
    assert phone.put(f"pictures/{late['id']}", file()).status_code == 201
    _, second = acting.working.run().batches[0].orders[0].chat.messages
    assert phone.get(str(second.picture).removeprefix("/shopper/api/")).status_code == 200


def test_picture_of_another_order_then_the_message_is_refused(acting: Acting) -> None:
    market = acting.market
    picture_id = show(Chatting(market, acting.order_ids[0]), file())
    other = Acting(acting.working, market, market.order()["id"], workflow_state="picking")
    with pytest.raises(Exception, match="is invalid"):
        Chatting(market, other.order_ids[0]).says(Chatting(market, "").customer, picture_id=picture_id)
