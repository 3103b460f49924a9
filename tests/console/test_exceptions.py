"""The page of orders that need a person: what each remedy changes, tells and records, and when it is refused."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from markupsafe import escape

from handcart.assignment import queries
from handcart.assignment.errors import SENTENCES
from handcart.core.web.pages import texts
from handcart.notifications import ops as notify
from handcart.orders import states
from tests.console.test_matrix import form_token
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import GROWN_UP, KINDS, TEXTED, Market, line
from tests.support.pages import is_error, is_page
from tests.support.remedies import prepare, reach
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import add_shopper
from tests.support.working import Working

PATH = "/console/exceptions"
# Each form with the audit log's name of what it does.
DEEDS = {
    "hand-over": "assign_orders",
    "write-shopper": "write_shopper",
    "tell-late": "tell_late",
    "push": "push_orders",
    "allow-leaving": "allow_leaving",
    "turn-back": "turn_back",
    "take-back": "take_back",
    "refund": "refund_lines",
    "replay": "replay_failed",
    "pause": "pause_webhooks",
    "claim": "claim_order",
    "release": "release_order",
    "assign": "assign_orders",
    "unassign": "assign_orders",
    "cancel": "cancel_orders",
    "reschedule": "reschedule_orders",
}


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, tells_customers=True)


def url(market: Market, order_id: str, action: str = "") -> str:
    return f"/console/orders/{market.slug}/{quote(order_id, '')}{action}"


def warn(market: Market, order_id: str, kind: str) -> None:
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, $3, 1) RETURNING kind",
        *(market.retailer.id, order_id, kind),
    )


def audited(market: Market, order_id: str) -> list[tuple[str, str | None]]:
    """What people did about an order, and why, the latest last."""
    rows = market.server.sql(
        "SELECT operation, reason FROM audit_log WHERE subject = $1 AND actor_kind = 'staff' ORDER BY id",
        f"order/{market.slug}/{order_id}",
    )
    return [(row["operation"], row["reason"]) for row in rows]


def open_remedies(person: Person, market: Market, order_id: str) -> str:
    """Open the remedies of an order on the page of exceptions."""
    return is_page(person.open(PATH, retailer=market.slug, open=f"{market.slug}/{order_id}")).text


def test_orders_need_a_person_then_grouped_with_the_most_urgent_first(market: Market) -> None:
    late, missing, fine = (market.order()["id"] for _ in range(3))
    for order_id, kind in ((late, "late"), (missing, "missing"), (missing, "late")):
        warn(market, order_id, kind)
    person = Person(market.server, "dispatcher")
    page = is_page(person.open(PATH, retailer=market.slug)).text
    assert fine not in page
    assert page.index('id="kind-missing"') < page.index(missing) < page.index('id="kind-late"') < page.index(late)
    assert page.count(f'<a href="{url(market, missing)}">') == 1
    page = is_page(person.open(PATH, retailer=market.slug, need="late")).text
    assert (late in page, missing in page) == (True, True)
    page = is_page(person.open(PATH, retailer=market.slug, need="missing")).text
    assert (late in page, missing in page) == (False, True)
    assert "No order needs you now" in is_page(person.open(PATH, retailer=market.slug, need="bags")).text
    file = person.http.get("/console/orders.csv", params={"need": "any", "retailer": market.slug}).text
    assert (late in file, missing in file, fine in file) == (True, True, False)


@pytest.mark.parametrize("action", DEEDS)
def test_remedy_is_posted_from_exceptions_then_done_and_audited(market: Market, action: str) -> None:
    person = Person(market.server)
    order_id, fields = prepare(market, action, person.actor)
    warn(market, order_id, "stuck")
    before = len(audited(market, order_id))
    open_remedies(person, market, order_id)
    person.submit(url(market, order_id, f"/{action}"), **{"reason": "the roof leaks", **fields})
    assert is_page(person.page).url.path == PATH
    assert texts("en")[f"console.order.done.{action}"] in person.page.text
    deeds = audited(market, order_id)[before:]
    assert DEEDS[action] in [deed for deed, _ in deeds]
    if action not in ("claim", "release", "assign"):
        assert (DEEDS[action], "the roof leaks") in deeds
    assert market.faults() == []
    page = is_page(person.open(url(market, order_id))).text
    assert "<bdi>Sample operator_admin</bdi>: " in page


@pytest.mark.parametrize("action", DEEDS)
def test_remedy_is_posted_twice_or_stale_then_refused_by_name(market: Market, action: str) -> None:
    person, other = Person(market.server), Person(market.server)
    order_id, fields = prepare(market, action, person.actor)
    person.open(url(market, order_id))
    form = {**person.form(url(market, order_id, f"/{action}")), "reason": "why", **fields}
    token = form.pop("form_token")
    with nothing_written(market.server):
        is_error(person.http.post(url(market, order_id, f"/{action}"), data=form), 403, "form_expired")
        is_error(
            other.http.post(url(market, order_id, f"/{action}"), data={**form, "form_token": token}),
            403,
            "form_expired",
        )
    form["form_token"] = token
    first = person.http.post(url(market, order_id, f"/{action}"), data=form)
    assert first.status_code == 303, first.text
    if action == "claim":
        return  # again: the same claim
    with nothing_written(market.server):
        again = is_page(person.http.post(url(market, order_id, f"/{action}"), data=form), 409)
    assert texts("en")["console.order.now"] in again.text


@pytest.mark.parametrize("action", sorted({*DEEDS, "unlock-pin"} - {"claim", "release"}))
def test_order_changed_since_the_page_opened_then_told_what(market: Market, action: str) -> None:
    person = Person(market.server)
    order_id, fields = prepare(market, action, person.actor)
    person.open(url(market, order_id))
    form = {**person.form(url(market, order_id, f"/{action}")), "reason": "the <roof> leaks", **fields}
    move = "UPDATE orders SET window_starts_at = window_starts_at + 60000000 WHERE order_id = $1 RETURNING 1"
    market.server.sql(move, order_id)
    with nothing_written(market.server):
        person.page = is_page(person.http.post(url(market, order_id, f"/{action}"), data=form), 409)
    page = person.page.text
    alert = page[page.index('role="alert"') : page.index("</p>", page.index('role="alert"'))]
    assert texts("en")["console.order.refused.changed"] in alert
    assert "The window: " in alert
    assert "the &lt;roof&gt; leaks" in alert
    assert person.form(url(market, order_id, f"/{action}")).items() >= fields.items()


@pytest.mark.parametrize("seen", ["", "x", "picking 5 1", "<b> <i> 1", "brand_new 0 " + "9" * 99])
def test_form_says_another_state_then_the_page_says_what_is_true(market: Market, seen: str) -> None:
    person = Person(market.server)
    order_id, fields = prepare(market, "cancel", person.actor)
    person.open(url(market, order_id))
    form = {**person.form(url(market, order_id, "/cancel")), "reason": "why", **fields, "seen": seen}
    with nothing_written(market.server):
        page = is_page(person.http.post(url(market, order_id, "/cancel"), data=form), 409).text
    assert ("picking" not in seen) or ("Picking when you opened the page, New now" in page)
    assert "<b>" not in page


# What each remedy leads to: the status, an event, and the message to the customer.
EFFECTS: dict[str, tuple[str, str | None, str | None]] = {
    "unassign": ("brand_new", "rescheduled", "unassigned"),
    "hand-over": ("brand_new", "rescheduled", "unassigned"),
    "reschedule": ("brand_new", "rescheduled", "rescheduled"),
    "cancel": ("canceled", "canceled", "canceled_limited_hours"),
    "tell-late": ("brand_new", "late_delivery", "late_delivery"),
    "push": ("checkout", "checkout", None),
    "allow-leaving": ("delivering", None, None),
    "turn-back": ("delivering", None, None),
    "take-back": ("canceled", "canceled", "canceled_customer_missing"),
    "refund": ("picking", "order_item_refund", "refund"),
}


@pytest.mark.parametrize("action", EFFECTS)
def test_remedy_is_done_then_state_event_message_and_shopper_are_right(market: Market, action: str) -> None:
    status, event, template = EFFECTS[action]
    person = Person(market.server, "dispatcher")
    order_id, fields = prepare(market, action, person.actor, user=TEXTED)
    if action in ("unassign", "hand-over"):  # so that there is something to go back from
        (row,) = market.server.sql(
            "SELECT batch_id FROM batch_orders WHERE retailer_id = $1 AND order_id = $2 AND is_live",
            *(market.retailer.id, order_id),
        )
        Shopping(market).reach(row["batch_id"], "picking")
    before = len(Shopping(market).events(order_id))
    while market.server.write(notify.tell, market.retailer.id, None):
        pass
    market.server.sql("UPDATE messages SET template = 'before' WHERE order_id = $1 RETURNING id", order_id)
    person.open(url(market, order_id))
    person.submit(url(market, order_id, f"/{action}"), **{"reason": "the roof leaks", **fields})
    assert texts("en")[f"console.order.done.{action}"] in is_page(person.page).text
    assert market.row(order_id)["status"] == status
    events = Shopping(market).events(order_id)[before:]
    assert (event in events) if event else events == []
    while market.server.write(notify.tell, market.retailer.id, None):
        pass
    told = market.server.sql("SELECT template FROM messages WHERE order_id = $1 AND template <> 'before'", order_id)
    assert template is None or [row["template"] for row in told] == [template]
    assert market.faults() == []


def test_order_is_taken_away_or_turned_back_then_the_app_says_so(market: Market) -> None:
    order_id, other_id = market.order()["id"], market.order()["id"]
    first, second, third = (Working(market.server, name) for name in ("Ada One", "Bo Two", "Cy Three"))
    first.batch(market, order_id, workflow_state="picking")
    person = Person(market.server, "dispatcher")
    person.open(url(market, order_id))
    person.submit(url(market, order_id, "/hand-over"), shopper=second.id, reason="gone home", picked="keep")
    (removed,) = first.run().removed
    assert (removed.reason, removed.by, removed.goods) == ("gone home", "Sample dispatcher", "keep_for_next")
    assert [one.id for batch in second.run().batches for one in batch.orders] == [order_id]
    Shopping(market).reach(third.batch(market, other_id), "delivering")
    person.open(url(market, other_id))
    person.submit(url(market, other_id, "/turn-back"), why="nobody_there", reason="called twice")
    ((order,),) = [batch.orders for batch in third.run().batches]
    assert order.status == "returning"


_SHOPPED = {"acknowledged", "picking", "verifying_replacements", "checkout"}
_AWAY = {"runner_awaiting", "user_at_store"}
_CARRIED = {"acknowledged_for_delivery", "at_store"}
_GOING = {*_SHOPPED, *_AWAY, *_CARRIED, "bags_check", "bags_verified", "delivering"}
# The states in which each form is taken; in all others it is refused by name.
ALLOWED: dict[str, set[str]] = {
    "assign": {"brand_new", "staged"},
    "unassign": _GOING - {"delivering"},
    "hand-over": _GOING - {"delivering"},
    "cancel": {*_GOING, "brand_new", "staged"},
    "reschedule": {"brand_new"},
    "unlock-pin": set(),
    "write-shopper": _GOING,
    "tell-late": {*_GOING - _AWAY, "brand_new"},
    "push": {*_SHOPPED, *_AWAY, *_CARRIED, "bags_check", "last_mile bags_verified", "dispatch bags_verified"},
    "allow-leaving": {"delivering"},
    "turn-back": {"delivering"},
    "take-back": set(),
    "refund": {
        f"{kind} {status}"
        for kind in ("delivery", "pickup")
        for status in {*_GOING, "staged"} - {"acknowledged"} - _CARRIED
    },
    "replay": set(),
    "pause": set(),
    "claim": {*_GOING, "brand_new", "staged", "completed", "canceled"},
    "release": set(),
}
# The state after a state, for the form that pushes orders forward.
NEXT = {
    "acknowledged": "picking",
    "picking": "verifying_replacements",
    "verifying_replacements": "checkout",
    "checkout": "receipt_sanity_check",
    "bags_check": "staged",
    "runner_awaiting": "at_store",
    "user_at_store": "bags_verified",
    "acknowledged_for_delivery": "at_store",
    "at_store": "bags_verified",
    "bags_verified": "delivering",
}


@on_sqlite
@pytest.mark.parametrize("kind", KINDS)
def test_form_is_posted_in_each_state_then_taken_or_refused_by_name(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=500)
    person, other = Person(server), add_shopper(server, "Ada Sample")
    server.sql("UPDATE shoppers SET most_orders = 500 WHERE id = $1 RETURNING id", other.id)
    sentences = {rule: str(escape(texts("en")[f"console.order.refused.{rule}"])) for rule in SENTENCES}
    wrong = []
    for status in states.WORKFLOWS[kind].states:
        order_id = reach(market, kind, status)
        assert market.row(order_id)["status"] == status
        for action, allowed in ALLOWED.items():
            may = bool({status, f"{kind} {status}"} & allowed)
            subject = reach(market, kind, status) if may else order_id
            answer = _posted(person, market, subject, action, other.id, NEXT.get(status, "delivering"), kind)
            if may != (answer.status_code == 303):
                wrong.append(f"{status} {action}: {answer.status_code} {_said(answer.text, sentences)}")
            elif not may and (answer.status_code != 409 or not _said(answer.text, sentences)):
                wrong.append(f"{status} {action}: {answer.status_code} without a rule")
    assert wrong == []
    assert market.faults() == []


def _posted(
    person: Person, market: Market, order_id: str, action: str, shopper_id: int, state: str, kind: str
) -> httpx.Response:
    row = market.server.read(queries.order, market.retailer.id, order_id)
    fields = {
        "form_token": form_token(person, "order", market.slug, order_id),
        "seen": row.seen,
        "reason": "why",
        "shopper": str(shopper_id),
        "cancellation": "retailer_driven: store early closure",
        "slot": str(market.option("last_mile" if kind == "dispatch" else kind, hour=15)),
        "state": state,
        "why": "nobody_there",
        "line:1": "yes",
        "webhook": "1",
        "minutes": "10",
    }
    return person.http.post(url(market, order_id, f"/{action}"), data=fields)


def _said(page: str, sentences: dict[str, str]) -> list[str]:
    return [rule for rule, sentence in sentences.items() if sentence in page]


def test_somebody_is_on_an_order_then_the_second_is_told_who(market: Market) -> None:
    order_id = market.order()["id"]
    warn(market, order_id, "late")
    first, second = Person(market.server, "dispatcher"), Person(market.server, "support")
    stale = open_remedies(second, market, order_id)
    assert "I am on it" in stale
    open_remedies(first, market, order_id)
    first.submit(url(market, order_id, "/claim"), minutes="30")
    assert "You are on it until" in first.page.text
    with nothing_written(market.server):
        form = {**second.form(url(market, order_id, "/claim")), "minutes": "10"}
        answer = is_page(second.http.post(url(market, order_id, "/claim"), data=form), 409)
    assert texts("en")["console.order.refused.claimed"] in answer.text
    assert "<bdi>Sample dispatcher</bdi> is on it until" in open_remedies(second, market, order_id)
    second.submit(url(market, order_id, "/claim"), minutes="10")
    assert "You are on it until" in is_page(second.page).text
    assert "<bdi>Sample support</bdi> is on it until" in open_remedies(first, market, order_id)
    is_page(first.http.post(url(market, order_id, "/release"), data=_with_token(first, market, order_id)), 409)


def test_claim_is_over_then_nobody_is_on_it(market: Market, later: Any) -> None:
    order_id, person = market.order()["id"], Person(market.server, "dispatcher")
    person.open(url(market, order_id))
    person.submit(url(market, order_id, "/claim"), minutes="10")
    assert "You are on it until" in person.page.text
    with later(minutes=10):
        assert "Nobody is on it" in is_page(person.open(url(market, order_id))).text


def _with_token(person: Person, market: Market, order_id: str) -> dict[str, str]:
    return {"form_token": form_token(person, "order", market.slug, order_id)}


def test_remedy_is_not_allowed_then_refused_by_its_rule(market: Market) -> None:
    wine = market.order(items=[line("1", "wine")], user={"birthday": GROWN_UP})["id"]
    milk, mute = market.order()["id"], market.order()["id"]
    working = Working(market.server, "Ada Mute")
    market.server.sql("UPDATE shoppers SET skills = $2 WHERE id = $1 RETURNING id", working.id, '["alcohol"]')
    Shopping(market).reach(working.batch(market, wine), "delivering")
    Shopping(market).reach(working.batch(market, milk), "delivering")
    working.batch(market, mute, workflow_state="picking")
    person = Person(market.server, "dispatcher")
    for order_id, action, fields, rule in (
        (wine, "allow-leaving", {}, "must_hand_over"),
        (milk, "turn-back", {"why": "alcohol_only"}, "no_alcohol"),
        (milk, "turn-back", {"why": "rain"}, "unknown_reason"),
        (milk, "push", {"state": "completed"}, "not_at_store"),
        (mute, "push", {"state": "completed"}, "not_ahead"),
        (mute, "push", {"state": "acknowledged"}, "not_ahead"),
        (mute, "push", {"state": "rain"}, "not_ahead"),
        (mute, "refund", {"line:7": "yes"}, "unknown_line"),
        (mute, "refund", {}, "unknown_line"),
        (mute, "hand-over", {"shopper": str(working.id)}, "same_shopper"),
        (mute, "hand-over", {"shopper": "1"}, "unknown_shopper"),
        (mute, "write-shopper", {}, "unreachable"),
        (mute, "write-shopper", {"reason": "x" * 501}, "reason"),
        (mute, "tell-late", {"reason": " \u200b "}, "reason"),
        (mute, "pause", {"webhook": "1"}, "unknown_webhook"),
    ):
        row = market.server.read(queries.order, market.retailer.id, order_id)
        given = {**_with_token(person, market, order_id), "seen": row.seen, "reason": "why", **fields}
        with nothing_written(market.server):
            answer = is_page(person.http.post(url(market, order_id, f"/{action}"), data=given), 409)
        assert texts("en")[f"console.order.refused.{rule}"] in answer.text, (action, fields)


def test_form_leads_back_to_another_site_then_to_the_order(market: Market) -> None:
    order_id, person = market.order()["id"], Person(market.server, "dispatcher")
    for wrong in ("https://x.test/", "//x.test", "/console/exceptions\r\nx: y", "/console/exceptions@x.test", "/o/1"):
        given = {**_with_token(person, market, order_id), "minutes": "10", "to": wrong}
        answer = person.http.post(url(market, order_id, "/claim"), data=given)
        assert answer.headers["location"] == f"{url(market, order_id)}?done=claim", wrong
