"""Create a retailer's shoppers; add, change, block and close the operator's."""

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.email import is_address
from handcart.core.errors import raise_any
from handcart.core.phone import PHONE_PATTERN
from handcart.shoppers import errors, queries
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import LOCALES, SKILLS, VEHICLES, Person, Shopper
from handcart.staff import audit
from handcart.staff.models import Actor
from handcart.stores import queries as stores

_US_DIGITS = 10
_MOST_NAME, _MOST_EMAIL, _MOST_LANGUAGES, _MOST_ORDERS = 100, 254, 10, 20
_PHONE = re.compile(PHONE_PATTERN)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


async def create(tx: Tx, retailer_id: int, email: str | None = None, phone: str | None = None) -> Shopper:
    """Create a shopper. Phone numbers (plain digits or E.164) are unique. Raises the documented errors."""
    raise_any(
        [
            errors.invalid_email() if email is not None and not is_address(email) else None,
            errors.invalid_phone() if phone is not None and not _PHONE.match(phone) else None,
        ]
    )
    digits = None if phone is None else _digits(phone)
    while True:
        shopper = Shopper(ids.new_id(), email, digits)
        made = await tx.run(
            "INSERT INTO retailer_shoppers (retailer_id, id, email, phone, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            retailer_id,
            shopper.id,
            shopper.email,
            shopper.phone,
            clock.now(),
        )
        if made:
            return shopper
        if digits is not None and await queries.has_phone(tx, retailer_id, digits):
            raise errors.phone_taken()


async def shadow(tx: Tx, retailer_id: int, person_id: int) -> int:
    """The id of the retailer's shopper that stands for one of the operator's shoppers; makes it if there is none.

    It has neither phone number nor e-mail address: a retailer's client needs none to follow an order.
    """
    while True:
        row = await tx.one(
            "SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND person_id = $2", retailer_id, person_id
        )
        if row is not None:
            found: int = row["id"]
            return found
        await tx.run(
            "INSERT INTO retailer_shoppers (retailer_id, id, person_id, created_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            retailer_id,
            ids.new_id(),
            person_id,
            clock.now(),
        )


async def add(tx: Tx, actor: Actor, name: str, **facts: Any) -> Person:
    """Add a shopper. `facts` are fields of `Person`, from `phone` to `home_store_number`. Raises `ShopperRefused`.

    Without languages, the shopper speaks the one of the locale.
    """
    person = await _checked(tx, Person(id=ids.new_id(), name=name, created_at=clock.of_process(), **facts))
    made = await tx.run(
        "INSERT INTO shoppers (id, created_at, name, phone, email, locale, languages, skills, vehicle, most_orders,"
        " home_retailer_id, home_store_number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT DO NOTHING",
        person.id,
        person.created_at,
        *_stored(person),
    )
    if not made:
        raise errors.phone_in_use()
    await audit.record(tx, actor, "add_shopper", f"shopper/{person.id}", retailer_id=person.home_retailer_id)
    return person


async def _checked(tx: Tx, person: Person) -> Person:
    """The person with every fact in its normal form; raises `ShopperRefused`."""
    name = " ".join(person.name.split())
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise ShopperRefused("name", f"a shopper needs a name of 1 to {_MOST_NAME} characters")
    if person.phone and not _PHONE.match(person.phone):
        raise ShopperRefused("phone", f"{person.phone!r} is not a phone number: write 7 to 15 digits")
    email = (person.email or "").strip().lower() or None
    if email is not None and (not is_address(email) or len(email) > _MOST_EMAIL):
        raise ShopperRefused("email", f"{email!r} is not an e-mail address")
    _check_choice("locale", person.locale, LOCALES)
    _check_choice("vehicle", person.vehicle, VEHICLES)
    for skill in person.skills:
        _check_choice("skill", skill, SKILLS)
    languages = tuple(dict.fromkeys(person.languages)) or (person.locale.partition("-")[0],)
    if len(languages) > _MOST_LANGUAGES or not all(map(_LANGUAGE.fullmatch, languages)):
        raise ShopperRefused("languages", f"languages are up to {_MOST_LANGUAGES} codes of ISO 639, such as en and es")
    if not 1 <= person.most_orders <= _MOST_ORDERS:
        raise ShopperRefused("most_orders", f"a shopper can have 1 to {_MOST_ORDERS} orders at once")
    await _check_home(tx, person.home_retailer_id, person.home_store_number)
    return replace(
        person,
        name=name,
        phone=_digits(person.phone) if person.phone else None,
        email=email,
        languages=languages,
        skills=tuple(skill for skill in SKILLS if skill in person.skills),
    )


def _check_choice(reason: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise ShopperRefused(reason, f"{given!r} is no {reason}: choose from {', '.join(choices)}")


async def _check_home(tx: Tx, retailer_id: int | None, store_number: int | None) -> None:
    if retailer_id is None and store_number is None:
        return
    if retailer_id is None or store_number is None or not await stores.store_by_number(tx, retailer_id, store_number):
        raise ShopperRefused("home_store", "the home store does not exist")


def _stored(person: Person) -> tuple[Any, ...]:
    """The values of the columns from `name` to `home_store_number`."""
    return (
        person.name,
        person.phone,
        person.email,
        person.locale,
        msgspec.json.encode(person.languages).decode(),
        msgspec.json.encode(person.skills).decode(),
        person.vehicle,
        person.most_orders,
        person.home_retailer_id,
        person.home_store_number,
    )


def _digits(phone: str) -> str:
    """A phone number in its normal form; ten digits are taken as a US number without its country code."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"1{digits}" if len(digits) == _US_DIGITS else digits
