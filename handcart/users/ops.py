"""Create and delete users; validate their addresses."""

from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.oauth import tokens
from handcart.users import errors
from handcart.users.models import User, UserAddress

_USER = (
    "SELECT user_id, first_name, last_name, phone_number, locale FROM users WHERE isolation_id = $1 AND user_id = $2"
)
_LOCK = f"{_USER} FOR UPDATE"


async def create(tx: Tx, isolation_id: int, user: User) -> User:
    """Create a user. With the same content again, returns the existing user; other content is refused."""
    while not await _insert(tx, isolation_id, user):
        existing = await find(tx, isolation_id, user.user_id)
        if existing == user:
            return user
        if existing is not None:
            raise errors.user_id_taken()
        # The user was deleted after the insert had met it: the next insert refuses.
    return user


async def create_with_address(tx: Tx, isolation_id: int, user: User, address: UserAddress) -> UserAddress:
    """Validate and store an address of a user. Creates the user if needed; an existing user is not changed."""
    await _insert(tx, isolation_id, user)
    return await add_address(tx, isolation_id, user.user_id, address)


async def add_address(tx: Tx, isolation_id: int, user_id: str, address: UserAddress) -> UserAddress:
    """Validate and store an address of a user; returns it in its normal form."""
    await require(tx, isolation_id, user_id)
    checked = _checked(address)
    await tx.run(
        "INSERT INTO addresses (isolation_id, user_id, address_line_1, address_line_2, postal_code, city,"
        " address_type, validated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (isolation_id, user_id, postal_code, address_line_1, address_line_2) DO UPDATE"
        " SET city = excluded.city, address_type = excluded.address_type, validated_at = excluded.validated_at",
        isolation_id,
        user_id,
        checked.address_line_1,
        checked.address_line_2,
        checked.postal_code,
        checked.city,
        checked.address_type,
        clock.now(),
    )
    return checked


async def delete(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete a user and the user's data in this domain and in the domains it imports. Succeeds if already deleted.

    Data in domains that import this one is deleted first, by `users.api`.
    """
    await require(tx, isolation_id, user_id)
    await tokens.delete_of_user(tx, isolation_id, user_id)
    await tx.run("DELETE FROM addresses WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)
    await tx.run("DELETE FROM users WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)
    await tx.run(
        "INSERT INTO deleted_users (isolation_id, user_id_hash, deleted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        isolation_id,
        _hash(tx, isolation_id, user_id),
        clock.now(),
    )


async def find(tx: Tx, isolation_id: int, user_id: str) -> User | None:
    """An existing user, or None."""
    row = await tx.one(_USER, isolation_id, user_id)
    return _user(row) if row else None


async def get(tx: Tx, isolation_id: int, user_id: str) -> User:
    """A user; raises the documented error if there is none."""
    user = await find(tx, isolation_id, user_id)
    if user is None:
        raise await missing(tx, isolation_id, user_id)
    return user


async def lock(tx: Tx, isolation_id: int, user_id: str) -> User | None:
    """A user, locked so that it is not deleted before this transaction ends; None if there is none."""
    row = await tx.one(_LOCK, isolation_id, user_id)
    return _user(row) if row else None


async def require(tx: Tx, isolation_id: int, user_id: str) -> User:
    """As `get`, but the user is locked, as in `lock`."""
    user = await lock(tx, isolation_id, user_id)
    if user is None:
        raise await missing(tx, isolation_id, user_id)
    return user


async def missing(tx: Tx, isolation_id: int, user_id: str) -> Exception:
    """The error for a missing user: it never existed, or it was deleted."""
    return errors.user_not_active() if await is_deleted(tx, isolation_id, user_id) else errors.user_not_found()


async def is_deleted(tx: Tx, isolation_id: int, user_id: str) -> bool:
    """Whether the user was deleted."""
    deleted = await tx.one(
        "SELECT 1 AS deleted FROM deleted_users WHERE isolation_id = $1 AND user_id_hash = $2",
        isolation_id,
        _hash(tx, isolation_id, user_id),
    )
    return deleted is not None


async def _insert(tx: Tx, isolation_id: int, user: User) -> bool:
    made = await tx.run(
        "INSERT INTO users (isolation_id, user_id, first_name, last_name, phone_number, locale, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (isolation_id, user_id) DO NOTHING",
        isolation_id,
        user.user_id,
        user.first_name,
        user.last_name,
        user.phone_number,
        user.locale,
        clock.now(),
    )
    # Checked last, because the insert waits for a concurrent deletion.
    if await is_deleted(tx, isolation_id, user.user_id):
        raise errors.user_not_active()
    return bool(made)


def _checked(address: UserAddress) -> UserAddress:
    """An address in normal form: single spaces, postal codes in capitals with their usual separator."""
    code = "".join(address.postal_code.split()).replace("-", "").upper()
    if code.isdecimal():
        code = code if len(code) == 5 else f"{code[:5]}-{code[5:]}"
    else:
        code = f"{code[:3]} {code[3:]}"
    return UserAddress(
        address_line_1=" ".join(address.address_line_1.split()),
        address_line_2=" ".join(address.address_line_2.split()),
        postal_code=code,
        city=address.city,
        address_type=address.address_type,
    )


def _hash(tx: Tx, isolation_id: int, user_id: str) -> bytes:
    return tx.keys.hash(f"{isolation_id}:{user_id}")


def _user(row: Any) -> User:
    return User(row["user_id"], row["first_name"], row["last_name"], row["phone_number"], row["locale"])
