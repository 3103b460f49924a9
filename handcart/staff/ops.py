"""Sign people in."""

from handcart.core.db import Database, Tx
from handcart.core.secret import matches
from handcart.sign_in import limits, passwords, sessions
from handcart.sign_in import ops as sign_ins
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import STAFF, SignedIn
from handcart.staff import queries
from handcart.staff.models import Person

MOST_EMAIL = 254


async def sign_in(
    database: Database, *, email: str, password: str, address: str, session: str, device: str, name: str
) -> SignedIn:
    """Check a password and start a session in place of `session`; raises `SignInRefused`.

    `name` says which browser it is. Uses three transactions, because the slow hashing runs between them.
    """
    email = email.strip().lower()
    if not passwords.is_readable(password) or len(email) > MOST_EMAIL:
        raise SignInRefused
    found = await database.read(queries.by_email, email)
    password_hash = None if found is None else found.password_hash
    _, counted = await sign_ins.verify(
        database,
        STAFF,
        [password_hash] if password_hash else [],
        password,
        email=email,
        address=address,
        is_known_device=bool(password_hash) and matches(device, database.keys.device_token(email, password_hash or "")),
    )
    assert found is not None
    assert password_hash is not None
    newer = await passwords.hash_again(password_hash, password)
    return await database.write(_start_session, found, session, counted, newer or password_hash, name)


async def _start_session(tx: Tx, person: Person, old: str, counted: Counted, password_hash: str, name: str) -> SignedIn:
    # The password may have changed, or the person may have been closed, during verification.
    kept = await tx.run(
        "UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND closed_at IS NULL",
        person.id,
        person.password_hash,
        password_hash,
    )
    if not kept:
        raise SignInRefused
    await limits.uncount(tx, counted)  # only wrong tries stay counted
    cookie = await sessions.start(tx, STAFF, person.id, old, name)
    return SignedIn(cookie, tx.keys.device_token(person.email, password_hash))
