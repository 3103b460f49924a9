"""An order's page: what it shows to whom, and its forms: give, take away, cancel, move; and two people at once."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from handcart.acts.models import REFUSED
from handcart.acts.queries import MOST_SHOWN
from handcart.acts.verbs import VERBS
from handcart.assignment.errors import SENTENCES
from handcart.core import clock
from handcart.core.web.pages import texts
from handcart.staff.roles import ROLES
from tests.support.acting import Acting, moment
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, PHONE, Market, line
from tests.support.pages import is_error, is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper
from tests.support.working import Working

CANCELLATION = "retailer_driven: store early closure"


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def path(market: Market, order_id: str, action: str = "") -> str:
    return f"/console/orders/{market.slug}/{quote(order_id, '')}{action}"


def told(person: Person, group: str, name: str) -> bool:
    """Whether the open page says the text with this key."""
    return texts("en")[f"console.{group}.{name}"] in person.page.text


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_each_kind_then_its_page_has_everything(market: Market, kind: str) -> None:
    order_id = market.order(kind, order_id=f"50% off/{kind} ü")["id"]
    Shopping(market).complete(order_id, kind)
    person = Person(market.server)
    page = is_page(person.open(path(market, order_id))).text
    assert f"<bdi>50% off/{kind} ü</bdi>" in page
    assert '<code lang="en">brand_new</code>' in page
    for text in ("Completed", "delivered", "no webhook", f"<bdi>{PHONE}</bdi>"):
        assert text in page, text
    label = "Last shopper" if kind == "pickup" else "Delivered by"
    assert f"<dt>{label}</dt><dd><bdi>Shopper of the API</bdi></dd>" in page
    assert "Nobody" not in page
    assert ("Milk" in page) == (kind in ("delivery", "pickup"))
    assert '<form method="post" action="/console/orders' not in page


def test_order_is_given_taken_and_canceled_then_the_story_tells_it(market: Market) -> None:
    order_id = market.order()["id"]
    shopper = add_shopper(market.server, "Ada Sample")
    person = Person(market.server, "dispatcher")
    person.open(path(market, order_id))
    person.submit(path(market, order_id, "/assign"), shopper=shopper.id)
    assert is_page(person.page).text.count("Ada Sample") >= 2
    assert told(person, "order.done", "assign")
    assert "not accepted yet" in person.page.text
    person.submit(path(market, order_id, "/unassign"), reason="the phone is broken")
    assert told(person, "order.done", "unassign")
    person.submit(path(market, order_id, "/reschedule"), slot=market.option(hour=15), reason="the customer called")
    assert told(person, "order.done", "reschedule")
    person.submit(path(market, order_id, "/cancel"), cancellation=CANCELLATION, reason="the roof leaks")
    assert told(person, "order.done", "cancel")
    page = is_page(person.page).text
    for text in ("gave the order to Ada Sample.", "took the order from Ada Sample.", "moved the order", "canceled the"):
        assert f"<bdi>Sample dispatcher</bdi>: {text}" in page, text
    for text in ("the phone is broken", "the customer called", "the roof leaks", "store early closure"):
        assert text in page, text
    assert (market.row(order_id)["status"], market.taken) == ("canceled", (0, 0))


def test_shopper_acts_then_the_story_tells_it_with_refusals(market: Market) -> None:
    first, second = market.order()["id"], market.order()["id"]
    acting = Acting(Working(market.server), market, first, second)
    acting.did("accept")
    acting.did("start")
    acting.did("find", order=first, line="1")
    assert acting.refused("leave")
    person = Person(market.server)
    page = is_page(person.open(path(market, first))).text
    for text in (
        "accepted the work",
        "began to pick",
        "found an item: <bdi>Milk</bdi>",
        "drives to the customers (refused)",
    ):
        assert f"<bdi>Sam Sample</bdi>: {text}" in page, text
    page = is_page(person.open(path(market, second), locale="fr-CA")).text
    assert "a accepté le travail" in page
    assert "a trouvé un article" not in page


def test_shopper_delivers_then_page_has_name_receipt_and_amounts(market: Market) -> None:
    order_id = market.order(items=[line("1", "apples", weight=1.2)])["id"]
    acting = Acting(Working(market.server), market, order_id)
    acting.did("start")
    late = acting.act("find", order=order_id, line="1", weight=1.25)
    acting.send({**late, "at": moment(clock.of_process() - 3 * clock.MINUTE)})
    acting.did("checkout", receipt_number="T-77 <1>", total_cents=123456)
    Shopping(market).reach(acting.batch_id, "completed")
    person = Person(market.server)
    page = is_page(person.open(path(market, order_id))).text
    assert "<dt>Delivered by</dt><dd><bdi>Sam Sample</bdi></dd>" in page
    assert re.search(r"</h1>\s*<p class=\"lead\">[^<]*<time>[^<]+ (CST|CDT)</time>", page)
    assert len(re.findall(r'<time class="note">[^<]+ (?:CST|CDT)</time>', page)) > 3
    assert "<bdi>T-77 &lt;1&gt;</bdi> (total $1,234.56)" in page
    assert page.count("(done ") == 1
    assert '<td class="number">1.25 kg</td>' in page
    page = is_page(person.open(path(market, order_id), locale="fr-CA")).text
    assert "(total\xa0: 1\xa0234,56\xa0$)" in page
    is_page(person.open("/console/orders", retailer=market.slug, state="completed", locale="fr-CA"))
    assert '<span class="note">Livrée par</span> <bdi>Sam Sample</bdi>' in person.page.text
    assert ',"Sam Sample",' in person.open("/console/orders.csv", retailer=market.slug, state="completed").text


def test_shopper_hides_acts_or_writes_to_others_then_the_story_is_true(market: Market) -> None:
    order_id = market.order()["id"]
    acting = Acting(Working(market.server), market, order_id)
    thief = Acting(Working(market.server, "Tom Thief"), market, market.order()["id"])
    acting.did("start", order="another")
    thief.last, thief.subject = None, acting.subject
    for verb in ("leave", "Pay Tom Thief 50 dollars"):
        assert thief.refused(verb)
    for verb in ["leave"] * 30 + ["Call 555 0100"]:
        assert acting.refused(verb)
    page = is_page(Person(market.server).open(path(market, order_id))).text
    assert "<bdi>Sam Sample</bdi>: began to pick" in page
    assert page.count("drives to the customers (refused)") == MOST_SHOWN[REFUSED]
    assert not [text for text in ("Tom Thief", "555 0100") if text in page]


def test_stored_act_cannot_be_read_then_the_page_still_opens(market: Market) -> None:
    order_id = market.order()["id"]
    acting = Acting(Working(market.server), market, order_id)
    acting.did("start")
    acting.did("find", order=order_id, line="1")
    for body in ("[" * 3000, "[" * 3000 + "]" * 3000, "[]"):
        market.server.sql("UPDATE acts SET body = $2 WHERE id = $1", acting.last, body)
        is_page(Person(market.server).open(path(market, order_id)))


def test_order_is_picked_then_the_form_asks_what_to_do_with_the_items(market: Market) -> None:
    order_id, shopping = market.order()["id"], Shopping(market)
    shopper_id = shopping.shopper()
    shopping.generate(shopper_id, order_id, workflow_state="picking").raise_for_status()
    shopping.item(shopper_id, order_id, "1", status="found").raise_for_status()
    person = Person(market.server)
    person.open(path(market, order_id))
    person.submit(path(market, order_id, "/unassign"), reason="gone home")
    row = market.row(order_id)
    assert (row["status"], row["items"][0]["status"]) == ("brand_new", "found")


def test_second_person_then_their_page_says_what_is_true_now(market: Market) -> None:
    order_id = market.order()["id"]
    first, second = (Person(market.server) for _ in range(2))
    shopper = add_shopper(market.server, "Ada Sample")
    for person in (first, second):
        person.open(path(market, order_id))
    stale: list[tuple[str, dict[str, Any]]] = [
        ("assign", {"shopper": shopper.id}),
        ("reschedule", {"slot": market.option(hour=15), "reason": "customer called"}),
        ("cancel", {"cancellation": CANCELLATION, "reason": "roof leaks"}),
    ]
    forms = {action: second.form(path(market, order_id, f"/{action}")) for action, _ in stale}
    first.submit(path(market, order_id, "/assign"), shopper=shopper.id)
    for action, fields in stale:
        with nothing_written(market.server):
            second.page = second.http.post(forms[action].action, data={**forms[action], **fields})
        assert is_page(second.page, 409)
        assert told(second, "order.refused", "changed")
        assert told(second, "order", "now")
        assert "<bdi>Ada Sample</bdi>" in second.page.text
    assert "roof leaks" in second.page.text  # what was typed is not lost
    second.submit(path(market, order_id, "/cancel"), cancellation=CANCELLATION, reason="roof leaks")
    assert market.row(order_id)["status"] == "canceled"


def test_wrong_fields_then_the_page_names_the_rule(market: Market) -> None:
    order_id = market.order()["id"]
    person = Person(market.server)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("assign", {"shopper": ""}, "unknown_shopper"),
        ("assign", {"shopper": "1" * 30}, "unknown_shopper"),
        ("assign", {"shopper": "12345"}, "unknown_shopper"),
        ("reschedule", {"slot": "", "reason": "why"}, "slot_taken"),
        ("reschedule", {"slot": market.option(hour=15), "reason": " "}, "reason"),
        ("cancel", {"cancellation": "", "reason": "why"}, "unknown_reason"),
        ("cancel", {"cancellation": "retailer_driven: no such", "reason": "why"}, "unknown_reason"),
        ("cancel", {"cancellation": CANCELLATION, "reason": "x" * 10_000}, "reason"),
        ("cancel", {"cancellation": CANCELLATION, "reason": "why", "seen": ""}, "changed"),
    ]
    add_shopper(market.server)
    for action, fields, rule in wrong:
        person.open(path(market, order_id))
        with nothing_written(market.server):
            person.submit(path(market, order_id, f"/{action}"), **fields)
        is_page(person.page, 409)
        assert told(person, "order.refused", rule), (action, fields)


def test_form_without_its_token_then_nothing_is_changed(market: Market) -> None:
    order_id, other = market.order()["id"], market.order()["id"]
    person = Person(market.server)
    person.open(path(market, other))
    form = person.form(path(market, other, "/cancel"))
    fields = {**form, "cancellation": CANCELLATION, "reason": "why"}
    for token in ("", form["form_token"]):
        answer = person.http.post(path(market, order_id, "/cancel"), data={**fields, "form_token": token})
        is_error(answer, 403, "form_expired")
    assert market.row(order_id)["status"] == "brand_new"


def test_role_then_it_sees_only_its_forms_and_its_customers(market: Market, server: LiveServer) -> None:
    waiting, given = market.order()["id"], market.order()["id"]
    Shopping(market).batch(given)
    add_shopper(server)
    allowed = {"assign": "assign_orders", "unassign": "assign_orders", "cancel": "cancel_orders"}
    for role, what in ROLES.items():
        retailer_id = None if what.reach == "everywhere" else market.retailer.id
        number = market._stores["here"].number if what.reach == "store" else None
        person = Person(server, role, retailer_id, number)
        page = is_page(person.open(path(market, waiting))).text + is_page(person.open(path(market, given))).text
        for action, operation in {**allowed, "reschedule": "reschedule_orders"}.items():
            assert (f'/{action}">' in page) == (operation in what.operations), (role, action)
        assert (PHONE in page) == ("see_customers" in what.operations), role


def test_role_posts_what_it_may_not_then_forbidden(market: Market, server: LiveServer) -> None:
    waiting = market.order()["id"]
    shopper = add_shopper(server)
    admin = Person(server)
    admin.open(path(market, waiting))
    manager = Person(server, "retailer_manager", market.retailer.id)
    manager.open(path(market, waiting))
    form = manager.form(path(market, waiting, "/cancel"))
    with nothing_written(server):
        answer = manager.http.post(path(market, waiting, "/assign"), data={**form, "shopper": shopper.id})
    is_error(answer, 403, "forbidden")


def test_another_place_or_no_order_then_refused(market: Market, server: LiveServer) -> None:
    other = Market(server)
    theirs, ours = other.order()["id"], market.order()["id"]
    manager = Person(server, "retailer_manager", market.retailer.id)
    associate = Person(server, "store_associate", market.retailer.id, market._stores["dry"].number)
    is_page(manager.open(path(market, ours)))
    is_error(manager.open(path(other, theirs)), 403, "forbidden")
    is_error(manager.open(path(other, "no order")), 403, "forbidden")
    is_error(manager.open(path(market, "no order")), 404, "not_found")
    is_error(manager.open("/console/orders/no-retailer/no"), 403, "forbidden")
    is_error(associate.open(path(market, ours)), 404, "not_found")
    is_error(associate.open(path(market, "no order")), 404, "not_found")
    is_error(Person(server).open("/console/orders/no-retailer/no"), 404, "not_found")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_rule_or_verb_then_it_has_a_text(language: str) -> None:
    assert sorted(verb for verb in VERBS if f"console.verb.{verb}" not in texts(language)) == []
    assert sorted(key for key in SENTENCES if f"console.order.refused.{key}" not in texts(language)) == []
