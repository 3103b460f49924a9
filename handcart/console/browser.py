"""What all pages of the console share: the signed-in person, the navigation, forms."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Concatenate
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from handcart.core.db import P, T, Tx
from handcart.core.web.call import Call, Handler, Reply
from handcart.sign_in import sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import STAFF
from handcart.staff import errors, queries, roles
from handcart.staff.models import Actor

# Addresses to which a sign-in may lead on.
_CONSOLE_PAGE = re.compile(r"/console(?:/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~%&=+-]*)?")


class Place(Struct, frozen=True):
    """An entry of the navigation.

    `key` names its texts, `operation` is what a person needs to see it, and `group` is one of `GROUPS`.
    """

    key: str
    path: str
    operation: str
    group: str


# The groups of the navigation, in the sequence in which pages show them.
GROUPS = ("work", "stores", "partners", "customers", "running")
# The places in the sequence of the navigation. Each has the text `console.places.<key>`.
PLACES: tuple[Place, ...] = (
    Place("exceptions", "/console/exceptions", "see_exceptions", "work"),
    Place("orders", "/console/orders", "see_orders", "work"),
    Place("map", "/console/map", "see_map", "work"),
    Place("shifts", "/console/shifts", "see_shifts", "work"),
    Place("shoppers", "/console/shoppers", "see_shoppers", "work"),
    Place("stores", "/console/stores", "see_stores", "stores"),
    Place("catalog", "/console/catalog", "see_catalog", "stores"),
    Place("slots", "/console/slots", "see_slots", "stores"),
    Place("retailers", "/console/retailers", "see_retailers", "partners"),
    Place("clients", "/console/clients", "see_clients", "partners"),
    Place("webhooks", "/console/webhooks", "see_webhooks", "partners"),
    Place("requests", "/console/requests", "see_requests", "partners"),
    Place("tablets", "/console/tablets", "change_tablets", "stores"),
    Place("accounts", "/console/accounts", "see_accounts", "customers"),
    Place("messages", "/console/messages", "see_messages", "customers"),
    Place("suppressions", "/console/suppressions", "see_suppressions", "customers"),
    Place("texts", "/console/texts", "change_texts", "customers"),
    Place("reports", "/console/reports", "see_reports", "running"),
    Place("money", "/console/money", "see_money", "running"),
    Place("alerts", "/console/alerts", "see_alerts", "running"),
    Place("people", "/console/people", "see_staff", "running"),
    Place("audit", "/console/audit", "see_audit", "running"),
    Place("first_run", "/console/first-run", "set_up", "running"),
    Place("settings", "/console/settings", "see_settings", "running"),
    Place("dispatch", "/console/dispatch", "assign_orders", "work"),
)


def _letters(places: Sequence[Place]) -> Mapping[str, str]:
    """For each place the letter that leads there after `g`: the first of its key that no earlier place has."""
    found: dict[str, str] = {}
    for place in places:
        free = [letter for letter in place.key if letter.isalpha() and letter not in found.values()]
        if free:
            found[place.key] = free[0]
    return found


LETTERS = _letters(PLACES)


class _SignedOut(Exception):
    """The session of the browser ended after the call began."""


class PersonBrowser(SessionBrowser):
    """A browser in which a person is signed in to the console: `actor`. Made by `signed_in`."""

    policy = "; connect-src 'self'"  # a page fetches itself and its news

    def __init__(self, call: Call, actor: Actor) -> None:
        super().__init__(call, STAFF)
        self.actor = actor

    def places(self) -> Mapping[str, Sequence[Place]]:
        """The entries of the navigation that this person may open, by group."""
        open_ones = [place for place in PLACES if roles.includes(self.actor, place.operation)]
        groups = {group: [place for place in open_ones if place.group == group] for group in GROUPS}
        return {group: places for group, places in groups.items() if places}

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response in the console's frame (`console/frame.html`).

        A page with `news`, the address of its stream, and `version`, the newest version when it was made, fetches
        itself again whenever the stream has another version.
        """
        path = self.call.route.path if self.call.route is not None else ""
        return super().page(
            template,
            status,
            form_action,
            **{
                "actor": self.actor,
                "places": self.places(),
                "letters": LETTERS,
                "news": None,
                "here": path,
                "sign_out_token": self.form_token("sign-out"),
                **context,
            },
        )

    def notice(self, known: Sequence[str]) -> str | None:
        """The notice that a redirect asked this page to show, if it is one of the page's."""
        wanted = dict(self.query).get("notice")
        return wanted if wanted in known else None

    async def write(
        self, op: Callable[Concatenate[Tx, Actor, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an op of the person in one transaction, if they are still signed in and have the same role and place.

        The form may have taken long to come, so the person is read again in the transaction. Otherwise nothing
        changes: the browser is led to the sign-in, or the person is refused as `forbidden`.
        """

        async def still(tx: Tx) -> T:
            person = await queries.signed_in(tx, self.session)
            if person is None:
                raise _SignedOut
            actor = queries.actor(person)
            if _powers(actor) != _powers(self.actor):
                raise errors.forbidden()
            return await op(tx, actor, *args, **kwargs)

        return await self.call.app.database.write(still)

    async def is_still(self) -> bool:
        """Whether the person is still signed in, and has the same role and place."""
        actor = await person_of(self.call)
        return actor is not None and _powers(actor) == _powers(self.actor)

    async def posted(self, *subject: str) -> dict[str, str]:
        """The fields of a posted form; refuses a form whose token was not made for this session and subject."""
        form = await self.form()
        self.check_form(form, *subject)
        return form


def _powers(actor: Actor) -> tuple[int | None, str | None, int | None, int | None]:
    return actor.id, actor.role, actor.retailer_id, actor.store_number


def credential_of(form: dict[str, str]) -> Any:
    """The JSON that `passkeys.js` puts into the field `credential` of a form; None if it is not JSON."""
    try:
        return msgspec.json.decode(form.get("credential", ""))
    except (msgspec.DecodeError, RecursionError):
        return None


async def person_of(call: Call) -> Actor | None:
    """The person who is signed in to the console with the call's cookie."""
    person = await call.app.database.read(queries.signed_in, SessionBrowser(call, STAFF).session)
    return None if person is None else queries.actor(person)


def signed_in(handler: Callable[[PersonBrowser], Awaitable[Reply]]) -> Handler:
    """A route's handler that calls `handler` with the browser of the signed-in person, else leads to the sign-in."""

    async def handle(call: Call) -> Reply:
        actor = await person_of(call)
        if actor is None:
            return SessionBrowser(call, STAFF).see_other(sign_in_path(call))
        browser = PersonBrowser(call, actor)
        session = await call.app.database.read(sessions.find, STAFF, browser.session)
        if session is not None and sessions.needs_touch(session.seen_at):
            await call.app.database.write(sessions.touch, browser.session)
        try:
            return await handler(browser)
        except _SignedOut:
            return browser.see_other(sign_in_path(call))

    return handle


def sign_in_path(call: Call) -> str:
    """The address of the sign-in page, which leads back to the page of a GET."""
    wanted = ""
    if call.route is not None and call.route.method == "GET":
        wanted = re.sub(r"\{(\w+)\}", lambda found: call.path[found[1]], call.route.path)
        wanted += f"?{call.query.decode('latin-1')}" if call.query else ""
    return f"/console/sign-in?{urlencode({'to': wanted})}" if leads_on(wanted) != "/console" else "/console/sign-in"


def leads_on(wanted: str) -> str:
    """The page of the console that a sign-in leads to: the wanted one if it is one of ours, else the first."""
    return wanted if _CONSOLE_PAGE.fullmatch(wanted) else "/console"
