"""The entrance of the store's app: bind a device as a tablet, choose a person by name and PIN, lock the tablet."""

import re
from collections.abc import Sequence

from handcart.core import ids
from handcart.core.db import installation
from handcart.core.web.browser import PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.retailers import ops as retailers
from handcart.sign_in.models import SignedIn
from handcart.staff import tablets
from handcart.staff.errors import StaffPinWrong, TabletLocked
from handcart.staff.models import Tablet
from handcart.store_app.browser import HOME, TabletBrowser, tablet_of
from handcart.stores import queries as stores

_PAGE = re.compile(r"/store(?:/[A-Za-z0-9._~%/-]*)?")
_PEOPLE = f"{HOME}/people"
_MOST_PIN = 20


async def _show_join(call: Call) -> Reply:
    # A preview of the link opens it too, so only the form uses it.
    browser, token = TabletBrowser(call), call.path["token"]
    tablet, state = await call.app.database.read(tablets.invited, token)
    if tablet is None:
        return _over(browser, state)
    return browser.page(
        "store_app/join.html",
        tablet=tablet,
        action=f"{HOME}/join/{token}",
        form_token=browser.form_token("join", token),
    )


async def _join(call: Call) -> Reply:
    browser, token = TabletBrowser(call), call.path["token"]
    form = await browser.form()
    if not browser.brings(form, "join", token):
        # The same form was posted twice: the first post signed the device in and set another cookie.
        if await tablet_of(call) is not None:
            return browser.see_other(_PEOPLE)
        raise form_expired()
    cookie = await call.app.database.write(tablets.join, token, browser.session, browser.name)
    if cookie is None:
        return _over(browser, "used")
    browser.start_session(SignedIn(cookie))
    return browser.see_other(_PEOPLE)


async def _show_people(call: Call) -> Reply:
    tablet = await tablet_of(call)
    return _unbound(TabletBrowser(call)) if tablet is None else await _people_page(call, tablet)


async def _show_person(call: Call) -> Reply:
    tablet = await tablet_of(call)
    return _unbound(TabletBrowser(call)) if tablet is None else await _pin_page(call, tablet)


async def _unlock(call: Call) -> Reply:
    browser, tablet = TabletBrowser(call), await tablet_of(call)
    if tablet is None:
        return _unbound(browser)
    person_id = ids.parse(call.path["id"]) or 0
    form = await browser.form()
    browser.check_form(form, "unlock", call.path["id"])
    try:
        if not await tablets.unlock(call.app.database, tablet, person_id, form.get("pin", "")[:_MOST_PIN]):
            return browser.see_other(_PEOPLE)
    except StaffPinWrong as wrong:
        return await _pin_page(call, tablet, wrong.left)
    except TabletLocked:
        return await _pin_page(call, tablet, 0)
    wanted = form.get("to", "")
    return browser.see_other(wanted if _PAGE.fullmatch(wanted) else HOME)


async def _lock(call: Call) -> Reply:
    browser, tablet = TabletBrowser(call), await tablet_of(call)
    if tablet is None:
        return _unbound(browser)
    browser.check_form(await browser.form(), str(tablet.person_id), "lock")
    await call.app.database.write(tablets.lock, tablet.id)
    return browser.see_other(_PEOPLE, clears=True)


async def _people_page(call: Call, tablet: Tablet) -> Reply:
    database = call.app.database
    store = await database.read(stores.store_by_number, tablet.retailer_id, tablet.store_number)
    retailer = await database.read(retailers.retailer, tablet.retailer_id)
    assert store is not None
    return TabletBrowser(call).page(
        "store_app/people.html",
        tablet=tablet,
        store=store,
        retailer=retailer,
        to=_wanted(call),
        people=await database.read(tablets.workers, tablet.retailer_id, tablet.store_number),
    )


async def _pin_page(call: Call, tablet: Tablet, left: int | None = None) -> Reply:
    """The page on which a person types the PIN. `left`: the tries that are left after a wrong one."""
    browser, person_id = TabletBrowser(call), ids.parse(call.path["id"]) or 0
    worker = await call.app.database.read(tablets.worker, tablet, person_id)
    if worker is None:
        return browser.see_other(_PEOPLE)
    return browser.page(
        "store_app/pin.html",
        status=200 if left is None else 403,
        worker=worker,
        left=left,
        takes_pins=await call.app.database.read(tablets.takes_pins, tablet),
        to=_wanted(call),
        form_token=browser.form_token("unlock", str(person_id)),
        console_url=f"{await call.app.database.read(installation.console_url, browser.settings)}/console",
    )


def _wanted(call: Call) -> str:
    wanted = dict(TabletBrowser(call).query).get("to", "")
    return wanted if _PAGE.fullmatch(wanted) else HOME


def _unbound(browser: TabletBrowser) -> Reply:
    return browser.page("store_app/unbound.html", status=401)


def _over(browser: TabletBrowser, state: str) -> Reply:
    raise PageRefused(404 if state == "unknown" else 410, f"store_link_{state}")


ROUTES: Sequence[Route] = (
    Route(method="GET", path=f"{HOME}/join/{{token}}", handler=_show_join),
    Route(method="POST", path=f"{HOME}/join/{{token}}", handler=_join),
    Route(method="GET", path=_PEOPLE, handler=_show_people),
    Route(method="GET", path=f"{_PEOPLE}/{{id}}", handler=_show_person),
    Route(method="POST", path=f"{_PEOPLE}/{{id}}", handler=_unlock),
    Route(method="POST", path=f"{HOME}/lock", handler=_lock),
)
