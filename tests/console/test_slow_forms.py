"""Forms whose second half comes late: the person may have been closed, demoted or signed out before it comes."""

import json
import re
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handcart.console import entrance, joining
from handcart.console.browser import PersonBrowser
from handcart.console.routes import ROUTES
from handcart.core import clock
from handcart.sign_in import sessions
from handcart.sign_in.models import STAFF
from handcart.staff import ops, pins, tablets
from handcart.staff.models import SYSTEM
from handcart.stores import files, uploads
from handcart.stores import ops as stores
from tests.console.test_messages import write
from tests.console.test_passkeys import add, options_on
from tests.console.test_slots import Slots
from tests.console.test_stores import FACTS
from tests.stores.test_areas import SQUARE
from tests.support.authenticator import Authenticator
from tests.support.console import Browser, Person, forms
from tests.support.console_routes import EXAMPLES, STEPPED_UP, SUBJECTS
from tests.support.orders import Market
from tests.support.planned import due_now
from tests.support.remedies import prepare
from tests.support.server import LiveServer, live_server
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import Phone, add_shift, add_shopper

OTHERS = {route.path for routes in (entrance.ROUTES, joining.ROUTES) for route in routes}
# A preview changes nothing, so it leaves no trace.
OTHERS.add("/console/slots/{slug}/{location_code}/preview")
# A file that is sent changes nothing until it is imported.
OTHERS |= {"/console/stores/import", "/console/catalog/import"}
PATHS = [route.path for route in ROUTES if route.method == "POST" and route.path not in OTHERS]
BY_EXAMPLE = (
    *("/console/retailers", "/console/clients", "/console/webhooks", "/console/accounts", "/console/first-run"),
    "/console/suppressions",
)
SERIOUS = (
    "/console/people/invite",
    "/console/me/passkeys/add",
    "/console/orders/{slug}/{order_id}/cancel",
    "/console/shoppers/{id}/invite",
)


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("slow")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


def close(person: Person) -> None:
    person.server.write(ops.close, SYSTEM, person.id)


def demote(person: Person) -> None:
    person.server.write(ops.change_role, SYSTEM, person.id, "support")


def sign_out(person: Person) -> None:
    person.server.write(sessions.end, person.http.cookies[STAFF.cookie])


def keep(person: Person) -> None:
    """Nothing happens to the person."""


CHANGES = {close: 303, demote: 403, sign_out: 303}


def filled(person: Person, path: str) -> tuple[str, dict[str, str]]:
    """The form of a route: its address, and what the person has typed into it."""
    if path.startswith(BY_EXAMPLE):
        return by_example(person, path)
    action, fields = _form_on_own_page(person, path) if path.startswith("/console/me/") else _form(person, path)
    return action, {**person.form(action), **fields}


def by_example(person: Person, path: str) -> tuple[str, dict[str, str]]:
    """The form of a route that `EXAMPLES` describes, on the page that has it."""
    example, market = EXAMPLES[f"POST {path}"], Market(person.server)
    values = dict(SUBJECTS[example.subject](market)) if example.subject else {}
    page = path
    while f"GET {page}" not in EXAMPLES:
        page = page.rpartition("/")[0]
    action = path.format_map(values)
    there = [form for form in forms(person.open(page.format_map(values)).text).found if form.action == action]
    token = person.server.app.keys.form_token(
        person.http.cookies[STAFF.cookie], *(part.format_map(values) for part in example.token)
    )
    given = {name: text.format_map(values) for name, text in example.fields.items()}
    return action, {"form_token": token, **(there[0] if there else {}), **given}


def _form_on_own_page(person: Person, path: str) -> tuple[str, dict[str, str]]:
    if path == "/console/me/pin":
        person.open(path)
        return path, {"pin": "2580", "pin_again": "2580", **STEPPED_UP}
    if path == "/console/me/password":
        person.open(path)
        return path, {"current_password": PASSWORD, "new_password": "quite another password"}
    if path == "/console/me/passkeys/remove":
        add(person)
    Browser(person.server).sign_in(person.email)
    page = person.open("/console/me").text
    if path == "/console/me/passkeys/add":
        made = Authenticator(person.server.url).create(options_on(page))
        return path, {"credential": json.dumps(made), **STEPPED_UP}
    return _action(page, path), {}


def _form(person: Person, path: str) -> tuple[str, dict[str, str]]:
    server = person.server
    if path in ("/console/people/invite", "/console/shoppers/add"):
        person.open(path)
        return path, {"name": "Sam", "email": new_email(), "role": "support", **STEPPED_UP}
    if path.startswith("/console/shifts/"):
        person_id = add_shift(server, starts_at=_weeks_ago(1)).person_id
        if path.endswith(("/add", "/copy")):
            person.open("/console/shifts")
            given = {"shopper": str(person_id), "day": "2097-01-01", "from": "09:00", "to": "17:00"}
            return path, given
        shift = add_shift(server, person_id, starts_at=_weeks_ago(0))
        return _action(person.open(f"/console/shifts/{shift.id}").text, path), {"day": "2097-01-01"}
    if path.startswith("/console/money/"):
        market = Market(server)
        if path.endswith("/close"):
            return _action(person.open(f"/console/money/statements/{market.slug}/2024-03").text, path), {}
        own = {"slug": market.slug, "person_id": str(add_shopper(server).id), "month": "2024-03"}
        page = person.open(path.removesuffix("/lines.csv").format_map(own)).text
        action = re.search(r'action="([^"]+/lines\.csv)', page) if path.endswith(".csv") else None
        fields = {"valid_from": "2097-01-01", "step_up_password": PASSWORD}
        return _action(page, path) if action is None else action[1], fields
    if path.startswith("/console/messages/"):
        market = Market(server)
        number = write(market, address="nobody")
        return _action(person.open(f"/console/messages/{number}").text, path), {"reason": "the roof leaks"}
    if path.startswith("/console/texts/"):
        page = person.open("/console/texts/delivered").text
        return _action(page, path), {"text": f"{new_email()} of {{retailer}}: delivered.", "do": "save"}
    if path.startswith("/console/orders/"):
        market = Market(server)
        order_id, fields = prepare(market, path.rpartition("/")[2], person.actor)
        page = person.open(f"/console/orders/{market.slug}/{order_id}").text
        return _action(page, path), {"reason": "the roof leaks", **fields}
    if path.startswith("/console/dispatch/"):
        slug = due_now(server).market.slug
        person.open("/console/dispatch", retailer=slug)
        if path.endswith("/give"):
            person.submit(f"/console/dispatch/{slug}/plan")
        return path.replace("{slug}", slug), {"proposal": "all"}
    if path.endswith("/import/save"):
        return _import_form(person, path)
    if path.startswith("/console/catalog/"):
        market = Market(server)
        page = person.open(f"/console/catalog/{'add' if path.endswith('/add') else market.slug + '/milk'}").text
        given = {
            "retailer": market.slug,
            "rrc": "new",
            "name": "New",
            "store": "here",
            "is_available": "no",
            "do": "remove",
        }
        return _action(page, path), given
    if path.startswith("/console/slots/"):
        slots = Slots(server)
        slots.person = person
        slots.open(kind="delivery")
        slots.exception("9", "1")
        return f"{slots.path}/save", {}
    if path.startswith("/console/stores/"):
        return _store_form(person, path)
    if path.startswith("/console/tablets/"):
        return _form_of_tablets(person, path)
    if path.startswith("/console/people/"):
        other = Person(server, "support")
        if "passkeys" in path:
            add(other)
        page = person.open(f"/console/people/{other.id}").text
        given = {"role": {"role": "dispatcher", **STEPPED_UP}, "link": STEPPED_UP}.get(path.rpartition("/")[2], {})
        return _action(page, path), dict(given)
    phone = Phone(server)
    if path.endswith("/unblock"):
        server.sql(
            "UPDATE shoppers SET blocked_at = 1, blocked_reason = 'no' WHERE id = $1 RETURNING 1", phone.person.id
        )
    page = person.open(f"/console/shoppers/{phone.person.id}").text
    given = {"sure": "yes", "reason": "the roof leaks", "name": new_email().partition("@")[0]}
    return _action(page, path), {**given, **STEPPED_UP}


def _import_form(person: Person, path: str) -> tuple[str, dict[str, str]]:
    what = uploads.STORES if "/stores/" in path else uploads.ITEMS
    text = files.store_template() if what == uploads.STORES else files.item_template()
    kept = (Market(person.server).retailer.id, what, text.encode())
    made = person.server.write(uploads.keep, person.actor, *kept)
    person.open(path.removesuffix("/save"), upload=made)
    return path, {}


def _store_form(person: Person, path: str) -> tuple[str, dict[str, str]]:
    market = Market(person.server)
    if path == "/console/stores/add":
        person.open(path)
        return path, {"retailer": market.slug, **FACTS}
    if path.endswith("/area"):
        page = person.open(f"/console/stores/{market.slug}/here/area").text
        return _action(page, path), {"area": SQUARE, "do": "save"}
    if path.endswith(("/reopen", "/orders/{order_id}")):
        market.order(slot={"day": 1})
        until = market.at(15, day=1)
        person.server.write(stores.close, SYSTEM, market.retailer.id, "here", until, "the roof leaks")
    page = person.open(f"/console/stores/{market.slug}/here").text
    given = {"whole_day": "yes", "reason": "the roof leaks", "do": "cancel"}
    return _action(page, path), {**given, "category": "curbside", "instruction": "Ring the bell."}


def _form_of_tablets(person: Person, path: str) -> tuple[str, dict[str, str]]:
    server = person.server
    market = Market(server)
    worker = Person(server, "store_associate", market.retailer.id, 1)
    server.write(pins.choose, worker.actor, "hash")
    server.sql("UPDATE staff_pins SET wrong_pins = 5 WHERE person_id = $1 RETURNING 1", worker.id)
    made = server.write(tablets.add, SYSTEM, market.retailer.id, 1, "Counter", server.url)
    person.open("/console/tablets")
    number = worker.id if "people" in path else made.tablet.id
    return path.replace("{id}", str(number)), {"store": f"{market.slug}/here", "name": "Counter"}


def _weeks_ago(number: int) -> int:
    return clock.now() - number * 7 * clock.DAY


def _action(page: str, path: str) -> str:
    found = re.search('action="(' + re.sub(r"\\{\w+\\}", '[^/"]+', re.escape(path)) + ')"', page)
    assert found, (path, page)
    return found[1]


def post_slowly(
    person: Person, action: str, fields: dict[str, str], change: Callable[[Person], None], begun: Event
) -> httpx.Response:
    """Post a form whose second half is sent after its handler waits for it, and after the change of the person."""
    body = urlencode(fields).encode()

    def halves() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        assert begun.wait(30)
        change(person)
        yield body[len(body) // 2 :]

    headers = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    return person.http.post(action, content=halves(), headers=headers)


def deeds(person: Person) -> list[str]:
    """What the person has done, by the audit log: each operation adds a row in its transaction."""
    rows = person.server.sql("SELECT operation FROM audit_log WHERE actor_id = $1 ORDER BY id", person.id)
    return [row["operation"] for row in rows]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set as soon as a handler waits for a form."""
    waits, form = Event(), PersonBrowser.form

    async def waiting(browser: PersonBrowser) -> Any:
        waits.set()
        return await form(browser)

    monkeypatch.setattr(PersonBrowser, "form", waiting)
    return waits


def attempt(server: LiveServer, path: str, change: Callable[[Person], None], begun: Event) -> tuple[int, int]:
    """The status of a slow post, and the number of things it did."""
    person = Person(server)
    action, fields = filled(person, path)
    before = len(deeds(person))
    begun.clear()
    return post_slowly(person, action, fields, change, begun).status_code, len(deeds(person)) - before


@pytest.mark.parametrize("path", PATHS)
def test_person_is_closed_before_the_form_is_whole_then_nothing(
    named_server: LiveServer, begun: Event, path: str
) -> None:
    Person(named_server)  # the last admin cannot be closed
    assert attempt(named_server, path, close, begun) == (303, 0)
    status, done = attempt(named_server, path, keep, begun)
    assert (status in (200, 303), done) == (True, 2 if path.endswith(("/hand-over", "/first-run/shopper")) else 1)


@pytest.mark.parametrize("path", SERIOUS)
@pytest.mark.parametrize("change", CHANGES)
def test_person_is_changed_before_the_form_is_whole_then_nothing(
    named_server: LiveServer, begun: Event, path: str, change: Callable[[Person], None]
) -> None:
    Person(named_server)
    assert attempt(named_server, path, change, begun) == (CHANGES[change], 0)
