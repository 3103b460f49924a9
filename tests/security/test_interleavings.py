"""Two requests at once, statement by statement: deleted data stays deleted, ended things stay ended, nothing fails.

On SQLite writers take turns. On PostgreSQL one is paused at a chosen statement while the other runs as far as it can.
"""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from handcart.accounts import ops as accounts
from handcart.app import api_routes
from handcart.core.db import Database, Tx
from handcart.core.errors import ApiError
from handcart.linking import ops as linking
from handcart.linking.wire import LinkRequest
from handcart.oauth import codes, tokens
from handcart.orders import ops as orders
from handcart.retailers import clients
from handcart.retailers.models import Caller
from handcart.sign_in import passwords
from handcart.slots import ops as slots
from handcart.users import api as users_api
from handcart.users import ops as users
from handcart.users.wire import AddressRequest, CreateUserRequest
from tests.support.oauth import code_for, token_for
from tests.support.shop import PASSWORD, PASSWORD_HASH, REDIRECT_URI, SampleAccount, Shop

LONG_ENOUGH_TO_GET_STUCK = 0.4
HANDLERS = {route.operation_id: route.handler for route in api_routes()}

Op = Callable[[Tx], Any]


class Stopping:
    """A transaction that stops before or after its first statement that holds a text."""

    def __init__(self, tx: Tx, at: str, is_after: bool) -> None:
        self.tx, self.keys, self.at, self.is_after = tx, tx.keys, at, is_after
        self.stopped, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def statement(sql: str, *args: Any) -> Any:
            is_here = self.at in sql and not self.stopped.is_set()
            if is_here and not self.is_after:
                await self._stop()
            result = await getattr(self.tx, name)(sql, *args)
            if is_here and self.is_after:
                await self._stop()
            return result

        return statement

    async def _stop(self) -> None:
        self.stopped.set()
        await self.go_on.wait()


def race(shop: Shop, first: Op, second: Op, at: str, *, is_after: bool = False) -> list[Any]:
    """Both outcomes, when `first` was stopped at a statement until `second` ended or got stuck."""
    return list(shop.server.wait_for(_race(shop.server.app.database, first, second, at, is_after)))


async def _race(database: Database, first: Op, second: Op, at: str, is_after: bool) -> list[Any]:
    if database.kind == "sqlite":
        return await asyncio.gather(database.write(first), database.write(second), return_exceptions=True)
    held: asyncio.Future[Stopping] = asyncio.get_running_loop().create_future()

    async def stopping(tx: Tx) -> Any:
        held.set_result(Stopping(tx, at, is_after))
        return await first(held.result())  # type: ignore[arg-type]

    ahead = asyncio.ensure_future(database.write(stopping))
    await asyncio.wait_for((await held).stopped.wait(), 25)
    behind = asyncio.ensure_future(database.write(second))
    await asyncio.wait({behind}, timeout=LONG_ENOUGH_TO_GET_STUCK)
    held.result().go_on.set()
    return await asyncio.gather(ahead, behind, return_exceptions=True)


def call(shop: Shop, user_id: str, body: Any = None) -> Any:
    retailer = shop.retailer
    caller = Caller(shop.client.client_id, retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
    return SimpleNamespace(caller=caller, path={"user_id": user_id}, body=body)


def operation(name: str, shop: Shop, user_id: str, body: Any = None) -> Op:
    return lambda tx: HANDLERS[name](tx, call(shop, user_id, body))


def create(shop: Shop, user_id: str) -> Op:
    return operation("create_user", shop, user_id, CreateUserRequest(user_id=user_id, first_name="Sample"))


def add_address(shop: Shop, user_id: str) -> Op:
    body = AddressRequest(address_line_1="50 Beale St", postal_code="94105")
    return operation("validate_address", shop, user_id, body)


def link(shop: Shop, user_id: str) -> Op:
    body = LinkRequest(linking_token=token_for(shop, shop.account()))
    return operation("link_user", shop, user_id, body)


def delete_step(shop: Shop, user_id: str) -> Op:
    """One transaction of a user's deletion: the only one for a user with few orders."""
    return lambda tx: users_api._delete(tx, call(shop, user_id), FORGET)


def issue_token(shop: Shop, user_id: str) -> Op:
    async def issue(tx: Tx) -> Any:
        isolation_id = shop.retailer.isolation_id
        if not await users.lock(tx, isolation_id, user_id):
            return None
        client = await clients.find(tx, shop.client.client_id)
        assert client is not None
        return await tokens.issue(tx, client, "connect:post_checkout", isolation_id=isolation_id, user_id=user_id)

    return issue


FORGET = (orders.forget_user, slots.forget_user, linking.forget_user)


@pytest.mark.parametrize(
    ("act", "at"),
    [
        pytest.param(create, "INSERT INTO users", id="create"),
        pytest.param(add_address, "INSERT INTO addresses", id="address"),
        pytest.param(link, "INSERT INTO links", id="link"),
        pytest.param(issue_token, "INSERT INTO tokens", id="token"),
    ],
)
@pytest.mark.parametrize("order", ["act stopped before", "act stopped after", "deletion stopped"])
def test_user_deleted_meanwhile_then_nothing_of_them_is_left(
    shop: Shop, act: Callable[[Shop, str], Op], at: str, order: str
) -> None:
    user_id = shop.user()
    delete = delete_step(shop, user_id)
    if order == "deletion stopped":
        deleted, acted = race(shop, delete, act(shop, user_id), "INSERT INTO deleted_users")
    else:
        acted, deleted = race(shop, act(shop, user_id), delete, at, is_after=order.endswith("after"))
    assert not isinstance(deleted, Exception), deleted
    assert not isinstance(acted, Exception) or isinstance(acted, ApiError), acted

    kept = ("users", "addresses", "links", "link_history", "tokens")
    assert [table for table in kept if shop.server.sql(f"SELECT 1 FROM {table} WHERE user_id = $1", user_id)] == []
    assert shop.get_link(user_id).status_code == 403


def test_user_deleted_twice_at_once_then_both_succeed(shop: Shop) -> None:
    delete = delete_step(shop, shop.user())
    outcomes = race(shop, delete, delete, "INSERT INTO deleted_users")
    assert outcomes == [True, True], "for each it was the last step"


def linked(shop: Shop) -> tuple[str, SampleAccount]:
    user_id, account = shop.user(), shop.account()
    shop.link(user_id, token_for(shop, account)).raise_for_status()
    return user_id, account


def unlink(shop: Shop, account: SampleAccount) -> Op:
    return lambda tx: linking.unlink(tx, shop.retailer.isolation_id, account.id, "customer")


@pytest.mark.parametrize("is_after", [True, False])
def test_code_traded_in_while_unlinking_then_its_token_is_dead(shop: Shop, is_after: bool) -> None:
    user_id, account = linked(shop)
    code = code_for(shop, account)

    async def redeem(tx: Tx) -> Any:
        client = await clients.find(tx, shop.client.client_id)
        assert client is not None
        return await codes.redeem(tx, client, code, REDIRECT_URI, None)

    issued, ended = race(shop, redeem, unlink(shop, account), "INSERT INTO tokens", is_after=is_after)
    assert ended is True
    assert shop.link(user_id, issued.access_token).json()["error"]["message"] == "Linking token is invalid"


@pytest.mark.parametrize("is_after", [True, False])
def test_linked_to_another_user_while_unlinking_then_neither_fails(shop: Shop, is_after: bool) -> None:
    _, account = linked(shop)
    body = LinkRequest(linking_token=token_for(shop, account))
    again = operation("link_user", shop, shop.user(), body)
    refused, ended = race(shop, again, unlink(shop, account), "UPDATE tokens SET used_at", is_after=is_after)
    assert isinstance(refused, ApiError), refused
    assert ended is True


@pytest.mark.parametrize("is_after", [True, False])
def test_account_closed_while_it_is_linked_then_no_link(shop: Shop, is_after: bool) -> None:
    user_id, account = shop.user(), shop.account()
    body = LinkRequest(linking_token=token_for(shop, account))
    outcomes = race(
        shop,
        operation("link_user", shop, user_id, body),
        lambda tx: linking.close_account(tx, account.id),
        "INSERT INTO links",
        is_after=is_after,
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert shop.get_link(user_id).json()["error"]["message"] == "User Not Linked"


@pytest.mark.parametrize("change", ["password", "closed"])
def test_account_changed_while_its_password_is_verified_then_not_signed_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Neither a session nor an old password, hashed again, may outlive the change."""
    account = shop.account()
    new_hash = passwords.hash_new("a new password for this account")
    verify = passwords.verify

    async def slow(password_hash: str | None, password: str) -> bool:
        is_right = await verify(password_hash, password)
        if change == "password":
            await shop.server.app.database.write(accounts.change_password, account.id, new_hash, "")
        else:
            await shop.server.app.database.write(accounts.close, account.id)
        return is_right

    async def hash_again(password_hash: str, password: str) -> str:
        return PASSWORD_HASH

    monkeypatch.setattr(passwords, "verify", slow)
    monkeypatch.setattr(passwords, "hash_again", hash_again)
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    assert visitor.sign_in(account, PASSWORD).status_code == 401
    assert visitor.http.get("/account").headers["location"] == "/account/sign-in"
    kept = shop.server.sql("SELECT password_hash FROM accounts WHERE id = $1", account.id)[0]["password_hash"]
    assert kept == (new_hash if change == "password" else PASSWORD_HASH)
