"""The operator's people in tests: made with a role, signed in to the console, as browsers without JavaScript."""

from html.parser import HTMLParser
from typing import Any

import httpx

from handcart.core import ids
from handcart.staff import queries
from handcart.staff.models import Actor
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, PASSWORD_HASH, new_address, new_email


class Form(dict[str, str]):
    """The fields of a form with their values; `action` is its address."""

    action = ""


class forms(HTMLParser):
    """All forms of a page that are posted."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append(Form())
            self.found[-1].action = values.get("action", "") if values.get("method") == "post" else ""
        elif tag == "input" and "name" in values and self.found:
            if values.get("type") not in ("checkbox", "radio") or "checked" in values:
                self.found[-1][values["name"]] = values.get("value", "")
        elif tag == "select" and self.found:
            self._select = values.get("name", "")
        elif tag == "option" and self.found and ("selected" in values or self._select not in self.found[-1]):
            self.found[-1][self._select] = values.get("value", "")


class Browser:
    """A browser of the console without JavaScript, in which nobody is signed in."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.http = server.http(address=new_address())
        self.page: httpx.Response

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        self.open("/console/sign-in")
        return self.submit("/console/sign-in", email=email, password=password)

    def open(self, path: str, **query: str) -> httpx.Response:
        self.page = self.http.get(path, params=query or None)
        return self.page

    def form(self, action: str) -> Form:
        """The form of the open page that is posted to an address, given without its query."""
        found = [form for form in forms(self.page.text).found if form.action.partition("?")[0] == action]
        assert found, f"no form is posted to {action}: {self.page.status_code} {self.page.text[:300]}"
        return found[0]

    def submit(self, action: str, **fields: Any) -> httpx.Response:
        """Post a form of the open page, with its own values where none are given. Follows to our own pages."""
        form = self.form(action)
        self.page = self.http.post(form.action, data={**form, **fields})
        while self.page.is_redirect:
            self.page = self.http.get(self.page.headers["location"])
        return self.page


class Person(Browser):
    """A person of the operator, a retailer or a store, and a browser in which they are signed in."""

    def __init__(
        self,
        server: LiveServer,
        role: str = "operator_admin",
        retailer_id: int | None = None,
        store_number: int | None = None,
    ) -> None:
        super().__init__(server)
        self.email, self.id = new_email(), ids.new_id()
        server.sql(
            "INSERT INTO staff (id, email, name, role, retailer_id, store_number, password_hash, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING id",
            *(self.id, self.email, f"Sample {role}", role, retailer_id, store_number, PASSWORD_HASH),
        )
        self.sign_in(self.email)

    @property
    def actor(self) -> Actor:
        """This person as the one who does an operation."""
        return queries.actor(self.server.read(queries.person, self.id))
