"""An order's page: what it shows to whom, and its forms: give, take away, cancel, move; and two people at once."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from handcart.acts.models import REFUSED
from handcart.acts.queries import MOST_SHOWN
from handcart.acts.verbs import MOST_WRONG_PINS, VERBS
from handcart.assignment.errors import SENTENCES
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.pages import texts
from handcart.orders import ops as orders
from handcart.orders import proof
from handcart.staff.roles import ROLES
from tests.support.acting import Acting, moment
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, PHONE, TEXTED, Market, line
from tests.support.pages import is_error, is_page
from tests.support.pictures import file
from tests.support.post_checkout import Customer
from tests.support.remedies import failing_webhook
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


def test_pin_is_locked_then_a_dispatcher_unlocks_it_and_the_shopper_tries(server: LiveServer) -> None:
    market = Market(server, delivery_pin=True)
    order_id = market.order(user=TEXTED)["id"]
    acting = Acting(Working(server), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    person, manager = Person(server, "dispatcher"), Person(server, "retailer_manager", market.retailer.id)
    unlock = path(market, order_id, "/unlock-pin")
    assert unlock not in person.open(path(market, order_id)).text
    guesses = [acting.act("deliver", order=order_id, how="handed_over", pin="9999") for _ in range(MOST_WRONG_PINS)]
    acting.send(*guesses)
    assert acting.refused("deliver", order=order_id, how="handed_over", pin="0188") == "pin_locked"
    assert unlock not in manager.open(path(market, order_id)).text
    stale = {**person_form(person, market, order_id), "reason": "customer called"}
    person.submit(unlock, reason="customer called")
    assert told(person, "order.done", "unlock-pin")
    assert 'unlocked the PIN of the order. <span class="note"><bdi>customer called</bdi>' in person.page.text
    with nothing_written(server):
        is_page(person.http.post(unlock, data=stale), 409)
        answer = manager.http.post(unlock, data={**manager.form(path(market, order_id, "/cancel")), "reason": "why"})
    is_error(answer, 403, "forbidden")
    acting.did("deliver", order=order_id, how="handed_over", pin="0188")


def person_form(person: Person, market: Market, order_id: str) -> dict[str, str]:
    """The form that unlocks a PIN, as a page that was just opened has it."""
    person.open(path(market, order_id))
    return person.form(path(market, order_id, "/unlock-pin"))


def test_photo_has_not_come_then_the_page_and_the_board_say_so(market: Market) -> None:
    order_id = market.order()["id"]
    acting = Acting(Working(market.server), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    person, associate = (
        Person(market.server),
        Person(market.server, "store_associate", market.retailer.id, market._stores["here"].number),
    )
    acting.did("deliver", order=order_id, how="left", photo=True)
    for one in (person, associate):
        one.open(path(market, order_id))
        assert told(one, "order", "photo_awaited")
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, 'no_photo', 1)"
        " RETURNING kind",
        *(market.retailer.id, order_id),
    )
    for query in ({}, {"need": "no_photo"}, {"need": "any"}):
        page = person.open("/console/orders", retailer=market.slug, **query).text
        assert (path(market, order_id) in page, "Photo missing" in page) == (True, True), query
    assert path(market, order_id) not in person.open("/console/orders", retailer=market.slug, need="late").text
    acting.working.phone.put(f"pictures/{acting.last}", file()).raise_for_status()
    assert "/console/pictures/" in person.open(path(market, order_id)).text
    assert not told(person, "order", "photo_awaited")
    associate.open(path(market, order_id))
    assert "/console/pictures/" not in associate.page.text
    market.server.sql("DELETE FROM pictures WHERE subject = $1 RETURNING id", f"act/{acting.working.id}/{acting.last}")
    person.open(path(market, order_id))
    assert told(person, "order", "photo_gone")


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
    assert "began to pick → Picking" in page
    # Each event is named in the story, and among the events that were sent.
    texts_of = (">picking</code>", ">item_found</code>", "Sam Sample</bdi>: found an item", "Item found", "→")
    assert [page.count(text) for text in texts_of] == [2, 2, 1, 0, page.count("→")]
    sql = "UPDATE order_history SET at = at + 6000000 WHERE retailer_id = $1 RETURNING at"
    market.server.sql(sql, market.retailer.id)  # too late to be of the same moment
    page = is_page(person.open(path(market, first))).text
    assert [page.count(text) for text in texts_of] == [2, 2, 1, 1, 0]
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


def test_customer_picks_up_and_rates_then_the_page_says_how(market: Market) -> None:
    order_id = market.order("pickup", market.customer())["id"]
    shopping, caller = Shopping(market), Customer(market)
    shopping.reach(shopping.batch(order_id), "staged")
    caller.put(order_id, "/pickup/vehicle_info", {"model": "<b>Hatch</b>", "color": "blue", "license_plate": "7ABC123"})
    caller.put(order_id, "/pickup_delegate", {"name": "Kim <i>Sample</i>", "phone_number": "+13125550199"})
    caller.post(order_id, "/pickup/user_arrived", {"is_pickup_delegate": True}).raise_for_status()
    person = Person(market.server)
    page = is_page(person.open(path(market, order_id))).text
    for text in ("7ABC123, blue, &lt;b&gt;Hatch", "Kim &lt;i&gt;Sample", "has arrived", "+13125550199", "Arrived at"):
        assert text in page, text
    assert '<h2 id="assign">' in page
    shopping.reach(shopping.batch(order_id), "completed")
    rating = Customer(market, scope="Connect::Orders::RatingService")
    body = {"rating_value": "STARS4", "highlights": ["EASY_PARKING"], "thank_you_note": "<script>Thanks</script>"}
    market.http.post(
        f"/v2/feedback/orders/{order_id}/rating", json=body, headers={"Authorization": f"Bearer {rating.token}"}
    ).raise_for_status()
    page = is_page(person.open(path(market, order_id))).text
    for text in ("4 of 5 stars", "EASY_PARKING", "&lt;script&gt;Thanks", "Customer rated the order"):
        assert text in page, text


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
    story = page[page.index('id="story"') : page.index('id="facts"')]
    assert not [text for text in ("Tom Thief", "555 0100") if text in story]


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
        ("assign", {"shopper": "9" * 19}, "unknown_shopper"),
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


def test_order_was_handed_over_then_the_page_says_how_the_age_was_checked(server: LiveServer) -> None:
    market = Market(server, certified_from_cents=0, delivery_pin=True, alcohol_from_hour=0, alcohol_until_hour=24)
    wine = line("1", "wine")
    order_id = market.order(user={"birthday": "1991-03-05", **TEXTED}, items=[wine])["id"]
    acting = Acting(Working(server, "Noor van Dam"), market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    server.write(_sign, market, order_id)
    acting.did("deliver", order=order_id, how="handed_over", pin="0188", age="scanned", received_by="Ada")
    page = Person(server, "dispatcher").open(path(market, order_id)).text
    for text in ("Handed over", "Noor van Dam", "Of age", "document scanned", "said by the customer", "Ada Lovelace"):
        assert text in page, text
    assert '<path d="M10 20L30 40"' in page


async def _sign(tx: Tx, market: Market, order_id: str) -> None:
    order = await orders.lock(tx, market.retailer.id, order_id)
    await proof.sign(tx, market.retailer.id, order, "Ada Lovelace", [[10, 20, 30, 40]])


def test_event_was_sent_and_refused_then_the_page_has_each_attempt(market: Market) -> None:
    order_id, server = market.order()["id"], market.server
    webhook_id = server.write(failing_webhook, market.retailer.id, order_id)
    for number, status, cause in ((1, 503, None), (2, None, "connection refused")):
        server.sql(
            "INSERT INTO attempts (retailer_id, event_id, webhook_id, number, at, milliseconds, is_replay, status,"
            " cause, url, request_head) SELECT retailer_id, event_id, webhook_id, $2, $3, 4, $4, $5, $6, '', ''"
            " FROM deliveries WHERE webhook_id = $1 RETURNING number",
            *(webhook_id, number, clock.of_process(), False, status, cause),
        )
    page = is_page(Person(server).open(path(market, order_id))).text
    sent = page[page.index('id="sent"') : page.index('id="facts"')]
    address = f"/console/webhooks/{market.slug}/{webhook_id}/events/"
    assert sent.index("connection refused") < sent.index("Answered 503")
    assert f'<a href="{address}' in sent
    without = is_page(Person(server, "dispatcher").open(path(market, order_id))).text
    assert ("Answered 503" in without, address in without) == (True, False)


def test_customer_edits_lines_then_they_are_marked(market: Market) -> None:
    first, second = line("1", "milk"), line("2", "bread")
    user_id = market.customer()
    order_id = market.order("delivery", user_id, items=[first, second])["id"]
    person = Person(market.server)
    assert not told_of(is_page(person.open(path(market, order_id))).text, "edited")
    changed = {"items": [first, {**second, "count": 3}, line("3", "ham", weight=1.5)]}
    market.put(market.path(user_id, order_id), changed).raise_for_status()
    page = is_page(person.open(path(market, order_id))).text
    marked = [part.split("</th>")[0] for part in page.split('<th scope="row">') if told_of(part, "edited")]
    assert [text.partition("</bdi>")[0] for text in marked] == ["<bdi>Bread", "<bdi>Ham"]


def told_of(page: str, name: str) -> int:
    """How often a page says a text about an order."""
    return page.count(texts("en")[f"console.order.{name}"])


def test_history_and_chat_are_long_then_older_entries_are_a_link_away(market: Market) -> None:
    order_id, server = market.order()["id"], market.server
    server.write(fill, market, order_id, 250)
    person = Person(server)
    page = is_page(person.open(path(market, order_id))).text
    assert (said(page), story_of(page)) == ([f"message {number}" for number in range(150, 250)], 100)
    for part, messages, steps in (("chat", 200, 100), ("story", 200, 200), ("chat", 250, 200), ("story", 250, 251)):
        (url,) = re.findall(rf'<a href="([^"]+#{part})">Show older', page)
        page = is_page(person.open(url.replace("&amp;", "&"))).text
        assert (len(said(page)), story_of(page)) == (messages, steps)
    assert "Show older" not in page
    for wrong in ("x", "-1", "9" * 30):
        assert len(said(is_page(person.open(path(market, order_id), chat=wrong, story=wrong)).text)) == 100


def said(page: str) -> list[str]:
    return re.findall(r"message \d+", page)


def story_of(page: str) -> int:
    return page[page.index('id="story"') : page.index("</ol>")].count("<li>")


async def fill(tx: Tx, market: Market, order_id: str, many: int) -> None:
    """Give an order many steps and many messages."""
    for number in range(many):
        await tx.run(
            "INSERT INTO order_history (retailer_id, order_id, number, at, status, what, events)"
            " VALUES ($1, $2, $3, $4, 'brand_new', 'updated', '')",
            *(market.retailer.id, order_id, 1000 + number, clock.now()),
        )
        await tx.run(
            "INSERT INTO chat_messages (id, retailer_id, order_id, sender, shopper_id, body, sent_at)"
            " VALUES ($1, $2, $3, 'customer', 1, $4, $5)",
            *(5000 + number, market.retailer.id, order_id, f"message {number}", clock.now()),
        )
