"""Acts that come twice, late, in another sequence, from other people, or after the work has changed."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from handcart.acts import jobs, ops, queries
from handcart.acts.models import Act
from handcart.acts.ops import OLDEST
from handcart.acts.rules import RULES
from handcart.batches import ops as batches
from handcart.batches.states import UNASSIGNED
from handcart.core import clock, ids
from handcart.orders import ops as orders
from handcart.orders import replacements
from handcart.orders.models import Alternative
from handcart.stores.models import ItemName
from tests.support.acting import Acting, moment
from tests.support.clocks import freeze
from tests.support.contents import nothing_written
from tests.support.orders import MILK, TEXTED, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import Phone, refusal
from tests.support.working import Working

SCAN = {"scanned_string": "400000000015", "scanned_string_type": "upca"}


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)


def picking(working: Working, market: Market, *cart: dict[str, Any]) -> Acting:
    """An order that is being picked."""
    acting = Acting(working, market, market.order(items=list(cart) or [MILK])["id"], workflow_state="brand_new")
    acting.did("start")
    return acting


def stored(server: LiveServer, act: dict[str, Any]) -> dict[str, Any]:
    (row,) = server.sql("SELECT * FROM acts WHERE id = $1", act["id"])
    return dict(row)


def test_act_comes_again_then_it_is_the_same_and_changes_nothing(market: Market, working: Working) -> None:
    acting = picking(working, market)
    found = acting.act("find", order=acting.order_ids[0], line="1", count=1)
    refused = acting.act("find", order=acting.order_ids[0], line="9")
    first = acting.send(found, refused)
    assert [one["outcome"] for one in first] == ["applied", "refused"]
    with nothing_written(market.server):
        again = acting.send(refused, found, found)
    assert [one["outcome"] for one in again] == ["refused", "same", "same"]
    assert again[0]["rule"] == first[1]["rule"] == "unknown_line"
    assert again[0]["message"] == first[1]["message"]
    assert acting.line()["version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"verb": "refund"},
        {"body": {"order": "other", "line": "1"}},
        {"seen_version": 7},
        {"at": moment(1)},
        {"after": None},
    ],
)
def test_act_comes_again_with_other_content_then_it_is_refused(
    market: Market, working: Working, change: dict[str, Any]
) -> None:
    acting = picking(working, market)
    found = acting.act("find", order=acting.order_ids[0], line="1")
    acting.send(found)
    with nothing_written(market.server):
        (other,) = acting.send({**found, **change})
    assert (other["outcome"], other["rule"]) == ("refused", "other_content")


def test_acts_come_out_of_sequence_then_they_wait_for_each_other(market: Market, working: Working) -> None:
    acting = picking(working, market)
    order_id = acting.order_ids[0]
    acts = [acting.act("find", order=order_id, line="1", count=count) for count in (1, 2)]
    acts.append(acting.act("checkout"))
    elsewhere = picking(working, market)
    with nothing_written(market.server):
        assert [one["outcome"] for one in acting.send(acts[2], acts[1])] == ["later", "later"]
    elsewhere.did("checkout", rest_found=True)
    assert [one["outcome"] for one in acting.send(*acts)] == ["applied"] * 3
    assert acting.line()["delivered_count"] == 2


def test_act_is_refused_then_it_holds_up_no_other(market: Market, working: Working) -> None:
    acting = picking(working, market)
    acts = [acting.act(verb) for verb in ("start", "dance", "review")]
    results = acting.send(*acts)
    assert [(one["outcome"], one["rule"]) for one in results] == [
        ("refused", "already_done"),
        ("refused", "unknown_verb"),
        ("applied", None),
    ]
    assert results[0]["now"]["subject"] == acting.subject
    assert results[0]["now"]["last_act"] == acts[0]["id"]


def test_act_follows_one_about_other_work_then_it_is_refused(market: Market, working: Working) -> None:
    first, second = picking(working, market), picking(working, market)
    second.last = first.last
    assert second.refused("review") == "other_subject"


def test_two_devices_of_a_shopper_then_each_goes_on_after_the_other(market: Market, working: Working) -> None:
    acting = picking(working, market)
    other = Phone(market.server, working.phone.person)
    act = acting.act("find", order=acting.order_ids[0], line="1")
    assert other.post("acts", {"acts": [act]}).json()["results"][0]["outcome"] == "applied"
    acting.did("checkout")
    found = market.server.read(queries.of_subjects, market.retailer.id, [acting.subject])
    assert [one.verb for one in found] == ["start", "find", "checkout"]
    assert len({one.session_id for one in found}) == 2


def test_server_of_the_next_act_is_behind_then_that_act_is_the_last(
    market: Market, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting = picking(working, market)
    with monkeypatch.context() as patch:
        patch.setattr(ids, "new_id", lambda: 1)
        acting.did("find", order=acting.order_ids[0], line="1")
        acting.did("checkout")
    assert market.server.read(queries.last_act, working.id, acting.subject) == acting.last
    found = market.server.read(queries.of_subjects, market.retailer.id, [acting.subject])
    assert [one.verb for one in found] == ["start", "find", "checkout"]


def test_device_has_a_wrong_clock_then_its_time_is_kept_and_not_used(market: Market, working: Working) -> None:
    acting = picking(working, market)
    now = clock.of_process()
    ahead = {**acting.act("find", order=acting.order_ids[0], line="1"), "at": moment(now + 3 * clock.DAY)}
    old = {**acting.act("put_back", order=acting.order_ids[0], line="1"), "at": moment(now - OLDEST + clock.HOUR)}
    too_old = {**acting.act("review"), "at": moment(now - OLDEST - clock.MINUTE)}
    results = acting.send(ahead, old, too_old)
    assert [(one["outcome"], one["rule"]) for one in results] == [
        ("applied", None),
        ("applied", None),
        ("refused", "too_old"),
    ]
    row = stored(market.server, ahead)
    assert row["at"] > row["received_at"] + 2 * clock.DAY
    assert abs(row["received_at"] - now) < clock.HOUR
    assert acting.line().get("picked_at") is None


def test_retailer_has_a_clock_of_its_own_then_acts_use_it(server: LiveServer, working: Working) -> None:
    market = Market(server)
    acting = Acting(working, market, market.order()["id"], workflow_state="brand_new")
    freeze(market, "2027-06-10T10:00:00Z")
    acting.did("start")
    rows = market.server.sql(
        "SELECT at FROM order_history WHERE retailer_id = $1 AND what = 'picking'", market.retailer.id
    )
    assert [clock.to_wire(row["at"]) for row in rows] == ["2027-06-10T10:00:00Z"]


def test_work_is_of_another_shopper_then_acts_are_refused(market: Market, working: Working) -> None:
    acting = picking(working, market)
    thief = Acting(Working(market.server), market, market.order()["id"])
    other_market = Market(market.server)
    shared = Acting(working, other_market, other_market.order()["id"])
    subjects = (
        acting.subject,
        f"{other_market.slug}/{acting.batch_id}",
        f"{market.slug}/{shared.batch_id}",
        f"unknown/{acting.batch_id}",
        f"{market.slug}/999",
        f"{market.slug}/x",
        market.slug,
        "/",
    )
    for subject in subjects:
        thief.last, thief.subject = None, subject
        act = thief.act("review")
        (result,) = thief.send(act)
        assert (result["outcome"], result["rule"], result["now"]) == ("refused", "not_yours", None), subject
    assert acting.state == "picking"


def test_device_is_ended_or_locked_then_no_act_is_applied(market: Market, working: Working) -> None:
    acting = picking(working, market)
    act = acting.act("review")
    where = "WHERE person_id = $1 AND audience = 'shopper' RETURNING id"
    market.server.sql(f"UPDATE sessions SET unlocked_at = NULL {where}", working.id)
    with nothing_written(market.server):
        assert refusal(working.phone.post("acts", {"acts": [act]})) == (423, "locked")
    market.server.sql(f"DELETE FROM sessions {where}", working.id)
    with nothing_written(market.server):
        assert refusal(working.phone.post("acts", {"acts": [act]})) == (401, "signed_out")
        assert refusal(working.phone.post("acts", {"acts": [act]}, headers={"Origin": "https://evil.example"}))[0] in (
            401,
            403,
        )
    assert acting.state == "picking"


@pytest.mark.parametrize(
    ("state", "keeps_picked", "goods"),
    [
        ("acknowledged", False, "nothing"),
        ("picking", False, "put_back"),
        ("picking", True, "keep_for_next"),
        ("checkout", False, "hand_to_store"),
    ],
)
def test_work_is_taken_away_then_acts_say_what_to_do_with_the_goods(
    market: Market, working: Working, state: str, keeps_picked: bool, goods: str
) -> None:
    acting = Acting(working, market, market.order()["id"], workflow_state="brand_new")
    acting.did("accept")
    if state != "acknowledged":
        acting.did("start")
        acting.did("find", order=acting.order_ids[0], line="1", count=1)
    if state == "checkout":
        acting.did("checkout")
    market.server.write(
        batches.end_early,
        *(market.retailer.id, acting.batch_id, UNASSIGNED, "ill", "Dana"),
        keeps_picked=keeps_picked,
    )
    with_acts = [acting.act("put_back", order=acting.order_ids[0], line="1"), acting.act("leave")]
    for result in acting.send(*with_acts):
        assert (result["outcome"], result["rule"], result["goods"]) == ("refused", "unassigned", goods)
        assert result["message"].startswith(RULES["unassigned"].text)
    status = market.row(acting.order_ids[0])["items"][0].get("status", "not_found")
    assert status == ("found" if goods in ("keep_for_next", "hand_to_store") else "not_found")


def test_shopper_gives_work_back_then_it_ends_or_it_is_too_late(market: Market, working: Working) -> None:
    acting = picking(working, market)
    acting.did("drop_out", reason="my car broke down")
    result = acting.does("review")
    assert (result["rule"], result["goods"]) == ("dropped_out", "put_back")
    assert market.row(acting.order_ids[0])["status"] == "brand_new"
    paid = picking(working, market)
    paid.did("checkout", rest_found=True)
    assert paid.refused("drop_out", reason="my car broke down") == "too_late"
    assert paid.state == "checkout"


def test_order_is_canceled_while_it_is_picked_then_it_leaves_the_batch(market: Market, working: Working) -> None:
    first, second = sorted(market.order()["id"] for _ in range(2))
    acting = Acting(working, market, first, second, workflow_state="brand_new")
    acting.did("start")
    acting.did("find", order=first, line="1")
    Shopping(market).simulate(first, "canceled").raise_for_status()
    result = acting.does("put_back", order=first, line="1")
    assert (result["rule"], result["goods"]) == ("order_canceled", "put_back")
    assert [one["id"] for one in result["now"]["orders"]] == [second]
    acting.did("find", order=second, line="1")
    Shopping(market).simulate(second, "canceled").raise_for_status()
    result = acting.does("checkout")
    assert (result["rule"], result["goods"], result["now"]) == ("order_canceled", "put_back", None)


def test_retailer_cancels_an_order_in_time_then_nothing_is_brought_back(market: Market, working: Working) -> None:
    user_id = market.customer()
    order_id, other = market.order(user_id=user_id)["id"], market.order()["id"]
    acting = Acting(working, market, order_id, other, workflow_state="brand_new")
    assert market.post(market.path(user_id, order_id, "/cancel")).status_code == 200
    acting.did("start")
    result = acting.does("find", order=order_id, line="1")
    assert (result["rule"], result["goods"]) == ("order_canceled", "nothing")
    acting.did("find", order=other, line="1")


def test_line_is_found_twice_then_the_larger_evidence_stays(market: Market, working: Working) -> None:
    acting = picking(working, market, line("1", "milk", count=3))
    order_id = acting.order_ids[0]
    acting.did("find", 0, order=order_id, line="1", count=2, scans=[SCAN, SCAN])
    acting.did("find", 0, order=order_id, line="1", count=3, scans=[SCAN])
    assert (acting.line()["delivered_count"], acting.line()["version"]) == (2, 1)
    acting.did("find", 0, order=order_id, line="1", scans=[SCAN, SCAN, SCAN])
    assert len(acting.line()["scans"]) == 3
    acting.did("find", acting.line()["version"], order=order_id, line="1", count=1, scans=[SCAN])
    assert (acting.line()["delivered_count"], len(acting.line()["scans"])) == (1, 1)


def test_line_was_changed_since_then_other_reports_are_refused_with_it(market: Market, working: Working) -> None:
    acting = picking(working, market)
    order_id = acting.order_ids[0]
    acting.did("refund", 0, order=order_id, line="1")
    acting.did("refund", 0, order=order_id, line="1")
    assert acting.line()["version"] == 1
    for verb, more in (("find", {}), ("replace", {"item": {"rrc": "soap"}}), ("put_back", {})):
        result = acting.does(verb, 0, order=order_id, line="1", **more)
        assert (result["outcome"], result["rule"]) == ("refused", "line_changed")
        (shown,) = result["now"]["orders"][0]["lines"]
        assert (shown["status"], shown["version"]) == ("to_refund", 1)
        assert acting.line()["status"] == "to_refund"
    acting.did("find", 1, order=order_id, line="1")


def choose(market: Market, user_id: str, order_id: str, *rrcs: str) -> None:
    selections = [{"line_num": "1", "replacement_items": [{"rrc": rrc} for rrc in rrcs], "count": 1}]
    path = market.path(user_id, order_id, "/replacement_selections")
    market.put(path, {"selections": selections}).raise_for_status()


def test_customer_answers_meanwhile_then_the_answer_wins(market: Market, working: Working) -> None:
    user_id = market.customer()
    order_id = market.order(user_id=user_id)["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("start")
    choose(market, user_id, order_id, "bread")
    for verb, more in (("replace", {"item": {"rrc": "soap"}}), ("refund", {})):
        result = acting.does(verb, 0, order=order_id, line="1", **more)
        assert (result["outcome"], result["rule"]) == ("refused", "customer_chose")
        assert result["now"]["orders"][0]["lines"][0]["replacement_items"][0]["rrc"] == "bread"
    acting.did("replace", 0, order=order_id, line="1", item={"rrc": "bread"})
    assert acting.line()["substitute"]["rrc"] == "bread"
    choose(market, user_id, order_id, "soap")
    assert acting.refused("replace", 2, order=order_id, line="1", item={"rrc": "bread"}) == "line_changed"
    acting.did("replace", acting.line()["version"], order=order_id, line="1", item={"rrc": "bread"})


def answered(market: Market, order_id: str, approved: bool, alternative: str | None = None) -> None:
    """The customer answers the replacement of line 1."""

    async def answer(tx: Any) -> None:
        order = await orders.lock(tx, market.retailer.id, order_id)
        named = None if alternative is None else Alternative(ItemName(rrc=alternative), count=1)
        await replacements.answer(tx, market.retailer.id, order, "1", approved, named)

    market.server.write(answer)


def proposing(working: Working, market: Market) -> tuple[Acting, dict[str, Any]]:
    """Milk that is picked, for which soap was proposed."""
    acting = picking(working, market, MILK)
    about = {"order": acting.order_ids[0], "line": "1"}
    acting.did("replace", 0, item={"rrc": "soap"}, **about)
    assert acting.line()["replacement_status"] == "PENDING"
    return acting, about


def test_customer_approves_meanwhile_then_unsent_acts_are_refused(market: Market, working: Working) -> None:
    acting, about = proposing(working, market)
    seen = acting.line()["version"]
    answered(market, acting.order_ids[0], approved=True)
    before = acting.line()
    for verb, more in (("replace", {"item": {"rrc": "bread"}}), ("find", {}), ("refund", {}), ("put_back", {})):
        result = acting.does(verb, seen, **about, **more)
        assert (result["outcome"], result["rule"]) == ("refused", "customer_answered"), verb
        shown = result["now"]["orders"][0]["lines"][0]
        assert (shown["replacement_status"], shown["substitute"]["rrc"]) == ("APPROVED", "soap")
    assert acting.line() == before
    acting.did("find", before["version"], **about)
    assert "replacement_status" not in acting.line()


def test_customer_refuses_meanwhile_then_the_refund_stays(market: Market, working: Working) -> None:
    acting, about = proposing(working, market)
    seen = acting.line()["version"]
    answered(market, acting.order_ids[0], approved=False)
    assert acting.refused("replace", seen, item={"rrc": "bread"}, **about) == "customer_answered"
    acting.did("refund", seen, **about)
    assert acting.refused("replace", acting.line()["version"], item={"rrc": "soap"}, **about) == "customer_refused"
    acting.did("replace", acting.line()["version"], item={"rrc": "bread"}, **about)
    assert acting.line()["replacement_status"] == "PENDING"


def test_customer_names_an_alternative_meanwhile_then_only_that_is_taken(market: Market, working: Working) -> None:
    acting, about = proposing(working, market)
    seen = acting.line()["version"]
    answered(market, acting.order_ids[0], approved=False, alternative="bread")
    for verb, more in (("replace", {"item": {"rrc": "apples"}}), ("refund", {})):
        result = acting.does(verb, seen, **about, **more)
        assert (result["outcome"], result["rule"]) == ("refused", "customer_chose"), verb
        shown = result["now"]["orders"][0]["lines"][0]
        assert (shown["status"], shown["alternative"]["count"]) == ("not_found", 1)
        assert shown["alternative"]["product"]["rrc"] == "bread"
        assert shown["refused"]["rrc"] == "soap"
    assert acting.refused("checkout") == "lines_open"
    acting.did("replace", seen, item={"rrc": "bread"}, count=1, **about)
    assert acting.line()["replacement_status"] == "APPROVED"


def test_customer_wants_no_replacement_then_the_item_is_refunded(market: Market, working: Working) -> None:
    acting = picking(working, market, {**MILK, "replacement_policy": "no_replacements"})
    assert acting.refused("replace", order=acting.order_ids[0], line="1", item={"rrc": "soap"}) == "no_replacements"
    assert acting.refused("checkout") == "lines_open"
    assert acting.refused("add", order=acting.order_ids[0], item={}) == "invalid"
    acting.did("refund", order=acting.order_ids[0], line="1")
    acting.did("checkout")
    assert acting.refused("find", order=acting.order_ids[0], line="1") == "not_picking"
    assert acting.refused("add", order=acting.order_ids[0], item={"rrc": "soap"}) == "not_picking"
    acting.did("bag", order=acting.order_ids[0], bags=[])
    assert acting.state == "receipt_sanity_check"


def to_the_door(working: Working, market: Market, **fields: Any) -> Acting:
    acting = Acting(working, market, market.order(**fields)["id"], workflow_state="brand_new")
    acting.did("start")
    acting.did("checkout", rest_found=True)
    assert acting.refused("bag", order=acting.order_ids[0], bags=[]) == "no_bags"
    acting.did("bag", order=acting.order_ids[0], bags=[{"code": "B1"}])
    acting.did("leave")
    return acting


def test_retailer_wants_photo_and_pin_then_no_order_is_given_without(server: LiveServer, working: Working) -> None:
    market = Market(server, door_photo=True, delivery_pin=True)
    acting = to_the_door(working, market, user=TEXTED)
    order_id = acting.order_ids[0]
    assert acting.refused("deliver", order=order_id, how="left", photo=True) == "must_hand_over"
    assert acting.refused("deliver", order=order_id, how="handed_over") == "pin_needed"
    assert acting.refused("deliver", order=order_id, how="handed_over", pin="1234") == "wrong_pin"
    acting.did("deliver", order=order_id, how="handed_over", pin="0188")
    assert market.row(order_id)["details"]["proof"]["has_pin"] is True
    alone = to_the_door(working, market, user=TEXTED, leave_unattended=True)
    assert alone.refused("deliver", order=alone.order_ids[0], how="left") == "photo_needed"
    alone.did("deliver", order=alone.order_ids[0], how="left", photo=True)


def test_pin_is_guessed_then_after_five_wrong_ones_none_counts(server: LiveServer, working: Working) -> None:
    market = Market(server, delivery_pin=True)
    acting = to_the_door(working, market, user=TEXTED)
    order_id = acting.order_ids[0]
    guesses = [acting.act("deliver", order=order_id, how="handed_over", pin=str(1000 + n)) for n in range(7)]
    rules = [one["rule"] for one in acting.send(*guesses)]
    assert rules == ["wrong_pin"] * 5 + ["pin_locked"] * 2
    with nothing_written(server):
        assert [one["rule"] for one in acting.send(*guesses)] == rules
    assert market.row(order_id)["details"]["wrong_pins"] == 5
    assert acting.refused("deliver", order=order_id, how="handed_over", pin="0188") == "pin_locked"
    assert acting.refused("deliver", order=order_id, how="handed_over") == "pin_needed"
    assert acting.state == "delivering"


def test_device_hides_what_it_saw_then_the_customers_choice_stays(market: Market, working: Working) -> None:
    user_id = market.customer()
    order_id = market.order(user_id=user_id)["id"]
    acting = Acting(working, market, order_id, workflow_state="brand_new")
    acting.did("start")
    choose(market, user_id, order_id, "bread")
    for seen in (None, 2, 2**53 - 1):
        assert acting.refused("replace", seen, order=order_id, line="1", item={"rrc": "soap"}) == "customer_chose"
        for verb in ("refund", "put_back"):
            expected = "customer_chose" if verb == "refund" else None
            result = acting.does(verb, seen, order=order_id, line="1")
            assert result["rule"] == expected, (verb, seen)
    acting.did("replace", 1, order=order_id, line="1", item={"rrc": "soap"})


def test_customer_is_not_there_then_the_cancellation_says_so(market: Market, working: Working) -> None:
    acting = to_the_door(working, market)
    order_id = acting.order_ids[0]
    acting.did("cannot_reach", order=order_id)
    acting.did("bring_back", order=order_id, reason="nobody_there")
    assert acting.refused("bring_back", order=order_id, reason="customer_refused") == "already_done"
    acting.did("returned", order=order_id)
    row = market.row(order_id)
    assert (row["cancellation_reason"], row["details"]["cancellation_type"]) == ("customer_driven", "customer mia")
    assert Shopping(market).events(order_id)[-2:] == ["customer_missing", "canceled"]


def test_acts_are_old_then_they_are_deleted_long_after_they_count(market: Market, working: Working, later: Any) -> None:
    acting = picking(working, market)
    late = acting.act("review")
    with later(days=timedelta(microseconds=jobs.KEPT).days + 1):
        market.server.write(jobs.purge, 100_000)
        assert market.server.read(queries.last_act, working.id, acting.subject) is None
        late = {**late, "id": str(uuid.uuid4()), "after": None}
        assert market.server.write(_apply, working.id, late) == "too_old"


async def _apply(tx: Any, person_id: int, act: dict[str, Any]) -> str | None:
    return (await ops.apply(tx, person_id, None, msgspec.convert(act, Act))).rule
