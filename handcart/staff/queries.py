"""Find people, and read the audit log."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core.db import Row, Tx
from handcart.sign_in import sessions
from handcart.sign_in.models import STAFF
from handcart.staff.models import Actor, Person

_PERSON = "SELECT id, email, name, role, retailer_id, store_number, password_hash, created_at, closed_at FROM staff"
_ENTRY = (
    "SELECT id, at, actor_kind, actor_id, actor_name, operation, retailer_id, subject, reason, detail FROM audit_log"
)
MOST_LISTED = 100


class Entry(Struct, frozen=True):
    """One row of the audit log. `at` is in microseconds."""

    id: int
    at: int
    actor_kind: str
    actor_id: int | None
    actor_name: str
    operation: str
    retailer_id: int | None
    subject: str
    reason: str | None
    detail: Mapping[str, Any] | None


async def person(tx: Tx, person_id: int) -> Person | None:
    """A person by id, also one whose access is closed."""
    row = await tx.one(f"{_PERSON} WHERE id = $1", person_id)
    return _person(row) if row else None


async def by_email(tx: Tx, email: str) -> Person | None:
    """The open person with an e-mail address."""
    row = await tx.one(f"{_PERSON} WHERE email = $1 AND closed_at IS NULL", email.strip().lower())
    return _person(row) if row else None


async def people(
    tx: Tx,
    retailer_id: int | None = None,
    store_number: int | None = None,
    *,
    text: str = "",
    after: str = "",
    limit: int = MOST_LISTED,
) -> Sequence[Person]:
    """Open people by their e-mail addresses, starting after `after`: all, those of a retailer, or those of a store.

    `text`: only those with it in their name or e-mail address.
    """
    filters = (("retailer_id", retailer_id), ("store_number", store_number))
    given = [(column, value) for column, value in filters if value is not None]
    conditions = "".join(f" AND {column} = ${number}" for number, (column, _) in enumerate(given, 4))
    literal = re.sub("([!%_])", r"!\1", text.strip().lower())
    rows = await tx.all(
        f"{_PERSON} WHERE closed_at IS NULL AND email > $1 AND lower(name || ' ' || email) LIKE $2 ESCAPE '!'"
        f"{conditions} ORDER BY email LIMIT $3",
        after.strip().lower(),
        f"%{literal}%",
        limit,
        *(value for _, value in given),
    )
    return [_person(row) for row in rows]


async def has_admin(tx: Tx, but: int = 0) -> bool:
    """Whether an open operator admin, other than the person `but`, has a password."""
    row = await tx.one(
        "SELECT 1 AS found FROM staff WHERE role = 'operator_admin' AND closed_at IS NULL"
        " AND password_hash IS NOT NULL AND id <> $1 LIMIT 1",
        but,
    )
    return row is not None


async def signed_in(tx: Tx, cookie: str) -> Person | None:
    """The open person whom a session cookie of the console belongs to."""
    person_id = await sessions.person_of(tx, STAFF, cookie)
    found = None if person_id is None else await person(tx, person_id)
    return found if found is not None and found.closed_at is None else None


async def entries(
    tx: Tx,
    *,
    retailer_id: int | None = None,
    subject: str | None = None,
    operation: str | None = None,
    actor_name: str | None = None,
    since: int | None = None,
    until: int | None = None,
    before: int | None = None,
    limit: int = MOST_LISTED,
) -> Sequence[Entry]:
    """The newest rows of the audit log that fit all given filters, newest first.

    `actor_name`: the name, at that time, of the one who did it. `since` and `until` are times in microseconds;
    `before` is the id of the last row of the page before.
    """
    filters = (
        ("retailer_id =", retailer_id),
        ("subject =", subject),
        ("operation =", operation),
        ("actor_name =", actor_name),
        ("at >=", since),
        ("at <", until),
        ("id <", before),
    )
    given = [(column, value) for column, value in filters if value is not None]
    conditions = " AND ".join(["id > $1", *(f"{column} ${number}" for number, (column, _) in enumerate(given, 3))])
    rows = await tx.all(
        f"{_ENTRY} WHERE {conditions} ORDER BY id DESC LIMIT $2", 0, limit, *(value for _, value in given)
    )
    return [_entry(row) for row in rows]


async def newest(tx: Tx, retailer_id: int | None) -> int:
    """The id of the newest row of the audit log, or of the rows of a retailer; 0 without a row."""
    where, args = ("", ()) if retailer_id is None else (" WHERE retailer_id = $1", (retailer_id,))
    row = await tx.one(f"SELECT max(id) AS newest FROM audit_log{where}", *args)  # noqa: S608 (our own words)
    return (row and row["newest"]) or 0


def actor(person: Person) -> Actor:
    """The person as the one who does an operation."""
    return Actor("staff", person.id, person.name, person.role, person.retailer_id, person.store_number)


def _person(row: Row) -> Person:
    return Person(**{name: row[name] for name in Person.__struct_fields__})


def _entry(row: Row) -> Entry:
    values = {name: row[name] for name in Entry.__struct_fields__}
    return Entry(**values | {"detail": None if row["detail"] is None else msgspec.json.decode(row["detail"])})
