"""Passkeys of shoppers: added on an unlocked device, they unlock it in place of the PIN, until they are removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from handcart.shoppers import ops
from handcart.sign_in import passkeys
from handcart.sign_in.models import SHOPPER
from handcart.staff import queries as staff
from handcart.staff.models import SYSTEM
from tests.support.authenticator import Authenticator
from tests.support.contents import nothing_written
from tests.support.server import LiveServer, live_server, on_sqlite
from tests.support.shoppers import PIN, Newcomer, Phone, invite, refusal


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("named")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


@pytest.fixture
def phone(named_server: LiveServer) -> Phone:
    return Phone(named_server)


def add(phone: Phone) -> Authenticator:
    authenticator = Authenticator(phone.server.url)
    options = phone.get("passkeys").raise_for_status().json()["options"]
    phone.post("passkeys", {"credential": authenticator.create(options)}).raise_for_status()
    return authenticator


def answered(phone: Phone, authenticator: Authenticator) -> dict[str, Any]:
    options = phone.get("unlock/passkey").raise_for_status().json()["options"]
    return {"credential": authenticator.get(options)}


def listed(phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = phone.get("passkeys").raise_for_status().json()["passkeys"]
    return found


def deeds(phone: Phone) -> list[str]:
    entries = phone.server.read(staff.entries, subject=f"shopper/{phone.person.id}")
    return [entry.operation for entry in reversed(entries) if "passkey" in entry.operation]


def test_passkey_is_added_then_it_unlocks_the_device_until_it_is_removed(phone: Phone) -> None:
    assert phone.get("unlock/passkey").json() == {"options": None}
    authenticator = add(phone)
    (known,) = listed(phone)
    assert (known["name"], known["used_at"]) == ("Chrome on Android", None)
    phone.post("lock").raise_for_status()
    with nothing_written(phone.server):
        assert refusal(phone.get("passkeys")) == (423, "locked")
        assert refusal(phone.post("passkeys/remove", {"id": known["id"]})) == (423, "locked")
    me = phone.post("unlock/passkey", answered(phone, authenticator)).raise_for_status().json()
    assert me["is_locked"] is False
    assert listed(phone)[0]["used_at"] is not None
    phone.post("passkeys/remove", {"id": known["id"]}).raise_for_status()
    assert refusal(phone.post("passkeys/remove", {"id": known["id"]})) == (404, "no_passkey")
    assert (listed(phone), phone.get("unlock/passkey").json()) == ([], {"options": None})
    assert deeds(phone) == ["add_passkey", "remove_passkey"]
    phone.post("lock").raise_for_status()
    phone.post("unlock", {"pin": PIN}).raise_for_status()


def test_answer_is_wrong_or_comes_twice_then_the_device_stays_locked(phone: Phone, named_server: LiveServer) -> None:
    authenticator, other = add(phone), Phone(named_server)
    add(other)
    for one in (phone, other):
        one.post("lock").raise_for_status()
    good = answered(phone, authenticator)
    foreign = {"credential": authenticator.get(other.get("unlock/passkey").json()["options"])}
    stranger = answered(phone, Authenticator(named_server.url))
    with nothing_written(named_server):
        assert refusal(other.post("unlock/passkey", good)) == (400, "passkey_invalid")
        assert refusal(other.post("unlock/passkey", foreign)) == (400, "passkey_unknown")
        assert refusal(phone.post("unlock/passkey", stranger)) == (400, "passkey_unknown")
        assert refusal(phone.post("unlock/passkey", {"credential": {}})) == (400, "passkey_invalid")
        assert refusal(phone.post("unlock/passkey", {"credential": []})) == (400, "invalid")
    phone.post("unlock/passkey", answered(phone, authenticator)).raise_for_status()
    phone.post("lock").raise_for_status()
    used = answered(phone, authenticator)
    phone.post("unlock/passkey", used).raise_for_status()
    phone.post("lock").raise_for_status()
    with nothing_written(named_server):
        assert refusal(phone.post("unlock/passkey", used)) == (400, "passkey_invalid")


def test_shopper_is_blocked_then_no_passkey_unlocks(phone: Phone) -> None:
    authenticator = add(phone)
    phone.server.write(ops.block, SYSTEM, phone.person.id, "lost the phone")
    answer = answered(phone, authenticator)
    with nothing_written(phone.server):
        assert refusal(phone.post("unlock/passkey", answer)) == (403, "blocked")


def test_shopper_is_closed_or_invited_again_then_passkeys_end(phone: Phone, named_server: LiveServer) -> None:
    add(phone)
    newcomer = Newcomer(named_server, invite(named_server, phone.person))
    newcomer.open()
    assert named_server.read(passkeys.of_person, SHOPPER, phone.person.id) != []
    newcomer.join()
    assert named_server.read(passkeys.of_person, SHOPPER, phone.person.id) == []
    phone.post("unlock", {"pin": PIN}).raise_for_status()
    add(phone)
    named_server.write(ops.close, SYSTEM, phone.person.id)
    assert named_server.read(passkeys.of_person, SHOPPER, phone.person.id) == []


@on_sqlite
def test_address_has_no_name_then_no_passkeys_are_offered(server: LiveServer) -> None:
    phone = Phone(server)
    assert phone.get("passkeys").json() == {"options": None, "passkeys": []}
    assert phone.get("unlock/passkey").json() == {"options": None}
