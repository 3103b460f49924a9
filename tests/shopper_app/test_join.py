"""An invitation signs a phone in, once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from handcart.core.web.pages import LOCALES_WITH_SPANISH, texts
from handcart.shoppers import invitations, ops
from handcart.shoppers.models import Person
from handcart.sign_in.models import SHOPPER
from handcart.staff import queries
from handcart.staff.models import SYSTEM
from tests.support.contents import nothing_written
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Newcomer, Phone, add_shopper, invite

ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537"
)


def is_over(response: httpx.Response, status: int, state: str, locale: str = "en-US") -> httpx.Response:
    """Check the page of an invitation that does not work."""
    assert f"<h1>{texts(locale[:2])[f'join.{state}.title']}</h1>" in is_page(response, status).text
    return response


@pytest.fixture
def person(server: LiveServer) -> Person:
    return add_shopper(server, "Ana <Sample>")


def test_invited_then_the_phone_is_signed_in_and_stays_so(server: LiveServer, person: Person) -> None:
    newcomer = Newcomer(server, invite(server, person))
    newcomer.http.headers["User-Agent"] = ANDROID
    page = is_page(newcomer.open())
    assert "Ana &lt;Sample&gt;" in page.text
    is_page(newcomer.open())  # a preview of the link does not use it
    answer = newcomer.join("482615")
    assert (answer.status_code, answer.headers["location"]) == (303, "/shopper")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SHOPPER.cookie}=")
    assert cookie.endswith("; Path=/shopper; HttpOnly; SameSite=Lax; Max-Age=7776000")
    me = newcomer.http.get("/shopper/api/me").raise_for_status().json()
    assert (me["id"], me["is_locked"], me["device"]["name"]) == (str(person.id), False, "Chrome on Android")
    logged = server.sql(
        "SELECT operation, actor_kind FROM audit_log WHERE subject = $1 ORDER BY id", f"shopper/{person.id}"
    )
    assert [tuple(row) for row in logged][1:] == [("invite_shopper", "system"), ("join", "shopper")]


def test_link_used_before_then_a_page_that_says_what_to_do(server: LiveServer, person: Person) -> None:
    url = invite(server, person)
    first, forwarded = Newcomer(server, url), Newcomer(server, url)
    first.open(), forwarded.open()
    assert first.join().status_code == 303
    # The form was posted twice, by a phone that is signed in by now.
    assert first.join().headers["location"] == "/shopper"
    with nothing_written(server):
        assert "tell your dispatcher at once" in is_over(forwarded.join(), 410, "used").text
        is_over(Newcomer(server, url).open(), 410, "used")
    assert forwarded.http.get("/shopper/api/me").status_code == 401


def test_link_used_at_once_then_one_phone_is_signed_in(server: LiveServer, person: Person) -> None:
    url = invite(server, person)
    newcomers = [Newcomer(server, url) for _ in range(6)]
    for one in newcomers:
        one.open()
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda one: one.join().status_code, newcomers))
    assert statuses == [303] + [410] * 5
    assert len(server.sql("SELECT id FROM sessions WHERE audience = 'shopper' AND person_id = $1", person.id)) == 1


def test_link_expired_replaced_or_made_up_then_refused(server: LiveServer, person: Person, later: Any) -> None:
    url = invite(server, person)
    newcomer = Newcomer(server, url)
    newcomer.open()
    with later(minutes=15, seconds=1), nothing_written(server):
        is_over(newcomer.join(), 410, "expired")
        is_over(newcomer.open(), 410, "expired")
    newer = invite(server, person)
    with nothing_written(server):
        is_over(newcomer.open(), 410, "expired")
        for token in ("x", "A" * 43, "%C3%A9", "a" * 5000):
            is_over(Newcomer(server, f"/shopper/join/{token}").open(), 404, "unknown")
    assert Newcomer(server, newer).open().status_code == 200


@pytest.mark.parametrize("leave", [ops.close, lambda *args: ops.block(*args, "lost the badge")])
def test_invited_shopper_blocked_or_closed_then_refused(server: LiveServer, person: Person, leave: Any) -> None:
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    server.write(leave, SYSTEM, person.id)
    with nothing_written(server):
        is_over(newcomer.join(), 410, "expired")


@on_sqlite
@pytest.mark.parametrize(
    ("pin", "again", "error"),
    [
        ("2580", "2581", "different"),
        ("", "", "form"),
        ("258", "258", "form"),
        ("258013579", "258013579", "form"),
        ("258o", "258o", "form"),
        ("\u0662\u0665\u0668\u0660", "\u0662\u0665\u0668\u0660", "form"),
        ("\u00b2\u00b3\u00b9\u00b2", "\u00b2\u00b3\u00b9\u00b2", "form"),
        ("0000", "0000", "easy"),
        ("1234", "1234", "easy"),
        ("9876", "9876", "easy"),
        ("8901", "8901", "easy"),
        ("121212", "121212", "easy"),
    ],
)
def test_pin_that_cannot_be_taken_then_the_link_still_works(
    server: LiveServer, person: Person, pin: str, again: str, error: str
) -> None:
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    with nothing_written(server):
        page = is_page(newcomer.join(pin, again), 400)
    assert texts("en")[f"join.error_{error}"] in page.text
    assert newcomer.join("2580").status_code == 303


@on_sqlite
@pytest.mark.parametrize("pin", ["4826", "2468", "1357"])
def test_pin_that_neither_repeats_nor_counts_then_taken(server: LiveServer, person: Person, pin: str) -> None:
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    assert newcomer.join(pin).status_code == 303


def test_new_invitation_then_a_new_pin_and_other_phones_are_locked(server: LiveServer, person: Person) -> None:
    old = Phone(server, person)
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    assert newcomer.join("482615").status_code == 303
    assert old.get("me").json()["is_locked"] is True
    assert old.post("unlock", {"pin": "2580"}).status_code == 401
    assert old.post("unlock", {"pin": "482615"}).status_code == 200


def test_phone_of_a_colleague_joins_then_the_colleague_is_signed_out(server: LiveServer, person: Person) -> None:
    colleague = Phone(server)
    newcomer = Newcomer(server, invite(server, person))
    newcomer.http.cookies.set(SHOPPER.cookie, colleague.cookie)
    newcomer.open()
    assert newcomer.join().status_code == 303
    assert colleague.get("me").status_code == 401


@on_sqlite
def test_form_of_another_site_or_without_token_then_refused(server: LiveServer, person: Person) -> None:
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    fields = {**newcomer.fields, "pin": "2580", "pin_again": "2580"}
    with nothing_written(server):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            is_error(newcomer.http.post(newcomer.path, data=fields, headers=headers), 403, "form_expired")
        is_error(newcomer.http.post(newcomer.path, data={**fields, "form_token": "x"}), 403, "form_expired")
        is_error(newcomer.http.post(newcomer.path, json=fields), 415, "method_not_allowed")
        is_error(newcomer.http.post(newcomer.path, data={**fields, "more": "x" * (10 << 20)}), 413, "too_large")
    assert newcomer.join().status_code == 303


@on_sqlite
@pytest.mark.parametrize("locale", LOCALES_WITH_SPANISH)
def test_locale_then_the_page_in_it(server: LiveServer, person: Person, locale: str) -> None:
    newcomer = Newcomer(server, invite(server, person))
    page = is_page(newcomer.open(locale))
    assert f'<html lang="{locale}">' in page.text
    assert texts(locale[:2])["join.submit"] in page.text
    assert f'<html lang="{locale}">' in is_page(newcomer.join("1"), 400).text
    assert newcomer.join().status_code == 303
    is_over(Newcomer(server, newcomer.path.partition("?")[0]).open(locale), 410, "used", locale)


@on_sqlite
def test_no_locale_asked_for_then_the_shoppers_own(server: LiveServer) -> None:
    newcomer = Newcomer(server, invite(server, add_shopper(server, locale="es-US")))
    assert '<html lang="es-US">' in is_page(newcomer.open()).text
    gone = Newcomer(server, "/shopper/join/x")
    gone.http.headers["Accept-Language"] = "es-MX, en;q=0.5"
    is_over(gone.open(), 404, "unknown", "es-US")


def test_five_devices_then_the_oldest_is_signed_out(server: LiveServer, person: Person) -> None:
    oldest, *others = (Phone(server, person) for _ in range(5))
    device_id = oldest.get("me").json()["device"]["id"]
    newcomer = Newcomer(server, invite(server, person))
    newcomer.open()
    newcomer.join()
    assert oldest.get("me").status_code == 401
    assert [one.get("me").status_code for one in others] == [200] * 4
    (entry,) = server.read(queries.entries, subject=f"shopper/{person.id}", operation="end_device")
    assert (entry.reason, entry.detail) == ("replaced by a newer device", {"device": device_id})


def test_phone_of_another_shopper_joins_then_its_end_is_logged(server: LiveServer, person: Person) -> None:
    other = Phone(server)
    newcomer = Newcomer(server, invite(server, person))
    newcomer.http.cookies = other.http.cookies
    newcomer.open()
    newcomer.join()
    (entry,) = server.read(queries.entries, subject=f"shopper/{other.person.id}", operation="end_device")
    assert entry.reason == "replaced by a newer device"


@on_sqlite
def test_installation_without_public_url_then_no_invitation(server: LiveServer, person: Person) -> None:
    with nothing_written(server), pytest.raises(ValueError, match="HANDCART_PUBLIC_URL"):
        server.write(invitations.invite, SYSTEM, person.id, "")
