"""The first run: what a new network needs, step by step, until a test order was delivered.

A step is done or to do by what is stored and by the settings, never by a flag.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.assignment import ops as work
from handcart.assignment.errors import WorkRefused
from handcart.console import retailers as retailer_pages
from handcart.console import scope, step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.console.retailers import add_posted
from handcart.core import ids, qr, ratelimit
from handcart.core.db import Tx
from handcart.core.db.installation import issuer
from handcart.core.errors import ApiError, Refused
from handcart.core.ratelimit import Limit
from handcart.core.settings import Settings
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.messages import ops as messages
from handcart.messages import queries as letters
from handcart.messages.models import MAIL, Letter
from handcart.orders import queries as orders
from handcart.orders import samples, states
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller, Retailer
from handcart.shoppers import invitations
from handcart.shoppers import ops as shopper_ops
from handcart.shoppers import queries as shoppers
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import Invitation
from handcart.slots import plans
from handcart.staff import audit, queries, roles
from handcart.staff.models import Actor
from handcart.stores import items
from handcart.stores import queries as stores
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP
from handcart.stores.queries import Listed
from handcart.upkeep import safety

PATH = "/console/first-run"
# The audit log's subject and operation of test orders, by which the page finds them.
_SUBJECT, _PLACED = "first-run", "place_test_order"
# How the ids of test orders begin, so that people and programs can tell them from others.
TEST = "TEST"
_TEST_MAIL = "test_mail"
# States of a test mail that came as far as it goes: a development server keeps its mails.
_ARRIVED = ("sent", "kept")
_MOST_MAILS = Limit(10, 3600)
_CANCELED = ("other", "none")
_DONE = ("welcome", "mail", "retailer", "order", "canceled")
_DONE_STATE, _BEGUN, _TO_DO = "done", "begun", "to_do"
# The settings of the steps that are made in the environment, each with an example.
_BRAND = {
    "HANDCART_PUBLIC_URL": "https://connect.example.org",
    "HANDCART_BRAND": '"Corner Market Network"',
    "HANDCART_MEMBERSHIP": '"Corner Plus"',
    "HANDCART_TIME_ZONE": "America/Chicago",
}
_MAIL = {
    "HANDCART_SMTP_HOST": "smtp.example.org",
    "HANDCART_SMTP_PORT": "587",
    "HANDCART_SMTP_SECURITY": "starttls",
    "HANDCART_SMTP_USER": "handcart",
    "HANDCART_SMTP_PASSWORD_FILE": "/run/secrets/smtp-password",
    "HANDCART_MAIL_FROM": '"Corner Market Network <no-reply@example.org>"',
}


class _Refusal(Struct, frozen=True):
    """A form that was refused: its step, the key of a text or an English sentence that says why, and its fields."""

    step: str
    fields: Mapping[str, str]
    key: str | None = None
    sentence: str | None = None


class _Often(Exception):
    """The person has asked for many test mails."""


async def _show(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "set_up")
    return await _page(browser)


async def _send_mail(browser: PersonBrowser) -> Reply:
    await browser.posted("first-run", "mail")
    try:
        await browser.write(_write_mail, browser.settings.brand, browser.locale)
    except _Often:
        return await _page(browser, _Refusal("mail", {}, "console.first_run.error_often"))
    return _done(browser, "mail")


async def _write_mail(tx: Tx, actor: Actor, brand: str, locale: str) -> None:
    roles.require(actor, "set_up")
    assert actor.id is not None
    if await ratelimit.count(tx, f"test mails:{actor.id}", _MOST_MAILS):
        raise _Often
    person = await queries.person(tx, actor.id)
    assert person is not None
    letter = Letter(
        recipient=f"staff/{actor.id}",
        channel=MAIL,
        address=person.email,
        template=_TEST_MAIL,
        locale=locale,
        subject=str(pages.text(locale, "console.first_run.mail_subject", brand=brand)),
        body=str(pages.text(locale, "console.first_run.mail_body", brand=brand)),
    )
    await messages.write(tx, letter)
    await audit.record(tx, actor, "send_test_mail", f"staff/{actor.id}")


async def _add_retailer(browser: PersonBrowser) -> Reply:
    form = await browser.posted("first-run", "retailer")
    roles.require(browser.actor, "set_up")
    try:
        await browser.write(add_posted, form)
    except Refused as refused:
        return await _page(browser, _Refusal("retailer", form, sentence=str(refused)))
    return _done(browser, "retailer")


async def _add_shopper(browser: PersonBrowser) -> Reply:
    """Add a shopper, and show the invitation in the answer itself: only its hash is stored."""
    form = await browser.posted("first-run", "shopper")
    roles.require(browser.actor, "set_up")
    if page := await step_up.asked(browser, form):
        return page
    url = await browser.call.app.database.read(issuer, browser.settings)

    async def add(tx: Tx, actor: Actor) -> Invitation:
        roles.require(actor, "set_up")
        # With what most orders need, so that the test order fits.
        facts = {"phone": form.get("phone", ""), "vehicle": "car", "skills": ["heavy"]}
        person = await shopper_ops.add(tx, actor, form.get("name", ""), **facts)
        return await invitations.invite(tx, actor, person.id, url)

    try:
        invitation = await browser.write(add)
    except ShopperRefused as refused:
        return await _page(browser, _Refusal("shopper", form, f"console.shoppers.error_{refused.reason}"))
    except Refused as refused:
        return await _page(browser, _Refusal("shopper", form, sentence=str(refused)))
    return await _page(browser, invitation=invitation)


async def _place_order(browser: PersonBrowser) -> Reply:
    form = await browser.posted("first-run", "order")
    roles.require(browser.actor, "set_up")
    retailer = await scope.retailer_of(browser, "set_up", form.get("retailer", ""))
    try:
        await browser.write(_place, retailer, form.get("shopper", ""))
    except WorkRefused as refused:
        return await _page(browser, _Refusal("order", form, f"console.order.refused.{refused.rule}"))
    except PageRefused:
        raise
    except ApiError as refused:
        return await _page(browser, _Refusal("order", form, sentence=refused.message))
    return _done(browser, "order")


async def _place(tx: Tx, actor: Actor, retailer: Retailer, shopper: str) -> None:
    """Place a test order as a client of the retailer would, and give it to a shopper if one is named."""
    roles.require(actor, "set_up")
    assert actor.id is not None
    person = await queries.person(tx, actor.id)
    caller = Caller("console", retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
    order = await samples.place(
        tx,
        caller,
        await _kind(tx, retailer),
        await samples.customer(tx, caller),
        prefix=TEST,
        is_test=True,
        sms_opt_in=False,
        email=None if person is None else person.email,
    )
    await audit.record(
        tx,
        actor,
        _PLACED,
        _SUBJECT,
        retailer_id=retailer.id,
        detail={"retailer": retailer.slug, "order_id": order.order_id},
    )
    if (person_id := ids.parse(shopper)) is not None:
        await work.assign(tx, actor, retailer.id, [order.order_id], person_id)


async def _kind(tx: Tx, retailer: Retailer) -> str:
    """The kind of the test order: one whose items are picked if there are items, else one that is only carried."""
    taken = {kind for store in await stores.stores(tx, retailer.id) for kind in store.kinds}
    wanted = (DELIVERY, PICKUP, LAST_MILE) if await items.samples(tx, retailer.id, 1) else (LAST_MILE, DELIVERY)
    return next((kind for kind in wanted if kind in taken), wanted[0])


async def _cancel_order(browser: PersonBrowser) -> Reply:
    slug, order_id = browser.call.path["slug"], browser.call.path["order_id"]
    form = await browser.posted("first-run", "cancel", slug, order_id)
    roles.require(browser.actor, "set_up")
    retailer = await scope.retailer_of(browser, "cancel_orders")
    reason = str(pages.text(browser.locale, "console.first_run.test_order"))
    try:
        await browser.write(work.cancel, retailer.id, order_id, reason, _CANCELED)
    except WorkRefused as refused:
        return await _page(browser, _Refusal("order", form, f"console.order.refused.{refused.rule}"))
    return _done(browser, "canceled")


def _done(browser: PersonBrowser, what: str) -> Reply:
    step = {"canceled": "order"}.get(what, what)
    return browser.see_other(f"{PATH}?notice={what}#{step}")


async def _page(browser: PersonBrowser, refusal: _Refusal | None = None, invitation: Invitation | None = None) -> Reply:
    database, settings = browser.call.app.database, browser.settings
    stored = await database.read(_stored, browser)
    findings = await safety.look(settings, database)
    is_mail_sent = any(one.state in _ARRIVED for one in stored["mails"])
    steps = {
        "brand": _DONE_STATE if settings.brand != Settings.brand else _TO_DO,
        "mail": _state(is_mail_sent, begun=bool(settings.smtp_host and settings.mail_from)),
        "retailer": _state(bool(stored["retailers"])),
        "store": _state(bool(stored["stores"])),
        "shopper": _state(any(one.has_pin for one in stored["shoppers"]), begun=bool(stored["shoppers"])),
        "order": stored["order_state"],
        "production": _state(not findings.problems and not findings.warnings),
    }
    return browser.page(
        "console/first_run.html",
        200 if refusal is None else 400,
        path=PATH,
        steps=steps,
        done_steps=sum(state == _DONE_STATE for state in steps.values()),
        notice=browser.notice(_DONE) if refusal is None else None,
        refusal=refusal,
        typed={} if refusal is None else refusal.fields,
        brand_lines=_lines(settings, _BRAND),
        mail_lines=_lines(settings, _MAIL),
        findings=findings,
        invitation=None
        if invitation is None
        else {
            "name": invitation.person.name,
            "url": invitation.url,
            "qr": qr.svg(invitation.url),
            "ends_at": pages.moment(browser.locale, invitation.ends_at, settings.time_zone),
        },
        form_tokens={name: browser.form_token("first-run", name) for name in ("mail", "retailer", "shopper", "order")},
        add_retailer_path=f"{retailer_pages.PATH}/add",
        **stored,
    )


def _state(is_done: bool, *, begun: bool = False) -> str:
    return _DONE_STATE if is_done else _BEGUN if begun else _TO_DO


def _lines(settings: Settings, examples: Mapping[str, str]) -> list[dict[str, Any]]:
    """Settings of the environment: what is set now, and a line to copy."""
    shown = []
    for name, example in examples.items():
        field = name.removeprefix("HANDCART_").lower()
        value = getattr(settings, field)
        shown.append({"name": name, "now": str(value), "line": f"{name}={example}"})
    return shown


async def _stored(tx: Tx, browser: PersonBrowser) -> dict[str, Any]:
    """What is stored that says which steps are done."""
    assert browser.actor.id is not None
    person = await queries.person(tx, browser.actor.id)
    there = await retailers.retailers(tx)
    mails = await letters.messages(tx, recipient=f"staff/{browser.actor.id}", channel=MAIL, limit=20)
    return {
        "email": "" if person is None else person.email,
        "mails": [one for one in mails if one.template == _TEST_MAIL],
        "retailers": there,
        "stores": [await _store(tx, one) for one in await stores.listed(tx, limit=5)],
        "has_items": any([bool(await items.samples(tx, one.id, 1)) for one in there[:20]]),
        "shoppers": await shoppers.people(tx, state="working", limit=20),
        **await _test_order(tx, browser),
    }


async def _store(tx: Tx, one: Listed) -> dict[str, Any]:
    """A store, the address of its page, and how many orders each of its windows takes, by kind."""
    code = one.store.location_code
    counts = [(kind, (await plans.plan_for(tx, one.retailer_id, code, kind)).capacity) for kind in one.store.kinds]
    return {"store": one.store, "path": scope.store_path(one.slug, code), "plans": counts}


async def _test_order(tx: Tx, browser: PersonBrowser) -> dict[str, Any]:
    """The newest test order, and whether one has reached its end."""
    placed = await queries.entries(tx, subject=_SUBJECT, operation=_PLACED, limit=20)
    found = []
    for entry in placed:
        detail = entry.detail or {}
        order = None
        if entry.retailer_id is not None:
            order = await orders.find(tx, entry.retailer_id, detail.get("order_id", ""))
        if order is not None:
            found.append((detail["retailer"], order))
    if not found:
        return {"order": None, "order_state": _TO_DO}
    slug, newest = found[0]
    is_over = newest.status in states.TERMINAL
    return {
        "order": {
            "order": newest,
            "slug": slug,
            "url": order_url(slug, newest.order_id),
            "is_over": is_over,
            "cancel_path": f"{PATH}/orders/{slug}/{newest.order_id}/cancel",
            "cancel_token": browser.form_token("first-run", "cancel", slug, newest.order_id),
        },
        "order_state": _state(any(one.status == states.COMPLETED for _, one in found), begun=True),
    }


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="POST", path=f"{PATH}/mail", handler=signed_in(_send_mail)),
    Route(method="POST", path=f"{PATH}/retailer", handler=signed_in(_add_retailer)),
    Route(method="POST", path=f"{PATH}/shopper", handler=signed_in(_add_shopper)),
    Route(method="POST", path=f"{PATH}/order", handler=signed_in(_place_order)),
    Route(method="POST", path=f"{PATH}/orders/{{slug}}/{{order_id}}/cancel", handler=signed_in(_cancel_order)),
)
