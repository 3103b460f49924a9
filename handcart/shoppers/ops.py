"""Create a retailer's shoppers; add, change, block and close the operator's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.email import is_address
from handcart.core.errors import raise_any
from handcart.core.phone import PHONE_PATTERN, normal
from handcart.shoppers import errors, positions, queries, shifts
from handcart.shoppers.errors import ShopperRefused
from handcart.shoppers.models import LOCALES, SKILLS, VEHICLES, Person, Shopper
from handcart.sign_in import devices, links, passkeys, sessions
from handcart.sign_in.models import SHOPPER
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import queries as stores

_MOST_NAME, _MOST_EMAIL, _MOST_LANGUAGES, _MOST_ORDERS = 100, 254, 10, 20
_MOST_REASON = 200
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
    digits = None if phone is None else normal(phone)
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

    It has neither phone number nor e-mail address: a retailer's client needs none to follow an order. With `NOBODY`,
    the one for batches that wait for somebody.
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


async def shadow_of_staff(tx: Tx, retailer_id: int, staff_id: int) -> int:
    """The id of the retailer's shopper that stands for a person of its store; makes it if there is none."""
    while True:
        row = await tx.one(
            "SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND staff_id = $2", retailer_id, staff_id
        )
        if row is not None:
            found: int = row["id"]
            return found
        await tx.run(
            "INSERT INTO retailer_shoppers (retailer_id, id, staff_id, created_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING",
            *(retailer_id, ids.new_id(), staff_id, clock.now()),
        )


async def add(tx: Tx, actor: Actor, name: str, **facts: Any) -> Person:
    """Add a shopper. `facts` are fields of `Person`, from `phone` to `home_store_number`. Raises `ShopperRefused`.

    Without languages, the shopper speaks the one of the locale.
    """
    roles.require(actor, "change_shoppers")
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
    await audit.record(tx, actor, "add_shopper", f"shopper/{person.id}")
    return person


async def change(tx: Tx, actor: Actor, person_id: int, **facts: Any) -> Person:
    """Change facts of an open shopper, as in `add`, with their `name`. Raises `ShopperRefused`."""
    roles.require(actor, "change_shoppers")
    return await _change(tx, actor, person_id, facts)


async def change_settings(tx: Tx, person: Person, locale: str, languages: Sequence[str] | None) -> Person:
    """Change what shoppers may change themselves. Without `languages`, those stay. Raises `ShopperRefused`."""
    facts = {"locale": locale} | ({} if languages is None else {"languages": languages})
    return await _change(tx, queries.actor(person), person.id, facts)


async def block(tx: Tx, actor: Actor, person_id: int, reason: str) -> Person:
    """Block a shopper: devices stay locked and invitations end until `unblock`. Raises `ShopperRefused`."""
    roles.require(actor, "change_shoppers")
    person = await lock(tx, person_id)
    reason = " ".join(reason.split())
    if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
        raise ShopperRefused("reason", f"a block needs a reason of 1 to {_MOST_REASON} characters")
    await tx.run(
        "UPDATE shoppers SET blocked_at = $2, blocked_reason = $3 WHERE id = $1", person.id, clock.of_process(), reason
    )
    await links.end(tx, SHOPPER, person.id)
    await devices.lock_all(tx, SHOPPER, person.id)
    await audit.record(tx, actor, "block_shopper", f"shopper/{person.id}", reason=reason)
    return await queries.require(tx, person.id)


async def unblock(tx: Tx, actor: Actor, person_id: int) -> Person:
    """End the block of a shopper, who unlocks the devices with the PIN again. Raises `ShopperRefused`."""
    roles.require(actor, "change_shoppers")
    person = await lock(tx, person_id)
    await tx.run("UPDATE shoppers SET blocked_at = NULL, blocked_reason = NULL WHERE id = $1", person.id)
    await audit.record(tx, actor, "unblock_shopper", f"shopper/{person.id}")
    return await queries.require(tx, person.id)


async def close(tx: Tx, actor: Actor, person_id: int) -> None:
    """Close a shopper for ever: end devices and invitations, delete phone number, e-mail address, PIN, passkeys,
    positions and later shifts.

    Raises `ShopperRefused`.
    """
    roles.require(actor, "change_shoppers")
    person = await lock(tx, person_id)
    await tx.run(
        "UPDATE shoppers SET closed_at = $2, phone = NULL, email = NULL, pin_hash = NULL WHERE id = $1",
        person.id,
        clock.of_process(),
    )
    await positions.forget(tx, person.id)
    await shifts.forget_later(tx, person.id, clock.of_process())
    await links.end(tx, SHOPPER, person.id)
    await sessions.end_all(tx, SHOPPER, person.id)
    await passkeys.remove_all(tx, SHOPPER, person.id)
    await audit.record(tx, actor, "close_shopper", f"shopper/{person.id}")


async def end_device(tx: Tx, actor: Actor, person_id: int, device_id: int) -> None:
    """Sign a device of a shopper out. Shoppers may end their own. Raises `ShopperRefused` if there is none."""
    if (actor.kind, actor.id) != ("shopper", person_id):
        roles.require(actor, "end_devices")
    if not await sessions.end_one(tx, SHOPPER, person_id, device_id):
        raise ShopperRefused("no_device", f"the shopper has no device {device_id}")
    await audit.record(tx, actor, "end_device", f"shopper/{person_id}", detail={"device": str(device_id)})


async def lock(tx: Tx, person_id: int) -> Person:
    """An open shopper, who cannot be changed until this transaction ends. Raises `ShopperRefused`."""
    await tx.one("SELECT id FROM shoppers WHERE id = $1 FOR UPDATE", person_id)
    return await queries.require(tx, person_id)


async def set_pin(tx: Tx, person_id: int, pin_hash: str) -> None:
    """Set the hash of a shopper's PIN."""
    await tx.run("UPDATE shoppers SET pin_hash = $2 WHERE id = $1", person_id, pin_hash)


async def replace_pin(tx: Tx, person_id: int, old_hash: str, new_hash: str) -> bool:
    """Replace the hash that was read by a new one; False if it has changed since."""
    replaced = await tx.run(
        "UPDATE shoppers SET pin_hash = $3 WHERE id = $1 AND pin_hash = $2", person_id, old_hash, new_hash
    )
    return replaced > 0


async def _change(tx: Tx, actor: Actor, person_id: int, facts: Mapping[str, Any]) -> Person:
    there = await lock(tx, person_id)
    person = await _checked(tx, replace(there, **facts))
    changed = [name for name in facts if getattr(person, name) != getattr(there, name)]
    if not changed:
        return person
    if "phone" in changed and person.phone and await queries.by_phone(tx, person.phone):
        raise errors.phone_in_use()
    try:
        await tx.attempt(_update, person)
    except Exception:  # of the driver: another transaction may have given the number to somebody since the look above
        if "phone" in changed and person.phone and await queries.by_phone(tx, person.phone):
            raise errors.phone_in_use() from None
        raise
    await audit.record(tx, actor, "change_shopper", f"shopper/{person.id}", detail={"changed": changed})
    return person


async def _update(tx: Tx, person: Person) -> None:
    await tx.run(
        "UPDATE shoppers SET name = $2, phone = $3, email = $4, locale = $5, languages = $6, skills = $7, vehicle = $8,"
        " most_orders = $9, home_retailer_id = $10, home_store_number = $11 WHERE id = $1",
        person.id,
        *_stored(person),
    )


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
        phone=normal(person.phone) if person.phone else None,
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
