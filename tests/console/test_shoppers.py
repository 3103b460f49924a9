"""The console's pages of shoppers."""

import re
from typing import Any

import pytest

from handcart.assignment import ops as work
from handcart.shoppers import ops, queries
from handcart.staff.models import SYSTEM
from handcart.staff.roles import ROLES
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import Newcomer, Phone, add_shopper
from tests.support.working import Working

PATH = "/console/shoppers"
CANCELED = ("retailer_driven", "store early closure")


@pytest.fixture
def admin(server: LiveServer) -> Person:
    return Person(server)


def test_shopper_added_and_invited_then_the_phone_is_signed_in(server: LiveServer, admin: Person) -> None:
    name = f"Ana <b> {new_email()}"
    is_page(admin.open(f"{PATH}/add"))
    facts = {"skill_alcohol": "yes", "languages": "EN, es", "vehicle": "none", "email": new_email()}
    page = is_page(admin.submit(f"{PATH}/add", name=name, **facts))
    path = page.url.path
    assert 'role="status"' in page.text
    assert "Ana &lt;b&gt;" in page.text
    with nothing_written(server):
        assert "Is it you?" in is_page(admin.submit(f"{path}/invite")).text
    is_page(admin.open(path))
    shown = is_page(admin.submit(f"{path}/invite", step_up_password=PASSWORD))
    assert "<svg" in shown.text
    url = re.search(r"<code>(.*)</code>", shown.text)
    assert url
    newcomer = Newcomer(server, url[1].removeprefix(server.url))
    newcomer.open()
    assert newcomer.join().status_code == 303
    page = is_page(admin.open(path))
    assert url[1] not in page.text
    history = f"/console/audit?subject=shopper/{path.rpartition('/')[2]}"
    assert history in page.text
    assert name in is_page(admin.open(history)).text.replace("&lt;", "<").replace("&gt;", ">")
    is_page(admin.open(path))
    (end,) = re.findall(rf'action="({path}/devices/[0-9]+/end)"', page.text)
    is_page(admin.submit(end))
    assert newcomer.http.get("/shopper/api/me").status_code == 401
    found = server.read(queries.person, int(path.rpartition("/")[2]))
    assert (found.languages, found.skills, found.vehicle) == (("en", "es"), ("alcohol",), "none")
    logged = server.sql(
        "SELECT actor_name, operation FROM audit_log WHERE subject = $1 ORDER BY id", f"shopper/{found.id}"
    )
    who = "Sample operator_admin"
    assert [tuple(row) for row in logged] == [
        (who, "add_shopper"),
        (who, "invite_shopper"),
        (name, "join"),
        (who, "end_device"),
    ]


def test_shoppers_filtered_then_only_those_are_listed(server: LiveServer, admin: Person) -> None:
    mark = new_email()[:12]
    ana, bo = add_shopper(server, f"{mark} Ana", skills=["heavy"]), add_shopper(server, f"{mark} Bo")
    server.write(ops.block, SYSTEM, bo.id, "left")

    def listed(**query: str) -> list[int]:
        page = is_page(admin.open(PATH, text=mark, **query))
        return [int(number) for number in re.findall(rf'href="{PATH}/([0-9]+)"', page.text)]

    assert listed() == [ana.id, bo.id]
    assert listed(skill="heavy") == [ana.id]
    assert listed(state="blocked") == [bo.id]
    assert listed(state="working") == [ana.id]
    assert listed(state="closed") == []
    assert listed(state="made up", skill="made up", after_id="x") == [ana.id, bo.id]


def test_over_a_hundred_shoppers_then_the_rest_is_on_the_next_page(server: LiveServer, admin: Person) -> None:
    mark = new_email()[:12]
    made = [add_shopper(server, f"{mark} {number:03}").id for number in range(101)]
    page = is_page(admin.open(PATH, text=mark))
    first = [int(number) for number in re.findall(rf'href="{PATH}/([0-9]+)"', page.text)]
    (more,) = re.findall(rf'href="({PATH}\?[^"]+)"', page.text)
    page = is_page(admin.open(more.replace("&amp;", "&")))
    rest = [int(number) for number in re.findall(rf'href="{PATH}/([0-9]+)"', page.text)]
    assert first + rest == made
    assert len(first) == 100


def test_facts_changed_then_shown(server: LiveServer, admin: Person) -> None:
    market, shopper = Market(server), add_shopper(server, phone="8005550133", skills=["alcohol"])
    path = f"{PATH}/{shopper.id}"
    (store,) = server.sql("SELECT location_code, number FROM stores WHERE retailer_id = $1 LIMIT 1", market.retailer.id)
    home = f"{market.slug}/{store['location_code']}"
    is_page(admin.open(path))
    page = is_page(admin.submit(f"{path}/change", locale="es-US", most_orders="2", home_store=home))
    assert home in page.text
    found = server.read(queries.person, shopper.id)
    assert (found.phone, found.locale, found.most_orders) == ("18005550133", "es-US", 2)
    assert (found.skills, found.home_retailer_id, found.home_store_number) == (
        ("alcohol",),
        market.retailer.id,
        store["number"],
    )
    is_page(admin.submit(f"{path}/change", home_store="", phone=""))
    found = server.read(queries.person, shopper.id)
    assert (found.phone, found.home_retailer_id) == (None, None)


def test_wrong_fact_then_the_form_says_so_and_keeps_what_was_given(server: LiveServer, admin: Person) -> None:
    taken, shopper = add_shopper(server, phone="8005550111"), add_shopper(server)
    path = f"{PATH}/{shopper.id}"
    wrong = {
        "name": " ",
        "phone": "call me",
        "email": "nobody",
        "locale": "de-DE",
        "languages": "english",
        "vehicle": "rocket",
        "most_orders": "99",
        "home_store": "nowhere/1",
    }
    for field, value in [*wrong.items(), ("phone", taken.phone), ("most_orders", "\u0663"), ("most_orders", "9" * 99)]:
        admin.open(path)
        with nothing_written(server):
            page = is_page(admin.submit(f"{path}/change", **{field: value}), 400)
        assert 'role="alert"' in page.text, field
        admin.open(f"{PATH}/add")
        with nothing_written(server):
            page = is_page(admin.submit(f"{PATH}/add", **{"name": "Kept Name", field: value}), 400)
        assert field == "name" or 'value="Kept Name"' in page.text


def test_blocked_unblocked_and_closed_then_so_it_is(server: LiveServer, admin: Person) -> None:
    phone = Phone(server)
    path = f"{PATH}/{phone.person.id}"
    admin.open(path)
    with nothing_written(server):
        is_page(admin.submit(f"{path}/block", reason=" "), 400)
        is_page(admin.submit(f"{path}/close"), 400)
    assert "lost &lt;badge&gt;" in is_page(admin.submit(f"{path}/block", reason="lost <badge>")).text
    assert phone.get("me").json()["is_locked"] is True
    is_page(admin.submit(f"{path}/unblock"))
    phone.post("unlock", {"pin": "2580"}).raise_for_status()
    page = is_page(admin.submit(f"{path}/close", sure="yes"))
    assert "<form" in page.text  # to sign out; no other
    assert f"{path}/change" not in page.text
    assert phone.get("me").status_code == 401


def test_shopper_with_orders_blocked_then_the_page_names_them(server: LiveServer, admin: Person) -> None:
    market, working = Market(server), Working(server)
    first, second, third = (market.order()["id"] for _ in range(3))
    working.batch(market, first, second)
    working.batch(market, third)
    path = f"{PATH}/{working.id}"
    assert "still has" not in is_page(admin.open(path)).text
    page = is_page(admin.submit(f"{path}/block", reason="left")).text
    assert "This shopper still has 2 batches." in page
    for order_id in (first, second, third):
        assert f'<a href="/console/orders/{market.slug}/{order_id}">' in page
    market.server.write(work.cancel, SYSTEM, market.retailer.id, third, "left", CANCELED)
    assert "This shopper still has 1 batch." in is_page(admin.open(path)).text


def posts(shopper_id: int) -> dict[str, tuple[str, ...]]:
    """Every posted form, by its address, with the subject of its token."""
    path, number = f"{PATH}/{shopper_id}", str(shopper_id)
    actions = ("change", "invite", "block", "unblock", "close")
    return {
        f"{PATH}/add": ("add-shopper",),
        **{f"{path}/{name}": ("shopper", number, name) for name in actions},
        f"{path}/devices/1/end": ("shopper", number, "end-device", "1"),
    }


@pytest.mark.parametrize("role", ROLES)
def test_role_without_an_operation_then_refused_and_nothing_changes(server: LiveServer, role: str) -> None:
    market, shopper = Market(server), add_shopper(server)
    reach = ROLES[role].reach
    person = Person(
        server, role, None if reach == "everywhere" else market.retailer.id, 1 if reach == "store" else None
    )
    may = ROLES[role].operations
    for path, needed in (
        (PATH, "see_shoppers"),
        (f"{PATH}/{shopper.id}", "see_shoppers"),
        (f"{PATH}/add", "change_shoppers"),
    ):
        answer = person.open(path)
        assert answer.status_code == (200 if needed in may else 403), path
        if needed not in may:
            is_error(answer, 403, "forbidden")
    cookie = person.http.cookies["handcart_staff"]
    for path, subject in posts(shopper.id).items():
        name = path.rpartition("/")[2]
        needed = {"invite": "invite_shoppers", "end": "end_devices"}.get(name, "change_shoppers")
        if needed in may:
            continue
        fields = {"form_token": server.app.keys.form_token(cookie, *subject), "reason": "x", "name": "x"}
        fields |= {"locale": "en-US", "vehicle": "car", "most_orders": "1"}
        with nothing_written(server):
            for sure in ("yes", ""):
                is_error(person.http.post(path, data={**fields, "sure": sure}), 403, "forbidden")


@on_sqlite
def test_form_without_its_token_then_refused(server: LiveServer, admin: Person) -> None:
    shopper, other = add_shopper(server), add_shopper(server)
    cookie = admin.http.cookies["handcart_staff"]
    for path, subject in posts(shopper.id).items():
        foreign = [part.replace(str(shopper.id), str(other.id)) for part in subject]
        tokens = ["", "made up", *([server.app.keys.form_token(cookie, *foreign)] if len(subject) > 1 else [])]
        with nothing_written(server):
            for token in tokens:
                fields = {"form_token": token, "reason": "x", "sure": "yes", "name": "x"}
                is_error(admin.http.post(path, data=fields), 403, "form_expired")
            right = {"form_token": server.app.keys.form_token(cookie, *subject)}
            is_error(admin.http.post(path, data=right, headers={"Origin": "https://evil.example"}), 403, "form_expired")


@on_sqlite
@pytest.mark.parametrize("number", ["1", "0", "x", "9" * 40, "%00"])
def test_shopper_that_is_none_then_not_found(server: LiveServer, admin: Person, number: str) -> None:
    is_error(admin.open(f"{PATH}/{number}"), 404, "not_found")


@on_sqlite
def test_closed_in_the_meantime_then_the_page_says_so(server: LiveServer, admin: Person) -> None:
    shopper = add_shopper(server)
    path = f"{PATH}/{shopper.id}"
    admin.open(path)
    page: Any = admin.page
    server.write(ops.close, SYSTEM, shopper.id)
    for action, fields in (
        ("change", {}),
        ("invite", {"step_up_password": PASSWORD}),
        ("block", {"reason": "x"}),
        ("close", {"sure": "yes"}),
    ):
        admin.page = page
        with nothing_written(server):
            assert "closed in the meantime" in is_page(admin.submit(f"{path}/{action}", **fields), 400).text


@on_sqlite
@pytest.mark.parametrize("locale", ["en-US", "en-CA", "fr-CA"])
def test_locale_then_the_pages_in_it(server: LiveServer, admin: Person, locale: str) -> None:
    shopper = add_shopper(server, skills=["heavy"])
    for path in (PATH, f"{PATH}/add", f"{PATH}/{shopper.id}"):
        assert f'<html lang="{locale}">' in is_page(admin.open(path, locale=locale)).text
