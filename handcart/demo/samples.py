"""The demo's data: a retailer that sells, an API client, customers, staff, shoppers and a webhook."""

import asyncio
import contextlib
import secrets
from typing import Any

from handcart.accounts import ops as accounts
from handcart.callbacks import webhooks
from handcart.callbacks.errors import UnknownWebhook
from handcart.core import clock
from handcart.core.db import Tx, Unavailable, migrate
from handcart.core.db.connect import connect
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.demo.urls import Urls
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.sandbox import state as sandbox
from handcart.shoppers import invitations
from handcart.shoppers import ops as shoppers
from handcart.sign_in import passwords
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.staff import ops as staff
from handcart.staff import queries as people
from handcart.staff.models import SYSTEM
from handcart.stores import items, queries, samples
from handcart.stores import ops as stores
from handcart.stores.models import KINDS
from handcart.upkeep.safety import DEMO_RETAILER

CALLBACK_PATH = "/account/link/callback"
EVENTS_PATH = "/callbacks"
TOKEN_PATH = "/callbacks/token"  # noqa: S105  a path
_SAMPLES = (("member@example.com", True), ("guest@example.com", False))
_STAFF = (("admin@example.com", "Admin", "operator_admin"), ("dispatcher@example.com", "Dispatcher", "dispatcher"))
# The first may carry alcohol.
_SHOPPERS = (("Shopper one", ("alcohol", "heavy")), ("Shopper two", ()))
# From Monday: hours whose windows are full until the day itself, so that the shop can show full windows. They are far
# from midnight: the first window of a list is never full.
_BUSY_HOURS = ((17, 18), (18,), (17,), (17, 18), (16, 17, 18), (9, 10, 11), (10, 11, 17))
_FEW = 1000
LIVELY = Plan(
    weekly=[[_FEW if hour in busy else 2 * _FEW for hour in range(24)] for busy in _BUSY_HOURS], same_day_only=_FEW
)


async def fill(chosen: Settings, keys: Keys, kept: dict[str, Any], urls: Urls) -> tuple[dict[str, Any], list[str]]:
    try:
        database = await connect(chosen.database_url, keys, public_url=chosen.issuer)
        await database.read(migrate.check_schema)
    except Unavailable:
        await asyncio.to_thread(migrate.migrate, chosen.database_url, keys)
        database = await connect(chosen.database_url, keys, public_url=chosen.issuer)
    try:
        if not kept:
            samples = [
                {"email": email, "password": secrets.token_urlsafe(9), "instacartplus_member": is_member}
                for email, is_member in _SAMPLES
            ]
            hashes = [await asyncio.to_thread(passwords.hash_new, str(sample["password"])) for sample in samples]
            kept = await database.write(make_samples, samples, hashes)
        await database.write(clients.set_scopes, kept["client_id"], ALL)  # an earlier release may have had fewer
        if "staff" not in kept:
            kept["staff"] = [
                {"email": email, "name": name, "role": role, "password": secrets.token_urlsafe(9)}
                for email, name, role in _STAFF
            ]
            hashes = [await asyncio.to_thread(passwords.hash_new, str(one["password"])) for one in kept["staff"]]
            await database.write(make_staff, kept["staff"], hashes)
        if "shoppers" not in kept:
            kept["shoppers"] = await database.write(make_shoppers)
        kept["shoppers"] = await database.write(invite_shoppers, kept["shoppers"], urls.api)
        await database.write(stock, LIVELY)
        redirect_uris = [urls.storefront + CALLBACK_PATH]
        await database.write(clients.register_redirect_uris, kept["client_id"], redirect_uris, plain_http=True)
        kept["webhook"] = await database.write(register_webhook, chosen, kept.get("webhook"), urls.own_storefront)
        return kept, await database.read(_left_on)
    finally:
        await database.close()


async def _left_on(tx: Tx) -> list[str]:
    """What an earlier start left switched on: one sentence each, with the command that switches it off."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    state = await sandbox.load(tx, retailer.id)
    found = []
    if state.is_virtual:
        how = "is stopped at" if state.frozen_at is not None else "was set, and now shows"
        found.append(f"The sandbox's clock {how} {clock.to_wire(state.now)}: `{{}} sandbox clock release`")
    if state.faults:
        found.append(f"Faults are switched on ({len(state.faults)}): `{{}} sandbox faults off`")
    if state.robot is not None:
        found.append(f"The robot shopper serves every new order ({state.robot.scenario}): `{{}} sandbox robot off`")
    return found


async def make_samples(tx: Tx, samples: list[dict[str, Any]], hashes: list[str]) -> dict[str, Any]:
    if await retailers.retailer_by_slug(tx, DEMO_RETAILER) is None:
        await retailers.create_retailer(
            tx, slug=DEMO_RETAILER, name="Sample Market", is_lenient=True, serves_everywhere=True
        )
    client = await clients.create(tx, retailer=DEMO_RETAILER, scopes=ALL)
    for sample, password_hash in zip(samples, hashes, strict=True):
        account = await accounts.find(tx, sample["email"])
        if account is not None:
            await accounts.change_password(tx, account.id, password_hash, "")
            continue
        account = await accounts.create(tx, sample["email"], password_hash)
        if sample["instacartplus_member"]:
            await accounts.grant_membership(tx, account.id, clock.now() + 365 * clock.DAY)
    return {"client_id": client.client_id, "client_secret": client.client_secret, "accounts": samples}


async def make_staff(tx: Tx, samples: list[dict[str, Any]], hashes: list[str]) -> None:
    """Add the sample staff, or give those of an earlier start new passwords."""
    for sample, password_hash in zip(samples, hashes, strict=True):
        person = await people.by_email(tx, sample["email"])
        if person is None:
            person = await staff.add(tx, sample["email"], sample["name"], sample["role"], None, None)
        await staff.set_password_hash(tx, person.id, password_hash)


async def make_shoppers(tx: Tx) -> list[dict[str, Any]]:
    """Add the sample shoppers."""
    made = [await shoppers.add(tx, SYSTEM, name, skills=skills) for name, skills in _SHOPPERS]
    return [{"id": str(person.id), "name": person.name} for person in made]


async def invite_shoppers(tx: Tx, kept: list[dict[str, Any]], issuer: str) -> list[dict[str, Any]]:
    """The sample shoppers with a new link each, with which a device signs in."""
    return [{**one, "link": (await invitations.invite(tx, SYSTEM, int(one["id"]), issuer)).url} for one in kept]


async def register_webhook(
    tx: Tx, chosen: Settings, kept: dict[str, Any] | None, storefront_url: str
) -> dict[str, Any]:
    """Make the storefront's webhook, or update that of an earlier start to the storefront's current URL."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    policy = webhooks.read_policy(chosen, trust=True)
    urls = {"callback_url": storefront_url + EVENTS_PATH, "auth_uri": storefront_url + TOKEN_PATH}
    if kept is not None:
        with contextlib.suppress(UnknownWebhook):
            changes = {**urls, "client_secret": kept["client_secret"]}
            await webhooks.update(tx, retailer.id, kept["id"], changes, policy)
            # It may have been disabled while the storefront was stopped.
            await webhooks.enable(tx, retailer.id, kept["id"], by_operator=True)
            return kept
    credentials = {"client_id": "handcart", "client_secret": secrets.token_urlsafe(32)}
    wanted = webhooks.Configuration(name="Storefront", **urls, **credentials)
    made = await webhooks.create(tx, retailer.id, wanted, policy)
    return {"id": made.webhook.id, **credentials, "signing_secret": made.signing_secret}


async def stock(tx: Tx, plan: Plan = Plan(capacity=1000)) -> None:  # noqa: B008 (frozen)
    """Import the sample retailer's stores and items, once. `plan`: the plan of every store."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    if not await queries.stores(tx, retailer.id):
        await retailers.change(tx, DEMO_RETAILER, {"offers_eta": True})
        for kind in KINDS:
            await plans.set_plan(tx, retailer.id, plans.EVERY_STORE, kind, plan)
        await stores.save(tx, retailer.id, await samples.stores(tx))
        await items.save(tx, retailer.id, samples.items())
