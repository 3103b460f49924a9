"""The shopper's devices: unlock, lock, sign out, PIN, settings."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handcart.shoppers import ops
from handcart.sign_in import devices, passwords
from handcart.staff import queries as staff
from handcart.staff.models import SYSTEM
from tests.support.console import Browser, Person
from tests.support.contents import nothing_written
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import new_email
from tests.support.shoppers import PIN, Phone, refusal

WRONG = {"pin": "1379"}


@pytest.fixture
def phone(server: LiveServer) -> Phone:
    return Phone(server)


def test_locked_then_unlocked_by_the_pin(phone: Phone) -> None:
    phone.post("lock").raise_for_status()
    me = phone.get("me").raise_for_status().json()
    assert (me["is_locked"], me["name"], me["devices"]) == (True, phone.person.name, [])
    with nothing_written(phone.server):
        assert refusal(phone.post("settings", {"locale": "fr-CA", "languages": []})) == (423, "locked")
        assert refusal(phone.post(f"devices/{me['device']['id']}/end")) == (423, "locked")
        assert refusal(phone.post("pin", {"old": PIN, "new": "482615"})) == (423, "locked")
    me = phone.post("unlock", {"pin": PIN}).raise_for_status().json()
    assert (me["is_locked"], len(me["devices"])) == (False, 1)
    assert phone.get("me").json() == me


def test_unused_for_half_a_day_then_locked(phone: Phone, later: Any) -> None:
    for hours in (11, 22):
        with later(hours=hours):
            assert phone.post("settings", {"locale": "en-US", "languages": ["en"]}).status_code == 200
    with later(hours=35):
        assert phone.get("me").json()["is_locked"] is True
        assert phone.get("me").json()["is_locked"] is True  # asking is no use
        phone.post("unlock", {"pin": PIN}).raise_for_status()
    with later(hours=36):
        assert phone.get("me").json()["is_locked"] is False
    with later(days=32):
        assert refusal(phone.get("me")) == (401, "signed_out")


def test_ninety_days_old_then_signed_out(phone: Phone, later: Any) -> None:
    for days in range(20, 90, 20):
        with later(days=days):
            phone.post("unlock", {"pin": PIN}).raise_for_status()
    with later(days=90, seconds=1):
        assert refusal(phone.post("unlock", {"pin": PIN})) == (401, "signed_out")


def test_five_wrong_pins_then_the_device_has_ended(phone: Phone) -> None:
    other = Phone(phone.server, phone.person)
    for left in (4, 3, 2, 1):
        answer = phone.post("unlock", WRONG)
        assert refusal(answer) == (401, "wrong_pin")
        assert answer.json()["error"]["tries_left"] == left
    assert refusal(phone.post("unlock", WRONG)) == (401, "signed_out")
    assert refusal(phone.post("unlock", {"pin": PIN})) == (401, "signed_out")
    assert refusal(phone.get("me")) == (401, "signed_out")
    assert other.get("me").status_code == 200
    logged = "SELECT operation, actor_kind, reason FROM audit_log WHERE subject = $1 ORDER BY id DESC LIMIT 1"
    (row,) = phone.server.sql(logged, f"shopper/{phone.person.id}")
    assert tuple(row) == ("end_device", "system", "wrong PINs")


def test_right_pin_then_wrong_ones_count_from_the_start(phone: Phone) -> None:
    for _ in range(2):
        for _ in range(4):
            assert refusal(phone.post("unlock", WRONG)) == (401, "wrong_pin")
        phone.post("unlock", {"pin": PIN}).raise_for_status()


def tries_at_once(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> int:
    """Send nine wrong PINs at once; returns how many were compared with the right one."""
    tried, verify = [], passwords.verify

    async def noted(password_hash: str | None, password: str) -> bool:
        tried.append(password)
        for _ in range(40):  # none is decided before the sixth has come, if a sixth comes
            if len(tried) <= 5:
                await asyncio.sleep(0.02)
        return await verify(password_hash, password)

    monkeypatch.setattr(passwords, "verify", noted)
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda n: refusal(phone.post("unlock", {"pin": f"70{n:02}"})), range(9)))
    assert set(answers) <= {(401, "wrong_pin"), (401, "signed_out")}
    assert refusal(phone.get("me")) == (401, "signed_out")
    return len(tried)


def test_many_pins_at_once_then_five_are_tried(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tries_at_once(phone, monkeypatch) <= 5


def test_many_pins_without_the_guard_then_more_are_tried(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = " AND wrong_pins < $2"
    assert guard in devices._COUNT
    monkeypatch.setattr(devices, "_COUNT", devices._COUNT.replace(guard, " AND $2 > 0"))
    assert tries_at_once(phone, monkeypatch) > 5


def test_wrong_sign_ins_and_pins_at_an_address_then_right_pins_unlock(server: LiveServer) -> None:
    visitor, *phones = Browser(server), *(Phone(server) for _ in range(4))
    for one in phones:
        one.http.headers["X-Forwarded-For"] = visitor.http.headers["X-Forwarded-For"]
    while visitor.sign_in(new_email(), "a wrong password").status_code != 429:
        pass
    for one in phones[:3]:
        for _ in range(5):
            one.post("unlock", WRONG)
    phones[3].post("unlock", {"pin": PIN}).raise_for_status()
    phones[3].post("pin", {"old": PIN, "new": "482615"}).raise_for_status()


def test_wrong_pins_at_an_address_then_people_sign_in_there(server: LiveServer) -> None:
    person, visitor = Person(server, "support"), Browser(server)
    for phone in (Phone(server), Phone(server), Phone(server)):
        phone.http.headers["X-Forwarded-For"] = visitor.http.headers["X-Forwarded-For"]
        for _ in range(5):
            phone.post("unlock", WRONG)
    visitor.sign_in(person.email)
    assert visitor.page.url.path == "/console/exceptions"


def test_hash_of_older_parameters_then_hashed_again(phone: Phone, our_hashes: None) -> None:
    def stored() -> str:
        rows = phone.server.sql("SELECT pin_hash FROM shoppers WHERE id = $1", phone.person.id)
        return str(rows[0]["pin_hash"])

    before = stored()
    phone.post("unlock", {"pin": PIN}).raise_for_status()
    assert stored() != before
    phone.post("unlock", {"pin": PIN}).raise_for_status()


def test_pin_changed_then_other_devices_are_locked(phone: Phone) -> None:
    other = Phone(phone.server, phone.person)
    phone.post("pin", {"old": PIN, "new": "482615"}).raise_for_status()
    assert phone.get("me").json()["is_locked"] is False
    assert other.get("me").json()["is_locked"] is True
    assert refusal(other.post("unlock", {"pin": PIN})) == (401, "wrong_pin")
    other.post("unlock", {"pin": "482615"}).raise_for_status()


def test_pin_changed_with_wrong_old_ones_then_the_device_has_ended(phone: Phone) -> None:
    for _ in range(4):
        assert refusal(phone.post("pin", {"old": "1379", "new": "482615"})) == (401, "wrong_pin")
    assert refusal(phone.post("pin", {"old": "1379", "new": "482615"})) == (401, "signed_out")


@on_sqlite
def test_new_pin_that_is_easy_then_refused(phone: Phone) -> None:
    with nothing_written(phone.server):
        for easy in ("0000", "1234", "4321"):
            assert refusal(phone.post("pin", {"old": PIN, "new": easy})) == (400, "pin_easy")


@on_sqlite
@pytest.mark.parametrize(
    "pin", [None, "", 2580, "258", "258013579", "258O", "\u0662\u0665\u0668\u0660", "2580\n", "\0\0\0\0", ["2580"]]
)
def test_text_that_is_no_pin_then_refused_and_not_counted(phone: Phone, pin: Any) -> None:
    with nothing_written(phone.server):
        assert refusal(phone.post("unlock", {"pin": pin})) == (400, "invalid")
        assert refusal(phone.post("pin", {"old": PIN, "new": pin})) == (400, "invalid")


@on_sqlite
def test_body_that_cannot_be_read_then_refused(phone: Phone) -> None:
    def send(content: bytes, **headers: str) -> tuple[int, str]:
        return refusal(phone.http.post("/shopper/api/unlock", content=content, headers=headers))

    right, json = b'{"pin": "2580"}', {"Content-Type": "application/json"}
    with nothing_written(phone.server):
        assert send(b"{", **json) == (400, "invalid")
        assert send(b"[]", **json) == (400, "invalid")
        assert send(b'{"pin": "' + b"2" * (10 << 20) + b'"}', **json) == (413, "too_large")
        assert send(right, **{"Content-Type": "text/plain"}) == (415, "invalid")
        assert send(right, **{"Content-Type": "application/x-www-form-urlencoded"}) == (415, "invalid")


@on_sqlite
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_call_by_another_site_then_refused(phone: Phone, headers: dict[str, str]) -> None:
    with nothing_written(phone.server):
        for path in ("unlock", "pin", "lock", "sign-out", "devices/1/end", "settings"):
            body = {"pin": PIN, "old": PIN, "new": "482615", "locale": "fr-CA", "languages": []}
            assert refusal(phone.post(path, body, headers=headers)) == (403, "other_site")


def test_signed_out_then_the_browser_forgets_what_it_stored(phone: Phone) -> None:
    phone.post("lock").raise_for_status()
    answer = phone.post("sign-out").raise_for_status()
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    with nothing_written(phone.server):
        assert refusal(phone.post("sign-out")) == (401, "signed_out")
    newest, *_ = phone.server.read(staff.entries, subject=f"shopper/{phone.person.id}")
    assert (newest.actor_kind, newest.actor_id, newest.operation) == ("shopper", phone.person.id, "end_device")


def test_another_device_ended_then_signed_out_while_it_works(phone: Phone) -> None:
    lost = Phone(phone.server, phone.person, "Safari on iPhone")
    devices = {one["name"]: one["id"] for one in phone.get("me").json()["devices"]}
    phone.post(f"devices/{devices['Safari on iPhone']}/end").raise_for_status()
    with nothing_written(phone.server):
        for answer in (lost.get("me"), lost.post("settings", {"locale": "fr-CA", "languages": []})):
            assert refusal(answer) == (401, "signed_out")
        assert refusal(phone.post(f"devices/{devices['Safari on iPhone']}/end")) == (404, "no_device")
    assert phone.get("me").status_code == 200


def test_device_of_another_shopper_then_not_ended(phone: Phone) -> None:
    other = Phone(phone.server)
    with nothing_written(phone.server):
        for device in (other.get("me").json()["device"]["id"], "0", "-1", "x", "9" * 30):
            assert refusal(phone.post(f"devices/{device}/end")) == (404, "no_device")
    assert other.get("me").status_code == 200


def test_blocked_then_locked_until_unblocked(phone: Phone) -> None:
    phone.server.write(ops.block, SYSTEM, phone.person.id, "lost the badge")
    assert phone.get("me").json()["is_locked"] is True
    with nothing_written(phone.server):
        assert refusal(phone.post("unlock", {"pin": PIN})) == (403, "blocked")
        assert refusal(phone.post("settings", {"locale": "fr-CA", "languages": []})) == (423, "locked")
    phone.server.write(ops.unblock, SYSTEM, phone.person.id)
    assert phone.get("me").json()["is_locked"] is True
    phone.post("unlock", {"pin": PIN}).raise_for_status()


def test_closed_then_signed_out(phone: Phone) -> None:
    phone.server.write(ops.close, SYSTEM, phone.person.id)
    with nothing_written(phone.server):
        assert refusal(phone.get("me")) == (401, "signed_out")
        assert refusal(phone.post("unlock", {"pin": PIN})) == (401, "signed_out")


def test_settings_changed_then_shown(phone: Phone) -> None:
    me = phone.post("settings", {"locale": "es-US", "languages": ["es", "en"]}).raise_for_status().json()
    assert (me["locale"], me["languages"]) == ("es-US", ["es", "en"])
    assert phone.get("me").json() == me
    me = phone.post("settings", {"locale": "fr-CA"}).raise_for_status().json()
    assert (me["locale"], me["languages"]) == ("fr-CA", ["es", "en"])
    with nothing_written(phone.server):
        for locale, languages in (("de-DE", []), ("en-US", ["english"]), ("en-US", ["E"]), ("", []), (None, [])):
            body = {"locale": locale, "languages": languages}
            assert refusal(phone.post("settings", body)) == (400, "invalid"), body
