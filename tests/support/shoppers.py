"""The operator's shoppers, and their phones: devices that are signed in to the shopper's app."""

from typing import Any

import httpx

from handcart.core import clock
from handcart.core.db import Tx
from handcart.shoppers import invitations, ops, shifts
from handcart.shoppers.models import Person
from handcart.shoppers.shifts import Shift
from handcart.sign_in import sessions
from handcart.sign_in.models import SHOPPER
from handcart.staff.models import SYSTEM
from tests.support.server import LiveServer
from tests.support.shop import QUICK_HASHER, first_form, new_address

PIN = "2580"
_PIN_HASH = QUICK_HASHER.hash(PIN)


def add_shopper(server: LiveServer, name: str = "Sam Sample", **facts: Any) -> Person:
    """One of the operator's shoppers, with the PIN `PIN`. `facts` are those of `shoppers.ops.add`."""

    async def add(tx: Tx) -> Person:
        person = await ops.add(tx, SYSTEM, name, **facts)
        await tx.run("UPDATE shoppers SET pin_hash = $2 WHERE id = $1", person.id, _PIN_HASH)
        return person

    made: Person = server.write(add)
    return made


def add_shift(server: LiveServer, person_id: int | None = None, starts_at: int = clock.HOUR, hours: int = 8) -> Shift:
    """A shift of a shopper, or of a new one."""
    shift = Shift(
        person_id=person_id or add_shopper(server).id, starts_at=starts_at, ends_at=starts_at + hours * clock.HOUR
    )
    made: Shift = server.write(shifts.add, SYSTEM, shift)
    return made


class Phone:
    """A signed-in, unlocked device of a shopper."""

    def __init__(self, server: LiveServer, person: Person | None = None, name: str = "Chrome on Android") -> None:
        self.server = server
        self.person = person or add_shopper(server)
        self.cookie: str = server.write(sessions.start, SHOPPER, self.person.id, "", name)
        self.http = server.http(address=new_address(), cookies={SHOPPER.cookie: self.cookie})

    def get(self, path: str, **options: Any) -> httpx.Response:
        """A call of `/shopper/api`; `path` follows this."""
        return self.http.get(f"/shopper/api/{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.http.post(f"/shopper/api/{path}", json={} if body is None else body, **options)

    def put(self, path: str, content: bytes, **options: Any) -> httpx.Response:
        return self.http.put(f"/shopper/api/{path}", content=content, **options)


def invite(server: LiveServer, person: Person) -> str:
    """The path of a new invitation."""
    made = server.write(invitations.invite, SYSTEM, person.id, server.url)
    return str(made.url).removeprefix(server.url)


class Newcomer:
    """A browser that opens an invitation."""

    def __init__(self, server: LiveServer, path: str) -> None:
        self.http = server.http(address=new_address())
        self.path = path
        self.fields: dict[str, str] = {}

    def open(self, locale: str | None = None) -> httpx.Response:
        page = self.http.get(self.path, params={"locale": locale} if locale else None)
        if page.status_code == 200:
            form = first_form(page.text)
            self.path, self.fields = form.action, form.fields
        return page

    def join(self, pin: str = PIN, again: str | None = None) -> httpx.Response:
        """Post the form; does not follow to the app."""
        fields = {**self.fields, "pin": pin, "pin_again": pin if again is None else again}
        return self.http.post(self.path, data=fields)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and rule of a refusal; checks its form."""
    assert response.headers["content-type"] == "application/json", response.text[:300]
    error = response.json()["error"]
    assert error["message"], error
    return response.status_code, error["rule"]
