"""The tablet of a store that sent a call, and the person who uses it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate
from urllib.parse import quote, urlencode

from msgspec import Struct

from handcart.core.db import P, T, Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Call, Handler, Reply
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.sign_in import sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import TABLET
from handcart.staff import errors, tablets
from handcart.staff.models import Actor, Tablet
from handcart.store_app.work import At
from handcart.stores import queries as stores
from handcart.stores.models import Store

HOME = "/store"
#: The header of a page that fetches itself again: nobody uses the tablet for that.
BY_ITSELF = b"x-by-itself"
_LOCALE = "store_locale"
_KEPT_SECONDS = 365 * 86_400
_MOST_PATH = 400


class Place(Struct, frozen=True):
    """An entry of the navigation: the key of its texts, and its path."""

    key: str
    path: str


PLACES: Sequence[Place] = (
    Place("stage", HOME),
    Place("runs", f"{HOME}/runs"),
    Place("incoming", f"{HOME}/incoming"),
    Place("returns", f"{HOME}/returns"),
    Place("inside", f"{HOME}/inside"),
)


# What a page says after a form: keys of texts.
NOTICES = ("staged", "handed_over", "taken_back", "take", "walk", "verify", "give", "missing", "back", "inside")


class _Locked(Exception):
    """The tablet was locked or ended, or another person uses it, after the call began."""


class TabletBrowser(SessionBrowser):
    """A device that opens the store's app, perhaps without a tablet or a person."""

    locales = pages.LOCALES_WITH_SPANISH
    # Pages fetch themselves and their news.
    policy = "; connect-src 'self'"

    def __init__(self, call: Call) -> None:
        super().__init__(call, TABLET)
        self.locale = self._chosen_locale()

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response with links to the other languages."""
        links = [(tag, name, self._in_locale(tag), tag == self.locale) for tag, name in self.locales.items()]
        shown = {"locale_links": links, "actor": None, "places": (), **context}
        return super().page(template, status, form_action, **shown)

    def _chosen_locale(self) -> str:
        asked = dict(self.query).get("locale", "")
        if asked in self.locales:
            self.set_cookie(_LOCALE, asked, HOME, _KEPT_SECONDS)
        wanted = asked or self.cookie(_LOCALE, HOME)
        return pages.choose_locale(self.call.header(b"accept-language"), wanted, self.locales)

    def _in_locale(self, tag: str) -> str:
        fields = {name: value for name, value in self.query if name not in ("locale", "done")}
        return f"{path_of(self.call)}?{urlencode({**fields, 'locale': tag})}"


class StoreBrowser(TabletBrowser):
    """A tablet that a person uses: `actor`. Made by `of_person`. The clock is the retailer's."""

    def __init__(self, call: Call, tablet: Tablet, retailer: Retailer, store: Store, actor: Actor) -> None:
        super().__init__(call)
        self.tablet = tablet
        self.retailer = retailer
        self.store = store
        self.actor = actor
        self.at = At(retailer.id, retailer.slug, store.number)

    def form_token(self, *subject: str) -> str:
        """The token for a form about `subject`, for this person on this tablet."""
        return super().form_token(str(self.actor.id), *subject)

    async def posted(self, *subject: str) -> dict[str, str]:
        """The fields of a posted form; refuses one that was not made for this person, tablet and subject."""
        form = await self.form()
        self.check_form(form, *subject)
        return form

    async def write(
        self, op: Callable[Concatenate[Tx, Actor, At, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an op of the person in one transaction, if they still use the tablet then."""

        async def still(tx: Tx) -> T:
            tablet = await tablets.of_cookie(tx, self.session)
            user = None if tablet is None else await tablets.user(tx, tablet)
            if tablet is None or user is None or user.id != self.actor.id:
                raise _Locked
            if (tablet.retailer_id, tablet.store_number) != (self.at.retailer_id, self.at.store_number):
                raise errors.forbidden()
            await tablets.touch(tx, tablet)
            return await op(tx, user, self.at, *args, **kwargs)

        return await self.call.app.database.write(still)

    async def read(self, op: Callable[Concatenate[Tx, At, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query about the store."""
        return await self.call.app.database.read(op, self.at, *args, **kwargs)

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response in the frame of the store's app."""
        shown = {
            "actor": self.actor,
            "store": self.store,
            "retailer": self.retailer,
            "places": PLACES,
            "here": path_of(self.call),
            "lock_token": self.form_token("lock"),
            "idle_seconds": tablets.LOCKS_AFTER // 1_000_000,
            "page_url": path_of(self.call),
            "notice": self._notice(),
            **context,
        }
        return super().page(template, status, form_action, **shown)

    def _notice(self) -> str | None:
        """What a form that led here has done."""
        wanted = dict(self.query).get("done")
        return wanted if wanted in NOTICES else None


def path_of(call: Call) -> str:
    """The path of a call, as its route has it."""
    path = call.route.path if call.route is not None else HOME
    for name, value in call.path.items():
        path = path.replace(f"{{{name}}}", quote(value, ""))
    return path


async def tablet_of(call: Call) -> Tablet | None:
    """The tablet that sent a call; None for a device that is none, or no longer."""
    return await call.app.database.read(tablets.of_cookie, TabletBrowser(call).session)


def of_person(handler: Callable[[StoreBrowser], Awaitable[Reply]], *, touches: bool = True) -> Handler:
    """A route's handler that calls `handler` with the tablet that a person uses; else it leads to the entrance.

    `touches`: the call shows that the person uses the tablet, unless a script made it by itself.
    """

    async def handle(call: Call) -> Reply:
        found = await call.app.database.read(_find, call, TabletBrowser(call).session)
        if found is None:
            return _locked(call)
        call.hook_data = None  # not a call of the retailer's client, so its faults and its log do not concern it
        tablet, retailer, store, actor = found
        is_by_itself = call.header(BY_ITSELF) is not None or not touches
        if not is_by_itself and tablets.needs_touch(tablet):
            await call.app.database.write(_touch, tablet, TabletBrowser(call).session)
        try:
            return await handler(StoreBrowser(call, tablet, retailer, store, actor))
        except _Locked:
            return _locked(call)

    return handle


def not_here() -> PageRefused:
    """There is no such order at the store."""
    return PageRefused(404, "store_order")


async def _find(tx: Tx, call: Call, session: str) -> tuple[Tablet, Retailer, Store, Actor] | None:
    tablet = await tablets.of_cookie(tx, session)
    actor = None if tablet is None else await tablets.user(tx, tablet)
    if tablet is None or actor is None:
        return None
    await call.use_clock_of(tx, tablet.retailer_id)
    retailer = await retailers.retailer(tx, tablet.retailer_id)
    store = await stores.store_by_number(tx, tablet.retailer_id, tablet.store_number)
    assert store is not None
    return tablet, retailer, store, actor


async def _touch(tx: Tx, tablet: Tablet, session: str) -> None:
    await tablets.touch(tx, tablet)
    await sessions.touch(tx, session)


def _locked(call: Call) -> Reply:
    """Lead to the entrance, and from there back to the page of a GET."""
    wanted = path_of(call) if call.route is not None and call.route.method == "GET" else HOME
    target = f"{HOME}/people" if wanted == HOME else f"{HOME}/people?{urlencode({'to': wanted[:_MOST_PATH]})}"
    return TabletBrowser(call).see_other(target)
