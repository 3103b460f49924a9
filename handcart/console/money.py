"""Money: a month's statements and payouts, their lines, fees and pay, and the end of a month."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from handcart.console import files, step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages, versions
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.money import months, ops, queries, rates
from handcart.money.models import DUE, PAY, TOLD, Fees, Line, MoneyRefused, Pay, Statement
from handcart.money.queries import NOTHING, LineKey, Period
from handcart.money.rates import Rates
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import Person
from handcart.staff import roles
from handcart.staff.models import Actor

PATH = "/console/money"
# Rows of a file, at most, and of one read for it.
_MOST_IN_FILE = 200_000
_READ_AT_ONCE = 5_000
_COLUMNS = ("at", "month", "retailer", "order_id", "kind", "shopper", "batch_id", "quantity", "cents", "is_correction")


async def _overview(browser: PersonBrowser) -> Reply:
    """The statements of a month, and for those who may see them the payouts."""
    actor, database = browser.actor, browser.call.app.database
    roles.require(actor, "see_money", actor.retailer_id, actor.store_number)
    month = _month(browser, dict(browser.query).get("month", ""))
    known = [one for one in await database.read(retailers.retailers) if actor.retailer_id in (None, one.id)]

    async def read(tx: Tx) -> list[tuple[Retailer, Statement]]:
        zone = browser.settings.time_zone
        return [(one, await queries.statement(tx, one.id, month, zone)) for one in known]

    may_see_payouts = roles.includes(actor, "see_payouts")
    found = await database.read(read)
    payouts = await database.read(queries.payouts, month) if may_see_payouts else []
    days = queries.of_month(month, browser.settings.time_zone)
    return browser.page(
        "console/money.html",
        month=month,
        around=_around(month),
        statements=[
            {"retailer": one, "found": statement, "url": f"{_statement_path(one.slug, month)}"}
            for one, statement in found
        ],
        payouts=[{"found": one, "url": _payout_path(one.person_id, days)} for one in payouts],
        amount=_amounts(browser),
        may_see_payouts=may_see_payouts,
        may_change=roles.includes(actor, "change_money"),
    )


async def _statement(browser: PersonBrowser) -> Reply:
    return await _statement_page(browser)


async def _statement_page(browser: PersonBrowser, error: str | None = None, status: int = 400) -> Reply:
    retailer, month = await _retailer(browser, "see_money"), _month(browser, browser.call.path["month"])
    database, zone = browser.call.app.database, browser.settings.time_zone
    found = await database.read(queries.statement, retailer.id, month, zone)
    with_pay = roles.includes(browser.actor, "see_payouts")
    after = _key(dict(browser.query).get("after", ""))
    lines = await database.read(queries.statement_lines, retailer.id, month, after, queries.ROWS + 1, with_pay=with_pay)
    of = [*(share.person_id for share in found.shares), *_people_of(lines)]
    people = await _names_for(browser, retailer, of)
    path = _statement_path(retailer.slug, month)
    days = queries.of_month(month, zone)
    next_after = (
        msgspec.json.encode(queries.key_of(lines[queries.ROWS - 1])).decode() if len(lines) > queries.ROWS else ""
    )
    return browser.page(
        "console/statement.html",
        status=200 if error is None else status,
        error=error,
        retailer=retailer,
        month=month,
        found=found,
        told=[found.sums[kind] for kind in TOLD if kind in found.sums],
        due=[found.sums[kind] for kind in DUE if kind in found.sums],
        closed_at=None if found.closed_at is None else pages.moment(browser.locale, found.closed_at, zone),
        shares=[
            {"name": people.get(one.person_id, ""), "found": one, "url": _payout_path(one.person_id, days)}
            for one in found.shares
        ]
        if with_pay
        else None,
        lines=[_shown(browser, one, {retailer.id: retailer.slug}, people) for one in lines[: queries.ROWS]],
        amount=_amounts(browser),
        path=path,
        file_url=f"{path}/lines.csv",
        file_token=browser.form_token("export-money", f"retailer/{retailer.slug}"),
        fees_path=f"{PATH}/fees/{retailer.slug}",
        next_url=f"{path}?{urlencode({'after': next_after})}" if next_after else None,
        first_url=path if after != NOTHING else None,
        may_close=roles.includes(browser.actor, "change_money") and _is_over(month, zone) and found.closed_at is None,
        may_change=roles.includes(browser.actor, "change_money"),
        may_see_orders=roles.includes(browser.actor, "see_orders"),
        version=_version(found),
        form_token=browser.form_token("close-month", retailer.slug, month),
        notice=browser.notice(("month_closed",)),
    )


async def _statement_file(browser: PersonBrowser) -> Reply:
    retailer, month = await _retailer(browser, "see_money"), _month(browser, browser.call.path["month"])
    if page := await _asked(browser, f"retailer/{retailer.slug}", month, retailer.id):
        return page
    database, with_pay = browser.call.app.database, roles.includes(browser.actor, "see_payouts")
    found: list[Line] = []
    after = NOTHING
    while len(found) < _MOST_IN_FILE:
        some = await database.read(queries.statement_lines, retailer.id, month, after, _READ_AT_ONCE, with_pay=with_pay)
        found += some
        if len(some) < _READ_AT_ONCE:
            break
        after = queries.key_of(some[-1])
    people = await _names_for(browser, retailer, _people_of(found))
    name = f"statement-{retailer.slug}-{month}.csv"
    return await asyncio.to_thread(_file, name, found, {retailer.id: retailer.slug}, people)


async def _asked(browser: PersonBrowser, subject: str, what: str, retailer_id: int | None) -> Reply | None:
    """The page that asks for the password, before lines leave as a file. None: asked, and the export is audited."""
    form = await browser.posted("export-money", subject)
    if page := await step_up.asked(browser, form):
        return page
    await browser.write(ops.note_export, subject, what, retailer_id)
    return None


async def _close(browser: PersonBrowser) -> Reply:
    retailer, month = await _retailer(browser, "change_money"), _month(browser, browser.call.path["month"])
    form = await browser.posted("close-month", retailer.slug, month)
    zone = browser.settings.time_zone

    async def close(tx: Tx, actor: Actor) -> None:
        await ops.lock_books(tx, retailer.id)
        found = await queries.statement(tx, retailer.id, month, zone)
        if found.closed_at is None:
            versions.check(form.get("version", ""), *_values(found))
        await ops.close(tx, actor, retailer.id, month, zone)

    try:
        await browser.write(close)
    except versions.Changed:
        return await _statement_page(browser, "changed", 409)
    except MoneyRefused as refused:
        return await _statement_page(browser, refused.reason)
    return browser.see_other(f"{_statement_path(retailer.slug, month)}?notice=month_closed")


async def _payout(browser: PersonBrowser) -> Reply:
    person, days, error = await _payout_of(browser)
    database = browser.call.app.database
    lines = await database.read(queries.payout_lines, person.id, days)
    slugs = {one.id: one.slug for one in await database.read(retailers.retailers)}
    totals = {kind: sum(line.cents for line in lines if line.kind == kind) for kind in ("tip", *PAY)}
    return browser.page(
        "console/payout.html",
        status=200 if error is None else 400,
        error=error,
        person=person,
        days=days,
        totals=[(kind, cents) for kind, cents in totals.items() if cents],
        total=sum(totals.values()),
        # The file has all of them.
        lines=[_shown(browser, one, slugs, {}) for one in lines[: queries.ROWS]],
        more=max(len(lines) - queries.ROWS, 0),
        amount=_amounts(browser),
        path=f"{PATH}/payouts/{person.id}",
        file_url=_payout_path(person.id, days, "/lines.csv"),
        file_token=browser.form_token("export-money", f"shopper/{person.id}"),
        pay_path=f"{PATH}/pay/{person.id}",
        may_change=roles.includes(browser.actor, "change_money"),
        may_see_orders=roles.includes(browser.actor, "see_orders"),
    )


async def _payout_file(browser: PersonBrowser) -> Reply:
    person, days, _ = await _payout_of(browser)
    if page := await _asked(browser, f"shopper/{person.id}", f"{days.first}/{days.last}", None):
        return page
    database = browser.call.app.database
    lines = await database.read(queries.payout_lines, person.id, days)
    slugs = {one.id: one.slug for one in await database.read(retailers.retailers)}
    name = f"payout-{person.id}-{days.first}.csv"
    return await asyncio.to_thread(_file, name, lines, slugs, {person.id: person.name})


async def _fees(browser: PersonBrowser) -> Reply:
    retailer = await _retailer(browser, "change_money")
    return await _rates_page(browser, Fees, retailer.id, retailer.name)


async def _set_fees(browser: PersonBrowser) -> Reply:
    retailer = await _retailer(browser, "change_money")
    return await _set(browser, Fees, retailer.id, retailer.name, retailer.slug)


async def _pay(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_money")
    return await _rates_page(browser, Pay, rates.EVERYBODY, "")


async def _set_pay(browser: PersonBrowser) -> Reply:
    return await _set(browser, Pay, rates.EVERYBODY, "", "everybody")


async def _pay_of(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_money")
    person = await _person(browser)
    return await _rates_page(browser, Pay, person.id, person.name)


async def _set_pay_of(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_money")
    person = await _person(browser)
    return await _set(browser, Pay, person.id, person.name, str(person.id))


async def _set(browser: PersonBrowser, kind: type[Rates], of: int, name: str, subject: str) -> Reply:
    """Set the rates of a posted form, if they are still those that the form showed."""
    form = await browser.posted("rates", subject)
    roles.require(browser.actor, "change_money")
    zone = browser.settings.time_zone

    async def save(tx: Tx, actor: Actor) -> None:
        await ops.lock(tx, kind, of)
        versions.check(form.get("version", ""), *await rates.history(tx, kind, of))
        amounts: dict[str, Any] = {one: _cents(form.get(one, "")) for one in rates.AMOUNTS[kind]}
        valid_from = form.get("valid_from", "").strip()
        if kind is Fees:
            await ops.set_fees(tx, actor, of, Fees(valid_from=valid_from, **amounts), zone)
        else:
            await ops.set_pay(tx, actor, of, Pay(valid_from=valid_from, **amounts), zone)

    try:
        await browser.write(save)
    except versions.Changed:
        return await _rates_page(browser, kind, of, name, "changed", form, 409)
    except MoneyRefused as refused:
        return await _rates_page(browser, kind, of, name, refused.reason, form)
    return browser.see_other(f"{_rates_path(browser)}?notice=rates_set")


async def _rates_page(
    browser: PersonBrowser,
    kind: type[Rates],
    of: int,
    name: str,
    error: str | None = None,
    form: Mapping[str, str] | None = None,
    status: int = 400,
) -> Reply:
    found = await browser.call.app.database.read(rates.history, kind, of)
    fields = rates.AMOUNTS[kind]
    newest = found[0] if found else None
    given = form or {one: _written(getattr(newest, one, 0)) for one in fields}
    zone = browser.settings.time_zone
    subject = dict(browser.call.path).get("slug") or dict(browser.call.path).get("person_id") or "everybody"
    return browser.page(
        "console/rates.html",
        status=200 if error is None else status,
        error=error,
        kind="fees" if kind is Fees else "pay",
        name=name,
        fields=fields,
        given={one: given.get(one, "")[:20] for one in fields},
        valid_from=given.get("valid_from", "")[:10] or months.day_of(zone, clock.of_process()),
        history=[
            {
                "found": one,
                "amounts": [_written(getattr(one, field)) for field in fields],
                "set_at": pages.moment(browser.locale, one.set_at, zone),
            }
            for one in found
        ],
        path=_rates_path(browser),
        version=versions.version_of(*found),
        form_token=browser.form_token("rates", subject),
        notice=browser.notice(("rates_set",)),
    )


def _rates_path(browser: PersonBrowser) -> str:
    path = browser.call.path
    if "slug" in path:
        return f"{PATH}/fees/{path['slug']}"
    return f"{PATH}/pay/{path['person_id']}" if "person_id" in path else f"{PATH}/pay"


async def _retailer(browser: PersonBrowser, operation: str) -> Retailer:
    """The retailer of the address, if the person may do the operation there."""
    found = await browser.call.app.database.read(retailers.retailer_by_slug, browser.call.path["slug"])
    if found is None:
        roles.require(browser.actor, operation, browser.actor.retailer_id, browser.actor.store_number)
        raise PageRefused(404, "not_found")
    roles.require(browser.actor, operation, found.id)
    return found


async def _person(browser: PersonBrowser) -> Person:
    text = browser.call.path["person_id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    found = await browser.call.app.database.read(shoppers.person, number)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


async def _payout_of(browser: PersonBrowser) -> tuple[Person, Period, str | None]:
    """The shopper and the days of the address; days that cannot be are those of this month, with the reason."""
    roles.require(browser.actor, "see_payouts")
    person = await _person(browser)
    query, zone = dict(browser.query), browser.settings.time_zone
    this_month = queries.of_month(months.of(zone, clock.of_process()), zone)
    try:
        return (
            person,
            queries.period(query.get("from") or this_month.first, query.get("to") or this_month.last, zone),
            None,
        )
    except MoneyRefused as refused:
        return person, this_month, refused.reason


async def _names_for(browser: PersonBrowser, retailer: Retailer, people: Sequence[int]) -> Mapping[int, str]:
    """Names of shoppers; none for the retailer's own people if `shopper_information_removal` keeps names from it."""
    if browser.actor.retailer_id is not None and retailer.rules.shopper_information_removal:
        return {}
    return await browser.call.app.database.read(_names, people)


async def _names(tx: Tx, people: Sequence[int]) -> Mapping[int, str]:
    found = [await shoppers.person(tx, one) for one in sorted(set(people))]
    return {one.id: one.name for one in found if one is not None}


def _people_of(lines: Sequence[Line]) -> list[int]:
    return [line.person_id for line in lines if line.person_id]


def _month(browser: PersonBrowser, text: str) -> str:
    if not text:
        return months.of(browser.settings.time_zone, clock.of_process())
    try:
        return months.read(text)
    except MoneyRefused:
        raise PageRefused(404, "not_found") from None


def _around(month: str) -> tuple[str, str]:
    """The addresses of the months before and after a month."""
    year, number = int(month[:4]), int(month[5:])
    before = f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02}"
    return f"{PATH}?month={before}", f"{PATH}?month={months.after(month)}"


def _is_over(month: str, time_zone: str) -> bool:
    return clock.of_process() >= months.begins(time_zone, months.after(month))


def _statement_path(slug: str, month: str) -> str:
    return f"{PATH}/statements/{slug}/{month}"


def _payout_path(person_id: int, days: Period, what: str = "") -> str:
    return f"{PATH}/payouts/{person_id}{what}?{urlencode({'from': days.first, 'to': days.last})}"


def _values(found: Statement) -> tuple[Any, ...]:
    return found.orders, found.due, found.closed_at


def _version(found: Statement) -> str:
    return versions.version_of(*_values(found))


def _key(text: str) -> LineKey:
    """The place of a line as an address has it; before all lines if the text is none."""
    try:
        found = msgspec.json.decode(text, type=LineKey) if text else NOTHING
    except (msgspec.DecodeError, RecursionError):
        return NOTHING
    is_storable = all(abs(one) < 1 << 63 if isinstance(one, int) else "\0" not in one for one in found)
    return found if is_storable else NOTHING


def _amounts(browser: PersonBrowser) -> Any:
    return lambda cents: pages.decimal(browser.locale, cents / 100)


def _written(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _cents(text: str) -> int:
    """An amount such as 7.99 in cents; raises `MoneyRefused`."""
    whole, _, rest = text.strip().replace(",", ".").partition(".")
    if not (whole + rest or "0").isdecimal() or not (whole + rest or "0").isascii() or len(whole) > 9 or len(rest) > 2:
        raise MoneyRefused("amount")
    return int(whole or "0") * 100 + int(rest.ljust(2, "0") or "0")


def _shown(browser: PersonBrowser, line: Line, slugs: Mapping[int, str], people: Mapping[int, str]) -> dict[str, Any]:
    return {
        "line": line,
        "at": pages.moment(browser.locale, line.at, browser.settings.time_zone),
        "url": order_url(slugs[line.retailer_id], line.order_id) if line.order_id else None,
        "retailer": slugs[line.retailer_id],
        "shopper": people.get(line.person_id, ""),
        "quantity": _written(line.quantity) if line.kind in ("pay_mile", "fee_goods") else str(line.quantity),
    }


def _file(name: str, found: Sequence[Line], slugs: Mapping[int, str], people: Mapping[int, str]) -> Reply:
    """Lines as CSV, with times in UTC and amounts in cents."""
    rows = [
        [
            *(clock.to_wire(one.at), one.month, slugs[one.retailer_id], one.order_id, one.kind),
            *(people.get(one.person_id, ""), one.batch_id or "", one.quantity, one.cents, one.is_correction),
        ]
        for one in found
    ]
    return files.csv(name, _COLUMNS, rows)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_overview)),
    Route(method="GET", path=f"{PATH}/statements/{{slug}}/{{month}}", handler=signed_in(_statement)),
    Route(method="POST", path=f"{PATH}/statements/{{slug}}/{{month}}/lines.csv", handler=signed_in(_statement_file)),
    Route(method="POST", path=f"{PATH}/statements/{{slug}}/{{month}}/close", handler=signed_in(_close)),
    Route(method="GET", path=f"{PATH}/payouts/{{person_id}}", handler=signed_in(_payout)),
    Route(method="POST", path=f"{PATH}/payouts/{{person_id}}/lines.csv", handler=signed_in(_payout_file)),
    Route(method="GET", path=f"{PATH}/fees/{{slug}}", handler=signed_in(_fees)),
    Route(method="POST", path=f"{PATH}/fees/{{slug}}", handler=signed_in(_set_fees)),
    Route(method="GET", path=f"{PATH}/pay", handler=signed_in(_pay)),
    Route(method="POST", path=f"{PATH}/pay", handler=signed_in(_set_pay)),
    Route(method="GET", path=f"{PATH}/pay/{{person_id}}", handler=signed_in(_pay_of)),
    Route(method="POST", path=f"{PATH}/pay/{{person_id}}", handler=signed_in(_set_pay_of)),
)
