"""Find shoppers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.core import ids, phone
from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from handcart.shoppers import errors
from handcart.shoppers.models import NOBODY, Person
from handcart.staff import queries as staff
from handcart.staff.models import Actor
from handcart.staff.models import Person as StaffPerson
from handcart.stores import queries as stores

_PERSON = (
    "SELECT s.id, s.name, s.phone, s.email, s.locale, s.languages, s.skills, s.vehicle, s.most_orders,"
    " s.home_retailer_id, s.home_store_number, s.created_at, s.blocked_at, s.blocked_reason, s.closed_at,"
    " s.pin_hash IS NOT NULL AS has_pin FROM shoppers s"
)
MOST_LISTED = 1000


async def exists(tx: Tx, retailer_id: int, shopper_id: int) -> bool:
    """Whether the retailer has this shopper."""
    found = await tx.one("SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND id = $2", retailer_id, shopper_id)
    return found is not None


async def has_phone(tx: Tx, retailer_id: int, number: str) -> bool:
    """Whether a shopper of the retailer has this phone number, given in its normal form."""
    found = await tx.one("SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND phone = $2", retailer_id, number)
    return found is not None


async def person(tx: Tx, person_id: int) -> Person | None:
    """One of the operator's shoppers, also a blocked or closed one."""
    row = await tx.one(f"{_PERSON} WHERE s.id = $1", person_id)
    return _person(row) if row else None


async def lock(tx: Tx, person_id: int) -> None:
    """Lock one of the operator's shoppers until this transaction ends, if there is one with this id."""
    await tx.one("SELECT id FROM shoppers WHERE id = $1 FOR UPDATE", person_id)


async def require(tx: Tx, person_id: int) -> Person:
    """An open shopper of the operator; raises `ShopperRefused` if there is none with this id."""
    found = await person(tx, person_id)
    if found is None or found.closed_at is not None:
        raise errors.unknown(str(person_id))
    return found


async def find(tx: Tx, id_or_phone: str) -> Person:
    """An open shopper by id or phone number; raises `ShopperRefused` if there is none."""
    person_id = ids.parse(id_or_phone)
    found = None if person_id is None else await person(tx, person_id)
    found = found or await by_phone(tx, phone.normal(id_or_phone))
    if found is None or found.closed_at is not None:
        raise errors.unknown(id_or_phone)
    return found


async def by_phone(tx: Tx, number: str) -> Person | None:
    """The open shopper with a phone number, given in its normal form."""
    row = await tx.one(f"{_PERSON} WHERE s.phone = $1 AND s.closed_at IS NULL", number)
    return _person(row) if row else None


async def home_store(tx: Tx, person: Person) -> str | None:
    """The home store of a shopper as `<retailer's slug>/<location code>`."""
    if person.home_retailer_id is None or person.home_store_number is None:
        return None
    slug = (await retailers.retailer(tx, person.home_retailer_id)).slug
    return f"{slug}/{await stores.location_code(tx, person.home_retailer_id, person.home_store_number)}"


async def store(tx: Tx, name: str) -> tuple[int, int]:
    """The retailer's id and the number of a store, given as `<retailer's slug>/<location code>`.

    Raises `ShopperRefused`.
    """
    slug, _, location_code = name.strip().partition("/")
    retailer = await retailers.retailer_by_slug(tx, slug)
    found = None if retailer is None else await stores.store(tx, retailer.id, location_code)
    if retailer is None or found is None:
        raise errors.no_store(name)
    return retailer.id, found.number


async def pin_hash(tx: Tx, person_id: int) -> str | None:
    """The hash of a shopper's PIN; None without one."""
    row = await tx.one("SELECT pin_hash FROM shoppers WHERE id = $1", person_id)
    return row["pin_hash"] if row else None


def actor(person: Person) -> Actor:
    """The shopper as the one who does an operation."""
    return Actor("shopper", person.id, person.name)


async def person_of(tx: Tx, retailer_id: int, retailer_shopper_id: int) -> Person | None:
    """The operator's shopper whom a retailer's shopper stands for; None if it stands for nobody."""
    row = await tx.one(
        f"{_PERSON} JOIN retailer_shoppers r ON r.person_id = s.id WHERE r.retailer_id = $1 AND r.id = $2",
        retailer_id,
        retailer_shopper_id,
    )
    return _person(row) if row else None


async def retailer_ids(tx: Tx, person_id: int) -> Sequence[int]:
    """The retailers for which one of the operator's shoppers has worked."""
    rows = await tx.all(
        "SELECT retailer_id FROM retailer_shoppers WHERE person_id = $1 ORDER BY retailer_id", person_id
    )
    return [row["retailer_id"] for row in rows]


async def staff_of(tx: Tx, retailer_id: int, retailer_shopper_id: int) -> StaffPerson | None:
    """The person of the store whom a retailer's shopper stands for; None if it stands for nobody of the staff."""
    row = await tx.one(
        "SELECT staff_id FROM retailer_shoppers WHERE retailer_id = $1 AND id = $2", retailer_id, retailer_shopper_id
    )
    return None if row is None or row["staff_id"] is None else await staff.person(tx, row["staff_id"])


async def is_nobody(tx: Tx, retailer_id: int, retailer_shopper_id: int) -> bool:
    """Whether batches of a retailer's shopper wait for somebody."""
    row = await tx.one(
        "SELECT person_id FROM retailer_shoppers WHERE retailer_id = $1 AND id = $2", retailer_id, retailer_shopper_id
    )
    return row is not None and row["person_id"] == NOBODY


async def people(
    tx: Tx,
    *,
    text: str = "",
    state: str = "open",
    skill: str | None = None,
    retailer_id: int | None = None,
    store_number: int | None = None,
    after: tuple[str, int] | None = None,
    limit: int = MOST_LISTED,
) -> Sequence[Person]:
    """The operator's shoppers by name; `after` is the name and the id of the last one of the page before.

    `text` is part of the name or of the phone number. `state`: `open`, `working` (open and not blocked), `blocked` or
    `closed`. `retailer_id` and `store_number` are those of the home store.
    """
    name, person_id = after or ("", 0)
    rows = await tx.all(
        f"{_PERSON} WHERE {_STATES[state]} AND (s.name, s.id) > ($1, $2)"
        " AND (lower(s.name) LIKE lower($3) ESCAPE '!' OR s.phone LIKE $3 ESCAPE '!') AND s.skills LIKE $4"
        " AND (CAST($5 AS BIGINT) IS NULL OR s.home_retailer_id = $5)"
        " AND (CAST($6 AS BIGINT) IS NULL OR s.home_store_number = $6)"
        " ORDER BY s.name, s.id LIMIT $7",
        name,
        person_id,
        f"%{_literal(text.strip())}%",
        f'%"{skill}"%' if skill else "%",
        retailer_id,
        store_number,
        limit,
    )
    return [_person(row) for row in rows]


_STATES = {
    "open": "s.closed_at IS NULL",
    "working": "s.closed_at IS NULL AND s.blocked_at IS NULL",
    "blocked": "s.closed_at IS NULL AND s.blocked_at IS NOT NULL",
    "closed": "s.closed_at IS NOT NULL",
}


def _literal(text: str) -> str:
    """Text in which LIKE finds no wildcard."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _person(row: Any) -> Person:
    fields = dict(row)
    for name in ("languages", "skills"):
        fields[name] = tuple(msgspec.json.decode(fields[name], type=list[str]))
    return Person(**{**fields, "has_pin": bool(fields["has_pin"])})
