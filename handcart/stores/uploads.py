"""Files of stores or items that people send: kept for an hour, shown with what they would change, then imported."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.secret import new_token
from handcart.core.web.versions import check, version_of
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import files, items, ops, queries, tables
from handcart.stores.errors import StoreRefused
from handcart.stores.tables import Rows

STORES, ITEMS = "stores", "items"
#: The operation that a person needs for each kind of file.
NEEDS = {STORES: "change_stores", ITEMS: "change_catalog"}
#: Longer files are imported by a command.
MOST_BYTES = 2 << 20
MOST_ROWS = 10_000
KEPT_FOR = clock.HOUR


class Upload(Struct, frozen=True):
    """A file that was sent. `what`: `STORES` or `ITEMS`."""

    id: str
    retailer_id: int
    what: str
    content: bytes


class Difference(Struct, frozen=True):
    """What a row would change: the code of its store or item, and by column the value before and after.

    `is_new`: there is no such store or item yet; then `values` is empty.
    """

    code: str
    is_new: bool
    values: Mapping[str, tuple[Any, Any]] = {}


async def keep(tx: Tx, actor: Actor, retailer_id: int, what: str, content: bytes) -> str:
    """Keep a file of a person, in place of the one that they sent before; returns its id."""
    roles.require(actor, NEEDS[what], retailer_id, actor.store_number)
    await tx.run("DELETE FROM uploads WHERE person_id = $1 AND what = $2", actor.id, what)
    made = new_token()
    await tx.run(
        "INSERT INTO uploads (id, retailer_id, what, content, person_id, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        *(made, retailer_id, what, content, actor.id, clock.of_process() + KEPT_FOR),
    )
    return made


async def find(tx: Tx, actor: Actor, upload_id: str, what: str) -> Upload | None:
    """A person's own file; None if it was imported or has expired."""
    row = await tx.one(
        "SELECT id, retailer_id, what, content FROM uploads WHERE id = $1 AND person_id = $2 AND what = $3"
        " AND expires_at > $4",
        *(upload_id, actor.id, what, clock.of_process()),
    )
    return None if row is None else Upload(row["id"], row["retailer_id"], row["what"], bytes(row["content"]))


def rows(what: str, content: bytes) -> Rows[Any]:
    """The rows of a file: of CSV, or for stores of GeoJSON as well. Raises `Refused`."""
    text = tables.decoded(content, "the file")
    is_geojson = what == STORES and text.lstrip().startswith("{")
    found = files.items_of(text) if what == ITEMS else files.stores_of(text, is_geojson=is_geojson)
    if len(found.good) + found.refused_rows > MOST_ROWS:
        raise Refused(f"the file has more than {MOST_ROWS:,} rows: use `handcart {what[:-1]} import`")
    return found


async def differences(tx: Tx, retailer_id: int, what: str, found: Rows[Any]) -> Sequence[Difference]:
    """What the good rows of a file would change; rows that change nothing are left out."""
    values: Any
    there: Mapping[str, Any]
    changes: list[Difference] = []
    if what == ITEMS:
        there = await items.of_rrcs(tx, retailer_id, [one.rrc for one in found.good])
        values, code = files.item_values, "rrc"
    else:
        there = {store.location_code: store for store in await queries.stores(tx, retailer_id)}
        values, code = files.store_values, "location_code"
    one: Any
    for one in found.good:
        key = getattr(one, code)
        if key not in there:
            changes.append(Difference(key, is_new=True))
            continue
        before, after = values(there[key]), values(one)
        changed = {name: (before[name], value) for name, value in after.items() if value != before[name]}
        if changed:
            changes.append(Difference(key, is_new=False, values=changed))
    return changes


def version(found: Sequence[Difference]) -> str:
    """The version of a preview, which `save` compares."""
    return version_of(found)


async def save(tx: Tx, actor: Actor, upload: Upload, found: Rows[Any], seen: str) -> int:
    """Import the rows of a file, all or nothing; returns the number of changes.

    `seen`: the version of the preview; raises `Changed` if the import would do something else by now. Raises
    `StoreRefused` if a row cannot be used, or the file was imported already.
    """
    roles.require(actor, NEEDS[upload.what], upload.retailer_id, actor.store_number)
    if found.refused_rows:
        raise StoreRefused("rows")
    await tx.one("SELECT id FROM retailers WHERE id = $1 FOR UPDATE", upload.retailer_id)
    if not await tx.run("DELETE FROM uploads WHERE id = $1", upload.id):
        raise StoreRefused("gone")
    changes = await differences(tx, upload.retailer_id, upload.what, found)
    check(seen, changes)
    if upload.what == ITEMS:
        await items.save_all(tx, upload.retailer_id, found.good)
    else:
        await ops.save(tx, upload.retailer_id, found.good)
    new = sum(one.is_new for one in changes)
    detail = {"rows": len(found.good), "new": new, "changed": len(changes) - new}
    slug = (await retailers.retailer(tx, upload.retailer_id)).slug
    subject = f"retailer/{slug}"
    await audit.record(tx, actor, f"import_{upload.what}", subject, retailer_id=upload.retailer_id, detail=detail)
    return len(changes)


async def purge(tx: Tx, most: int) -> int:
    """Delete expired files; returns their number."""
    return await tx.run(
        "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE expires_at <= $1 LIMIT $2)",
        clock.of_process(),
        most,
    )
