"""Passkeys: registered and used with an authenticator in software, for each audience; what is refused."""

import copy
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fido2.utils import websafe_decode, websafe_encode

from handcart.core import ids
from handcart.core.secret import new_token
from handcart.sign_in import passkeys
from handcart.sign_in.errors import PasskeyRefused
from handcart.sign_in.models import AUDIENCES, SHOPPER, STAFF, Audience
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator
from tests.support.contents import nothing_written
from tests.support.server import LiveServer, on_sqlite

URL = "http://localhost:8080"


class Person:
    """A person of an audience, with a session and an authenticator."""

    def __init__(self, server: LiveServer, audience: Audience = STAFF) -> None:
        self.server, self.audience = server, audience
        self.id, self.session = ids.new_id(), new_token()
        self.authenticator = Authenticator(URL)

    def creation_options(self) -> Any:
        known = self.server.read(passkeys.of_person, self.audience, self.id)
        keys = self.server.app.keys
        options = passkeys.creation_options(keys, URL, self.audience, self.session, self.id, "ada@x.y", known)
        return json.loads(json.dumps(options))

    def request_options(self) -> Any:
        return json.loads(json.dumps(passkeys.request_options(self.server.app.keys, URL, self.session)))

    def register(self, response: Any = None, session: str | None = None) -> Any:
        response = self.authenticator.create(self.creation_options()) if response is None else response
        place = (self.audience, URL, session or self.session, self.id)
        return self.server.write(passkeys.register, *place, response, "Laptop")

    def authenticate(self, response: Any = None, audience: Audience | None = None) -> Any:
        response = self.authenticator.get(self.request_options()) if response is None else response
        return self.server.write(passkeys.authenticate, audience or self.audience, URL, self.session, response)


@pytest.fixture
def person(server: LiveServer) -> Person:
    """A person with a registered passkey."""
    made = Person(server)
    made.register()
    return made


def is_refused(server: LiveServer, do: Callable[[], Any], reason: str) -> None:
    with nothing_written(server), pytest.raises(PasskeyRefused) as refused:
        do()
    assert refused.value.reason == reason


@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda audience: audience.name)
def test_passkey_registered_then_it_signs_its_person_in_at_its_audience(server: LiveServer, audience: Audience) -> None:
    person = Person(server, audience)
    made = person.register()
    assert (made.name, made.used_at) == ("Laptop", None)
    assert [person.authenticate() for _ in range(2)] == [person.id] * 2
    (stored,) = server.read(passkeys.of_person, audience, person.id)
    assert stored.used_at is not None
    for other in AUDIENCES:
        if other != audience:
            is_refused(server, lambda other=other: person.authenticate(audience=other), "unknown")  # type: ignore[misc]
    assert server.write(passkeys.remove, audience, person.id, stored.credential_id)
    assert not server.write(passkeys.remove, audience, person.id, stored.credential_id)
    is_refused(server, person.authenticate, "unknown")


@on_sqlite
def test_options_then_verification_and_discoverable_passkeys_are_required(person: Person) -> None:
    options = person.creation_options()
    assert options["rp"]["id"] == "localhost"
    assert options["attestation"] == "none"
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert [one["id"] for one in options["excludeCredentials"]] == [websafe_encode(person.authenticator.credential_id)]
    asked = person.request_options()
    assert (asked["rpId"], asked["userVerification"], asked.get("allowCredentials")) == ("localhost", "required", None)
    assert asked["challenge"] != person.request_options()["challenge"]


def test_response_sent_again_then_refused_also_at_once(person: Person) -> None:
    person.authenticator.counts = False
    response = person.authenticator.get(person.request_options())

    def attempt(_: int) -> str:
        try:
            return str(person.authenticate(response))
        except PasskeyRefused as refused:
            return refused.reason

    with ThreadPoolExecutor(8) as senders:
        found = sorted(senders.map(attempt, range(8)))
    assert sorted([*["invalid"] * 7, str(person.id)]) == found
    is_refused(person.server, lambda: person.authenticate(response), "invalid")


def test_counter_does_not_rise_then_the_passkey_is_taken_for_a_copy(person: Person) -> None:
    person.authenticator.counter = 5
    assert person.authenticate() == person.id
    for counter in (4, 5, -1):
        person.authenticator.counter = counter
        is_refused(person.server, person.authenticate, "copied")
    person.authenticator.counter = 6
    assert person.authenticate() == person.id


@on_sqlite
def test_challenge_of_another_session_purpose_or_time_then_refused(person: Person, later: Any) -> None:
    server, other = person.server, Person(person.server)
    theirs = person.authenticator.get(other.request_options())
    is_refused(server, lambda: person.authenticate(theirs), "invalid")
    swapped = person.authenticator.get(person.creation_options())
    is_refused(server, lambda: person.authenticate(swapped), "invalid")
    response = person.authenticator.get(person.request_options())
    with later(seconds=passkeys.CHALLENGE_SECONDS + 1):
        is_refused(server, lambda: person.authenticate(response), "too_late")
    created = Authenticator(URL).create(person.creation_options())
    is_refused(server, lambda: person.register(created, session=other.session), "invalid")


@on_sqlite
def test_wrong_origin_site_flags_type_or_key_then_refused(person: Person) -> None:
    server, authenticator = person.server, person.authenticator
    wrong: list[tuple[str, Any]] = [
        *(("origin", origin) for origin in ("http://localhost", "https://localhost:8080", "http://evil.example")),
        ("rp_id", "evil.example"),
        *(("flags", flags) for flags in (0, PRESENT, VERIFIED)),
        ("key", Authenticator(URL).key),
        ("handle", websafe_encode(b"staff:1")),
    ]
    for name, value in wrong:
        right = getattr(authenticator, name)
        setattr(authenticator, name, value)
        is_refused(server, person.authenticate, "invalid")
        setattr(authenticator, name, right)
        if name not in ("key", "handle"):
            new = Authenticator(URL)
            setattr(new, name, value)
            created = new.create(person.creation_options())
            is_refused(server, lambda created=created: person.register(created), "invalid")  # type: ignore[misc]
    for kind in ("webauthn.create", "payment.get", None, 1):
        response = authenticator.get(person.request_options(), type=kind)
        is_refused(server, lambda response=response: person.authenticate(response), "invalid")  # type: ignore[misc]
    assert person.authenticate() == person.id


@on_sqlite
def test_malformed_response_then_refused(person: Person) -> None:
    server = person.server
    nested = websafe_encode(b"\x81" * 20_000)
    for make, do in ((_created, person.register), (_gotten, person.authenticate)):
        responses: list[Any] = [1, "x", [], {}, {"response": None}, {"id": 5, "response": {}}]
        for place in ((), ("response",)):
            right = make(person)
            names = right if not place else right["response"]
            for name in names:
                if name in ("authenticatorAttachment", "transports", "clientExtensionResults", "type", "userHandle"):
                    continue
                for value in ("", "!", "AAAA", nested, None, 7, [], {}):
                    changed = copy.deepcopy(make(person))
                    (changed["response"] if place else changed)[name] = value
                    responses.append(changed)
        accepted = []
        with nothing_written(server):
            for response in responses:
                try:
                    do(response)
                except PasskeyRefused:
                    continue
                accepted.append(response)
        assert accepted == []
    assert person.authenticate() == person.id


def _created(person: Person) -> Any:
    return Authenticator(URL).create(person.creation_options())


def _gotten(person: Person) -> Any:
    return person.authenticator.get(person.request_options())


@on_sqlite
def test_each_byte_of_a_response_is_changed_then_refused(person: Person) -> None:
    person.authenticator.counts = False
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        right = _gotten(person)
        content = websafe_decode(right["response"][name])
        for position in range(0, len(content), 7):
            changed = copy.deepcopy(right)
            wrong = bytearray(content)
            wrong[position] ^= 1
            changed["response"][name] = websafe_encode(bytes(wrong))
            with pytest.raises(PasskeyRefused):
                person.authenticate(changed)


def test_passkey_registered_twice_or_too_many_then_refused(person: Person) -> None:
    server, other = person.server, Person(person.server, SHOPPER)
    other.authenticator = person.authenticator
    is_refused(server, other.register, "known")
    for _ in range(passkeys.MOST_PASSKEYS - 1):
        person.authenticator = Authenticator(URL)
        person.register()
    person.authenticator = Authenticator(URL)
    is_refused(server, person.register, "too_many")


@pytest.mark.parametrize(
    ("url", "possible"),
    [
        ("https://connect.example", True),
        ("http://localhost:8080", True),
        ("http://connect.example", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]:8443", False),
        ("", False),
    ],
)
def test_public_url_then_passkeys_are_possible_or_not(url: str, possible: bool) -> None:
    assert passkeys.are_possible(url) == possible
