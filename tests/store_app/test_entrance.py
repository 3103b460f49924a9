"""Tablets: bound by a link, used by people with PINs; wrong PINs, other stores, ended and locked tablets."""

from collections.abc import Iterator

import pytest

from handcart.core.web.pages import texts
from handcart.sign_in import passwords, sessions
from handcart.sign_in.models import TABLET
from handcart.staff import ops as staff
from handcart.staff import pins, queries, tablets
from handcart.staff.models import SYSTEM
from handcart.staff.models import Person as Worker
from tests.support.console import Browser, Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD
from tests.support.tablets import PIN, Counter, add_worker

TEXTS = texts("en")


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server)


def test_link_is_opened_on_a_tablet_then_its_people_use_it_by_pin(market: Market) -> None:
    counter = Counter(market)
    assert counter.page.url.path == "/store"
    page = is_page(counter.open("/store")).text
    assert counter.person.name in page
    assert TEXTS["store_app.stage.none"] in page
    operations = market.server.sql(
        "SELECT operation, actor_kind FROM audit_log WHERE subject = $1 ORDER BY id", f"tablet/{counter.tablet.id}"
    )
    assert [(row["operation"], row["actor_kind"]) for row in operations] == [
        ("add_tablet", "system"),
        ("join_tablet", "tablet"),
        ("use_tablet", "staff"),
    ]


def test_link_is_only_opened_then_nothing_is_bound(market: Market) -> None:
    counter = Counter(market)
    path = counter.invitation()
    other = Browser(market.server)
    with nothing_written(market.server):
        is_page(other.open(path))
    is_page(other.submit(path))
    assert TEXTS["store_app.people.title"] in other.page.text


def test_link_does_not_work_then_the_page_says_why(market: Market, later: object) -> None:
    counter = Counter(market)
    is_error(Browser(market.server).open(counter.path), 410, "store_link_used")
    path = counter.invitation()
    with later(minutes=16):  # type: ignore[operator]
        is_error(Browser(market.server).open(path), 410, "store_link_expired")
    is_error(Browser(market.server).open("/store/join/" + "x" * 43), 404, "store_link_unknown")


def test_link_is_used_on_a_second_device_then_the_first_is_signed_out(market: Market) -> None:
    first = Counter(market)
    made = market.server.write(tablets.invite, SYSTEM, first.tablet.id, market.server.url)
    path = made.url.removeprefix(market.server.url)
    second = Browser(market.server)
    second.open(path)
    second.submit(path)
    assert first.open("/store/people").status_code == 401
    assert first.http.get("/store").headers["location"] == "/store/people"


def test_pin_is_wrong_five_times_then_locked_until_a_manager_unlocks(market: Market) -> None:
    counter = Counter(market)
    counter.submit("/store/lock")
    for left in (4, 3, 2):
        page = counter.unlock("1111")
        assert (page.status_code, f"{left} more tries" in page.text) == (403, True)
    assert TEXTS["store_app.pin.wrong.one"] in counter.unlock("1111").text
    assert TEXTS["store_app.pin.locked"] in counter.unlock("1111").text
    other = Counter(market, person=add_worker(market.server, market.retailer.id, counter.store_number, "Bo Sample"))
    assert TEXTS["store_app.pin.locked"] in other.open(f"/store/people/{counter.person.id}").text
    form = other.open(f"/store/people/{other.person.id}")
    assert form.status_code == 200
    manager = Person(market.server, "retailer_manager", market.retailer.id)
    assert counter.person.name in is_page(manager.open("/console/tablets")).text
    is_page(manager.submit(f"/console/tablets/people/{counter.person.id}/unlock"))
    assert counter.unlock().url.path == "/store"


def test_pin_is_right_then_earlier_wrong_ones_are_forgotten(market: Market) -> None:
    counter = Counter(market)
    for _ in range(2):
        for _ in range(4):
            counter.unlock("1111")
        assert counter.unlock().url.path == "/store"


def wrong_at_tablet(counter: Counter) -> int:
    """The wrong PINs that are counted at a tablet."""
    (session,) = counter.server.read(sessions.of_person, TABLET, counter.tablet.id)
    return int(session.wrong_pins)


def colleagues(counter: Counter, number: int) -> list[Worker]:
    """More people of the store of a tablet."""
    args = counter.server, counter.market.retailer.id, counter.store_number
    return [add_worker(*args, f"Sample {n}") for n in range(number)]


def test_pins_of_many_people_are_wrong_then_tablet_needs_a_new_link(market: Market) -> None:
    counter = Counter(market)
    people = colleagues(counter, pins.MOST_WRONG_AT_TABLET + 1)
    last = f"/store/people/{people[-1].id}"
    counter.open(last)
    form = {**counter.form(last), "pin": PIN}
    for person in people[:-1]:
        page = counter.unlock("1111", person)
        assert page.status_code == 403
    assert TEXTS["store_app.pin.tablet_locked"] in page.text
    assert TEXTS["store_app.pin.tablet_locked"] in counter.open(last).text
    with nothing_written(market.server):
        page = counter.http.post(last, data=form)
    assert (page.status_code, TEXTS["store_app.pin.tablet_locked"] in page.text) == (403, True)
    other = Counter(market, person=people[-1])
    assert other.page.url.path == "/store"
    made = market.server.write(tablets.invite, SYSTEM, counter.tablet.id, market.server.url)
    path = made.url.removeprefix(market.server.url)
    counter.open(path)
    counter.submit(path)
    assert counter.unlock(person=people[-1]).url.path == "/store"


def test_own_pin_is_right_then_the_tablet_keeps_wrong_pins_of_others(market: Market) -> None:
    counter = Counter(market)
    (other,) = colleagues(counter, 1)
    for _ in range(3):
        counter.unlock("1111")
    counter.unlock("1111", other)
    assert wrong_at_tablet(counter) == 4
    counter.unlock()
    assert wrong_at_tablet(counter) == 1
    counter.unlock(person=other)
    assert wrong_at_tablet(counter) == 0


def test_pin_is_locked_then_the_tablet_counts_no_more_tries(market: Market) -> None:
    counter = Counter(market)
    path = f"/store/people/{counter.person.id}"
    counter.open(path)
    form = {**counter.form(path), "pin": "1111"}
    for _ in range(pins.MOST_WRONG + 2):
        counter.http.post(path, data=form)
    assert wrong_at_tablet(counter) == pins.MOST_WRONG


def test_person_has_no_pin_or_no_role_here_then_they_cannot_use_it(market: Market) -> None:
    counter, server = Counter(market), market.server
    dry = market._stores["dry"].number
    without = add_worker(server, market.retailer.id, counter.store_number, "Cy Sample", pin_hash=None)
    elsewhere = add_worker(server, market.retailer.id, dry, "Dee Sample")
    foreign = add_worker(server, Market(server).retailer.id, None, "Eve Sample", "retailer_manager")
    manager = add_worker(server, market.retailer.id, None, "Flo Sample", "retailer_manager")
    page = counter.open("/store/people").text
    assert [name in page for name in ("Cy", "Dee", "Eve", "Flo")] == [True, False, False, True]
    assert "You have no PIN yet" in counter.open(f"/store/people/{without.id}").text
    for person in (elsewhere, foreign):
        assert counter.open(f"/store/people/{person.id}").status_code == 303
        with nothing_written(server):
            fields = {"pin": PIN, "form_token": "made up"}
            is_error(counter.http.post(f"/store/people/{person.id}", data=fields), 403, "form_expired")
    assert counter.unlock(person=manager).url.path == "/store"


def test_person_is_closed_or_moved_then_the_tablet_is_locked(market: Market) -> None:
    for change in ("close", "move"):
        counter = Counter(market)
        if change == "close":
            market.server.write(staff.close, SYSTEM, counter.person.id)
        else:
            args = "store_associate", market.retailer.id, market._stores["dry"].number
            market.server.write(staff.change_role, SYSTEM, counter.person.id, *args)
        assert counter.http.get("/store").headers["location"] == "/store/people", change
        assert f"/store/people/{counter.person.id}" not in counter.open("/store/people").text


def test_wrong_pin_of_a_person_who_moved_then_not_counted(market: Market) -> None:
    counter, path = Counter(market), "/store/people/{}"
    counter.submit("/store/lock")
    counter.open(path.format(counter.person.id))
    args = "store_associate", market.retailer.id, market._stores["dry"].number
    market.server.write(staff.change_role, SYSTEM, counter.person.id, *args)
    with nothing_written(market.server):
        answer = counter.submit(path.format(counter.person.id), pin="1111")
    assert answer.url.path == "/store/people"


def test_tablet_is_not_used_then_it_locks_itself(market: Market, later: object) -> None:
    counter = Counter(market)
    with later(minutes=4):  # type: ignore[operator]
        assert counter.http.get("/store", headers={"x-by-itself": "1"}).status_code == 200
    with later(minutes=6):  # type: ignore[operator]
        assert counter.http.get("/store/runs").headers["location"] == "/store/people?to=%2Fstore%2Fruns"
    with later(minutes=4):  # type: ignore[operator]
        assert counter.http.get("/store").status_code == 200
    with later(minutes=8):  # type: ignore[operator]
        assert counter.http.get("/store").status_code == 200


def test_tablet_is_locked_then_pages_lead_to_the_people_and_back(market: Market) -> None:
    counter = Counter(market)
    page = is_page(counter.submit("/store/lock"))
    assert TEXTS["store_app.people.title"] in page.text
    target = counter.http.get("/store/incoming").headers["location"]
    counter.open(target)
    path = f"/store/people/{counter.person.id}"
    counter.open(f"{path}?to=%2Fstore%2Fincoming")
    assert counter.submit(path, pin=PIN).url.path == "/store/incoming"
    counter.open(f"{path}?to=https%3A%2F%2Fexample.com")
    assert counter.submit(path, pin=PIN).url.path == "/store"


def test_tablet_is_ended_then_its_device_is_signed_out(market: Market) -> None:
    counter = Counter(market)
    manager = Person(market.server, "retailer_manager", market.retailer.id)
    manager.open("/console/tablets")
    is_page(manager.submit(f"/console/tablets/{counter.tablet.id}/end"))
    assert counter.open("/store/people").status_code == 401
    with nothing_written(market.server):
        manager.page = manager.http.get("/console/tablets")
    assert f"/console/tablets/{counter.tablet.id}/end" not in manager.page.text


def test_two_people_use_a_tablet_then_the_firsts_forms_are_refused(market: Market) -> None:
    counter = Counter(market)
    order_id = market.order("dispatch")["id"]
    counter.order(order_id, "stage")
    form = counter.form(f"/store/orders/{order_id}/stage")
    other = add_worker(market.server, market.retailer.id, counter.store_number, "Bo Sample")
    counter.unlock(person=other)
    with nothing_written(market.server):
        is_error(counter.http.post(form.action, data={**form, "ambient": "1", "place": "A"}), 403, "form_expired")


@on_sqlite
def test_pin_is_chosen_in_the_console_then_it_is_stored_as_a_hash(market: Market) -> None:
    person = Person(market.server, "store_associate", market.retailer.id, market._stores["here"].number)
    assert "/console/me/pin" in is_page(person.open("/console/me")).text
    person.open("/console/me/pin")
    with nothing_written(market.server):
        assert "Is it you?" in is_page(person.submit("/console/me/pin", pin=PIN, pin_again=PIN)).text
    person.open("/console/me/pin")
    wrong = {"pin": PIN, "pin_again": PIN, "step_up_password": "not the password"}
    assert person.submit("/console/me/pin", **wrong).status_code == 401
    assert market.server.sql("SELECT 1 FROM staff_pins WHERE person_id = $1", person.id) == []
    typed: dict[str, str] = {"step_up_password": PASSWORD}
    for given, reason in (
        (("2580", "2581"), "different"),
        (("25", "25"), "form"),
        (("1111", "1111"), "easy"),
    ):
        person.open("/console/me/pin")
        with nothing_written(market.server):
            page = is_page(person.submit("/console/me/pin", pin=given[0], pin_again=given[1], **typed), 400)
        assert TEXTS[f"console.pin.error_{reason}"] in page.text
        typed = {}  # the answer counts for ten minutes
    person.open("/console/me/pin")
    is_page(person.submit("/console/me/pin", pin=PIN, pin_again=PIN))
    (row,) = market.server.sql("SELECT pin_hash FROM staff_pins WHERE person_id = $1", person.id)
    assert row["pin_hash"].startswith("$argon2id$")
    assert len(PIN) >= passwords.LEAST_DIGITS


@on_sqlite
def test_person_is_no_worker_of_a_store_then_there_is_no_pin(market: Market) -> None:
    person = Person(market.server, "dispatcher")
    assert "/console/me/pin" not in person.open("/console/me").text
    is_error(person.open("/console/me/pin"), 403, "forbidden")


@on_sqlite
def test_device_is_no_tablet_then_every_page_says_so(market: Market) -> None:
    browser = Browser(market.server)
    assert browser.http.get("/store").headers["location"] == "/store/people"
    assert TEXTS["store_app.unbound.title"] in browser.open("/store/people").text
    assert browser.open("/store/people/1").status_code == 401
    assert browser.http.cookies[TABLET.cookie]


def test_person_is_closed_then_the_pin_is_gone(market: Market) -> None:
    counter = Counter(market)
    market.server.write(staff.close, SYSTEM, counter.person.id)
    found = market.server.sql("SELECT person_id FROM staff_pins WHERE person_id = $1", counter.person.id)
    assert found == []
    assert market.server.read(pins.locked, None, None) is not None
    assert market.server.read(queries.person, counter.person.id).closed_at is not None
