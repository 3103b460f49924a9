"""Create, change and look up organizations and their retailers."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web import colours
from handcart.retailers.models import SWITCHES, ListedRetailer, Retailer, Rules

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

_RETAILER = (
    "SELECT id, organization_id, isolation_id, slug, name, allows_user_deletion, is_lenient, serves_everywhere,"
    " rules FROM retailers"
)
_BY_ID = f"{_RETAILER} WHERE id = $1"


async def create_retailer(
    tx: Tx,
    *,
    slug: str,
    name: str | None = None,
    organization: str | None = None,
    shares_users: bool = False,
    allows_user_deletion: bool = True,
    is_lenient: bool = False,
    serves_everywhere: bool = False,
) -> Retailer:
    """Create a retailer, and its organization if there is none with that slug yet. Its name is the slug by default.

    All banners of the organization that were created with `shares_users` share their users and links.
    """
    for value in (slug, organization or slug):
        if not _SLUG.fullmatch(value):
            raise Refused(f"{value!r} cannot be a slug: use 1 to 63 characters of a-z, 0-9 and inner hyphens")
    name = slug if name is None else name
    if not name.strip() or len(name) > 200:
        raise Refused("a retailer needs a name of 1 to 200 characters")
    organization_id = await _organization(tx, organization or slug)
    retailer_id = ids.new_id()
    isolation_id = organization_id if shares_users else retailer_id
    made = await tx.run(
        "INSERT INTO retailers (id, organization_id, isolation_id, slug, name, allows_user_deletion, is_lenient,"
        " serves_everywhere, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (slug) DO NOTHING",
        retailer_id,
        organization_id,
        isolation_id,
        slug,
        name.strip(),
        allows_user_deletion,
        is_lenient,
        serves_everywhere,
        clock.now(),
    )
    if not made:
        raise Refused(f"the retailer {slug!r} exists already")
    return await retailer(tx, retailer_id)


async def retailer(tx: Tx, retailer_id: int) -> Retailer:
    """A retailer that is known to exist."""
    row = await tx.one(_BY_ID, retailer_id)
    assert row is not None
    return _retailer(row)


async def retailers(tx: Tx) -> Sequence[Retailer]:
    """All retailers by their slugs."""
    return [_retailer(row) for row in await tx.all(f"{_RETAILER} ORDER BY slug")]


async def listed_retailers(tx: Tx) -> list[ListedRetailer]:
    """All retailers by their slugs, with their organizations."""
    return [ListedRetailer(one, await _organization_slug(tx, one)) for one in await retailers(tx)]


async def listed_retailer(tx: Tx, slug: str) -> ListedRetailer:
    """A retailer by its slug, with its organization; raises `Refused` if there is none."""
    found = await require(tx, slug)
    return ListedRetailer(found, await _organization_slug(tx, found))


async def retailer_by_slug(tx: Tx, slug: str) -> Retailer | None:
    """A retailer by its slug, without a check of the caller: for the operator's commands."""
    row = await tx.one(f"{_RETAILER} WHERE slug = $1", slug)
    return _retailer(row) if row else None


async def require(tx: Tx, slug: str) -> Retailer:
    """A retailer by its slug; raises `Refused` where there is none."""
    found = await retailer_by_slug(tx, slug)
    if found is None:
        raise Refused(f"there is no retailer {slug!r}: make it with `handcart retailer create`")
    return found


async def lock(tx: Tx, slug: str) -> Retailer:
    """As `require`; concurrent changes of the retailer wait until this transaction ends."""
    await tx.one("SELECT id FROM retailers WHERE slug = $1 FOR UPDATE", slug)
    return await require(tx, slug)


async def banner(tx: Tx, organization_id: int, slug: str) -> Retailer | None:
    """The organization's own banner by its slug."""
    row = await tx.one(f"{_RETAILER} WHERE slug = $1 AND organization_id = $2", slug, organization_id)
    return _retailer(row) if row else None


async def change(tx: Tx, slug: str, changes: Mapping[str, Any]) -> Retailer:
    """Change switches and rules of a retailer by their names; raises `Refused` for an invalid value."""
    there = await lock(tx, slug)
    switches = {name: getattr(there, name) for name in SWITCHES}
    rules = msgspec.structs.asdict(there.rules)
    for name, value in changes.items():
        if name not in switches and name not in rules:
            raise Refused(f"there is no setting {name!r}: the settings are {', '.join([*switches, *rules])}")
        (switches if name in switches else rules)[name] = value
    try:
        switches = msgspec.convert(switches, dict[str, bool])
        checked = msgspec.convert(rules, Rules)
    except msgspec.ValidationError as error:
        raise Refused(str(error)) from None
    if checked.page_colour is not None and "page_colour" in changes:
        ratio = colours.contrast(checked.page_colour, "#ffffff")
        if ratio < colours.TEXT:
            raise Refused(
                f"page_colour cannot be {checked.page_colour}: its contrast with white is {ratio:.1f}, and text needs"
                f" {colours.TEXT}. Choose a darker colour"
            )
    encoded = msgspec.json.encode(checked).decode()
    await tx.run(
        "UPDATE retailers SET allows_user_deletion = $2, is_lenient = $3, serves_everywhere = $4, rules = $5"
        " WHERE id = $1",
        there.id,
        *[switches[name] for name in SWITCHES],
        encoded,
    )
    return await retailer(tx, there.id)


async def _organization(tx: Tx, slug: str) -> int:
    await tx.run(
        "INSERT INTO organizations (id, slug, created_at) VALUES ($1, $2, $3) ON CONFLICT (slug) DO NOTHING",
        ids.new_id(),
        slug,
        clock.now(),
    )
    row = await tx.one("SELECT id FROM organizations WHERE slug = $1", slug)
    assert row is not None
    found: int = row["id"]
    return found


async def _organization_slug(tx: Tx, retailer: Retailer) -> str:
    """The slug of the organization that a retailer is a banner of."""
    row = await tx.one("SELECT slug FROM organizations WHERE id = $1", retailer.organization_id)
    assert row is not None
    slug: str = row["slug"]
    return slug


def _retailer(row: Any) -> Retailer:
    return _parsed(tuple(row))


@lru_cache(1000)
def _parsed(values: tuple[Any, ...]) -> Retailer:
    """Parse a row. Cached by the whole row, so a changed row is never served stale."""
    id_, organization_id, isolation_id, slug, name, allows_user_deletion, is_lenient, serves_everywhere, rules = values
    return Retailer(
        id=id_,
        organization_id=organization_id,
        isolation_id=isolation_id,
        slug=slug,
        name=name,
        allows_user_deletion=bool(allows_user_deletion),
        is_lenient=bool(is_lenient),
        serves_everywhere=bool(serves_everywhere),
        rules=msgspec.json.decode(rules, type=Rules),
    )
