"""Acts that no app sends: they are refused, and change nothing but their own row."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from handcart.acts.ops import MOST_BODY
from handcart.core.ratelimit import Limit
from handcart.shopper_app import acts as app
from tests.support.acting import Acting, moment
from tests.support.contents import nothing_written
from tests.support.orders import Market, line
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import refusal
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture(scope="module")
def acting(server: LiveServer, market: Market) -> Acting:
    """An order that is being picked."""
    order_id = market.order(items=[line("1", "milk", count=3)])["id"]
    acting = Acting(Working(server), market, order_id, workflow_state="brand_new")
    acting.did("start")
    return acting


LONG = "x" * 300
BODIES: dict[str, list[dict[str, Any]]] = {
    "find": [
        {},
        {"order": 1, "line": "1"},
        {"order": None, "line": "1"},
        {"order": "", "line": "1"},
        {"order": LONG, "line": "1"},
        {"order": "{order}", "line": 1},
        {"order": "{order}"},
        {"order": "{order}", "line": "1", "count": -1},
        {"order": "{order}", "line": "1", "count": 1.5},
        {"order": "{order}", "line": "1", "count": "1"},
        {"order": "{order}", "line": "1", "count": True},
        {"order": "{order}", "line": "1", "count": 2**80},
        {"order": "{order}", "line": "1", "weight": -0.5},
        {"order": "{order}", "line": "1", "weight": 1e300},
        {"order": "{order}", "line": "1", "scans": "4000"},
        {"order": "{order}", "line": "1", "scans": [{}]},
        {"order": "{order}", "line": "1", "scans": [{"scanned_string": "\x00", "scanned_string_type": "upca"}]},
        {"order": "{order}", "line": "1", "scans": [{"scanned_string": "1", "scanned_string_type": "upca"}] * 1001},
        {"order": "{order}", "line": "1", "unscanned": "guessed"},
    ],
    "replace": [
        {"order": "{order}", "line": "1"},
        {"order": "{order}", "line": "1", "item": {}},
        {"order": "{order}", "line": "1", "item": "soap"},
        {"order": "{order}", "line": "1", "item": {"rrc": ["soap"]}},
        {"order": "{order}", "line": "1", "item": {"rrc": "a\x00b"}},
    ],
    "add": [{"order": "{order}", "item": {"rrc": ""}}, {"order": "{order}", "item": None}],
    "refund": [{"order": "{order}", "line": []}],
    "checkout": [{"receipt_number": "a\nb"}, {"total_cents": -1}, {"total_cents": 10**12}, {"rest_found": "yes"}],
    "bag": [
        {"order": "{order}"},
        {"order": "{order}", "bags": [{"code": "B1", "kind": "lukewarm"}]},
        {"order": "{order}", "bags": [{"code": "\u0007"}]},
        {"order": "{order}", "bags": [{"code": str(number)} for number in range(101)]},
    ],
    "stage": [
        {"order": "{order}", "place": "", "scans": []},
        {"order": "{order}", "place": "A1", "scans": ["x"] * 201},
    ],
    "deliver": [
        {"order": "{order}", "how": "thrown"},
        {"order": "{order}", "how": "left", "photo": 1},
        {"order": "{order}", "how": "handed_over", "age": "guessed"},
        {"order": "{order}", "how": "handed_over", "pin": 1234},
    ],
    "bring_back": [{"order": "{order}", "reason": "tired"}],
    "returned": [{"order": "{order}", "alcohol_count": -1}],
    "drop_out": [{}, {"reason": ""}, {"reason": LONG}],
    "accept": [],
}


def test_bodies_have_another_form_then_each_refusal_names_the_field(market: Market, acting: Acting) -> None:
    before = market.row(acting.order_ids[0])
    wrong = {}
    for verb, bodies in BODIES.items():
        for body in bodies:
            sent = json.loads(json.dumps(body).replace("{order}", acting.order_ids[0]))
            result = acting.does(verb, **sent)
            if (result["outcome"], result["rule"]) != ("refused", "invalid") or "it is wrong" in result["message"]:
                wrong[verb, str(body)[:80]] = result["rule"], result["message"]
    assert wrong == {}
    assert (market.row(acting.order_ids[0]), acting.state) == (before, "picking")


def test_verbs_do_not_fit_the_work_then_each_is_refused_by_name(market: Market, acting: Acting) -> None:
    order_id = acting.order_ids[0]
    sent: list[tuple[str, dict[str, Any], str]] = [
        ("accept", {}, "already_done"),
        ("start", {}, "already_done"),
        ("Start", {}, "unknown_verb"),
        ("cancel", {"order": order_id}, "unknown_verb"),
        ("bag", {"order": order_id, "bags": [{"code": "B1"}]}, "not_now"),
        ("check_bags", {}, "not_now"),
        ("stage", {"order": order_id, "place": "A1", "scans": []}, "not_now"),
        ("arrive", {}, "not_now"),
        ("verify_bags", {"order": order_id}, "not_now"),
        ("leave", {}, "not_now"),
        ("cannot_reach", {"order": order_id}, "not_now"),
        ("deliver", {"order": order_id, "how": "handed_over"}, "not_now"),
        ("bring_back", {"order": order_id, "reason": "customer_refused"}, "not_now"),
        ("returned", {"order": order_id}, "not_returning"),
        ("find", {"order": "another", "line": "1"}, "unknown_order"),
        ("find", {"order": market.order()["id"], "line": "1"}, "unknown_order"),
        ("find", {"order": order_id, "line": "9"}, "unknown_line"),
        ("cannot_reach", {"order": "another"}, "unknown_order"),
    ]
    before = market.row(order_id)
    assert [acting.refused(verb, **body) for verb, body, _ in sent] == [rule for _, _, rule in sent]
    assert (market.row(order_id), acting.state) == (before, "picking")


ENVELOPES: list[dict[str, Any]] = [
    {"id": "short"},
    {"id": "has a space in it"},
    {"id": "x" * 65},
    {"id": 12345678},
    {"id": None},
    {"subject": ""},
    {"subject": "a\x00/1"},
    {"subject": "s" * 121},
    {"subject": 5},
    {"after": "?"},
    {"verb": ""},
    {"verb": "v" * 41},
    {"verb": None},
    {"at": "yesterday"},
    {"at": "2027-06-10T10:00:00"},
    {"at": 1_800_000_000},
    {"at": None},
    {"seen_version": -1},
    {"seen_version": "1"},
    {"seen_version": 2**60},
    {"body": []},
    {"body": "x"},
]


@on_sqlite
def test_acts_have_another_form_then_the_whole_call_is_refused(acting: Acting) -> None:
    accepted = []
    with nothing_written(acting.market.server):
        for fields in ENVELOPES:
            act = {"id": str(uuid.uuid4()), "subject": acting.subject, "verb": "review", "at": moment(), **fields}
            if refusal(acting.working.phone.post("acts", {"acts": [act]})) != (400, "invalid"):
                accepted.append(fields)
    assert accepted == []
    assert acting.state == "picking"


@on_sqlite
def test_call_is_no_list_of_acts_or_too_large_then_it_is_refused(acting: Acting) -> None:
    phone = acting.working.phone
    act = {"id": str(uuid.uuid4()), "subject": acting.subject, "verb": "review", "at": moment()}
    with nothing_written(acting.market.server):
        for body in ({}, {"acts": None}, {"acts": {}}, {"acts": "x"}, {"acts": [5]}, {"acts": [[act]]}):
            assert refusal(phone.post("acts", body)) == (400, "invalid"), body
        assert refusal(phone.post("acts", {"acts": [act] * 201})) == (413, "too_many_acts")
        assert refusal(phone.post("acts", {"acts": [act] * 10_000})) == (413, "too_large")
        assert refusal(phone.post("acts", {"acts": [{**act, "body": {"note": "x" * (1 << 20)}}]})) == (413, "too_large")
        deep = '{"acts": [{"body": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}]}"
        answer = phone.http.post("/shopper/api/acts", content=deep, headers={"Content-Type": "application/json"})
        assert refusal(answer) == (400, "invalid")
        answer = phone.http.post("/shopper/api/acts", content="{}", headers={"Content-Type": "text/plain"})
        assert refusal(answer) == (415, "invalid")
        assert refusal(phone.post("acts", {"acts": [act]}, headers={"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert phone.post("acts", {"acts": []}).json() == {"results": []}
    assert acting.state == "picking"


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("verb", "body", "rule"),
    [
        ("find", {"order": "{order}", "line": "1", "more": nested(8)}, "invalid"),
        ("find", {"order": "{order}", "line": "1", "more": nested(900)}, "invalid"),
        ("find", {"order": "{order}", "line": "1", "more": "x" * MOST_BODY}, "invalid"),
        ("I stole it", {"order": "{order}"}, "unknown_verb"),
    ],
)
def test_act_has_no_readable_form_then_only_its_id_is_kept(
    market: Market, verb: str, body: dict[str, Any], rule: str
) -> None:
    acting = Acting(Working(market.server), market, market.order()["id"])
    sent = json.loads(json.dumps(body).replace("{order}", acting.order_ids[0]))
    act = acting.act(verb, **sent)
    first = acting.send(act)
    assert (first[0]["outcome"], first[0]["rule"]) == ("refused", rule)
    with nothing_written(market.server):
        assert acting.send(act) == first
    (row,) = market.server.sql("SELECT retailer_id, verb, body FROM acts WHERE id = $1", act["id"])
    assert tuple(row) == (None, "", "{}")
    acting.did("accept")


def test_body_is_as_deep_and_as_long_as_allowed_then_it_is_applied(acting: Acting) -> None:
    acting.did("find", order=acting.order_ids[0], line="1", more=nested(7))
    scans = [{"scanned_string": "400000000015", "scanned_string_type": "upca"}] * 250
    acting.did("find", order=acting.order_ids[0], line="1", count=250, scans=scans)


def test_too_many_acts_of_a_shopper_then_the_call_has_to_wait(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app.MOST_OF_PERSON.hits >= 500  # a day's work without a network
    monkeypatch.setattr(app, "MOST_OF_PERSON", Limit(4, 10**9))
    acting = Acting(Working(market.server), market, market.order()["id"])
    acts = [acting.act("review"), acting.act("review")]
    for _ in range(2):
        acting.send(*acts)
    answer = acting.working.phone.post("acts", {"acts": [acting.act("accept")]})
    assert refusal(answer) == (429, "wait")
    assert int(answer.headers["Retry-After"]) == answer.json()["error"]["seconds"]
    other = Acting(Working(market.server), market, market.order()["id"])
    other.did("accept")


def test_too_many_bytes_of_a_shopper_then_the_call_has_to_wait(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "MOST_BYTES_OF_PERSON", Limit(50_000, 10**9))
    acting = Acting(Working(market.server), market, market.order()["id"])
    long = acting.act("drop_out", reason="ill", more="x" * 10_000)
    phone = acting.working.phone
    for _ in range(4):
        phone.post("acts", {"acts": [long]}).raise_for_status()
    with nothing_written(market.server):
        answer = phone.post("acts", {"acts": [long]})
    assert (refusal(answer), "retry-after" in answer.headers) == ((429, "wait"), True)


def test_200_acts_come_at_once_then_all_are_applied_in_sequence(market: Market, server: LiveServer) -> None:
    acting = Acting(Working(server), market, market.order()["id"], workflow_state="brand_new")
    acting.did("start")
    acts = [acting.act("find", order=acting.order_ids[0], line="1", count=count % 3) for count in range(200)]
    assert {one["outcome"] for one in acting.send(*acts)} == {"applied"}
    assert acting.line()["version"] == 200
    assert acting.line()["delivered_count"] == 199 % 3
    assert {one["outcome"] for one in acting.send(*acts)} == {"same"}
    assert acting.line()["version"] == 200
