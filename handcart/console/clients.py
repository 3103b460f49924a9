"""API clients: the list, a new one with its secret, and a client's page with what can be done to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from handcart.console import step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed, check, version_of
from handcart.oauth import scopes
from handcart.requests import queries as requests
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.retailers.models import Client, ListedClient, NewClient
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/clients"
_NOTICES = ("scopes", "disabled", "enabled", "revoked", "uri_added", "uri_removed")
_FIELDS = ("retailer", "organization", "name", "redirect_uris", "require_pkce", "state_optional")
_MOST_HOURS = 8760
_DEFAULT_SCOPES = (scopes.FULFILLMENT, scopes.ACCOUNT_LINKING)


async def _list(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "see_clients", actor.retailer_id, actor.store_number)
    wanted = dict(browser.query).get("retailer", "").strip()
    found, slugs = await browser.call.app.database.read(_find, actor, wanted)
    return browser.page(
        "console/clients.html",
        path=PATH,
        clients=found,
        slugs=slugs,
        retailer=wanted,
        add_path=f"{PATH}/add?{urlencode({'retailer': wanted})}" if wanted else f"{PATH}/add",
        may_change=roles.includes(actor, "change_clients"),
    )


async def _find(tx: Tx, actor: Actor, wanted: str) -> tuple[list[ListedClient], list[str]]:
    """The clients that a person wants to see and may see, and the slugs of the retailers to choose from."""
    slugs = [one.slug for one in await retailers.retailers(tx) if actor.retailer_id in (None, one.id)]
    if wanted and wanted not in slugs:
        return [], slugs
    only = wanted or (slugs[0] if actor.retailer_id is not None else None)
    return await clients.listed(tx, only), slugs


async def _show_add(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "change_clients", actor.retailer_id, actor.store_number)
    return await _add_page(browser, {"retailer": dict(browser.query).get("retailer", "")})


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-client")
    roles.require(browser.actor, "change_clients", browser.actor.retailer_id, browser.actor.store_number)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    try:
        made = await browser.write(_add_posted, form)
    except Refused as refused:
        return await _add_page(browser, form, str(refused))
    return _secret_page(browser, made)


async def _add_posted(tx: Tx, actor: Actor, form: Mapping[str, str]) -> NewClient:
    slug, organization = form.get("retailer", "").strip(), form.get("organization", "").strip()
    retailer = await retailers.retailer_by_slug(tx, slug) if slug else None
    retailer_id = None if retailer is None else retailer.id
    roles.require(actor, "change_clients", retailer_id, actor.store_number)
    made = await clients.create(
        tx,
        retailer=slug or None,
        organization=organization or None,
        scopes=_chosen(form),
        redirect_uris=form.get("redirect_uris", "").split(),
        name=form.get("name", "").strip()[:200] or None,
        require_pkce=bool(form.get("require_pkce")),
        require_state=not form.get("state_optional"),
    )
    await _record(tx, actor, "add_client", made.client_id, retailer_id, form, {"scopes": _chosen(form)})
    return made


async def _add_page(browser: PersonBrowser, form: Mapping[str, str], error: str | None = None) -> Reply:
    _, slugs = await browser.call.app.database.read(_find, browser.actor, "")
    chosen = [name for name in scopes.ALL if form.get(f"scope_{name}")] if error is not None else _DEFAULT_SCOPES
    return browser.page(
        "console/client_add.html",
        200 if error is None else 400,
        path=PATH,
        error=error,
        slugs=slugs,
        typed={name: form.get(name, "")[:2000] for name in _FIELDS},
        chosen=chosen,
        scopes=_offered(browser),
        may_choose_organization=browser.actor.retailer_id is None,
        form_token=browser.form_token("add-client"),
    )


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await _client(browser, "see_clients"))


async def _set_scopes(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> Mapping[str, Any]:
        check(form.get("version", ""), client.scopes)
        await clients.set_scopes(tx, client.client_id, _chosen(form))
        return {"scopes": _chosen(form)}

    return await _do(browser, "scopes", "change_scopes", change)


async def _disable(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> None:
        await clients.disable(tx, client.client_id, by_operator=browser.actor.is_operator)

    return await _do(browser, "disabled", "disable_client", change)


async def _enable(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> None:
        await clients.disable(tx, client.client_id, disabled=False, by_operator=browser.actor.is_operator)

    return await _do(browser, "enabled", "enable_client", change)


async def _revoke(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> None:
        await clients.revoke_tokens(tx, client.client_id)

    return await _do(browser, "revoked", "revoke_tokens", change)


async def _add_uri(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> Mapping[str, Any]:
        uri = form.get("uri", "").strip()
        await clients.register_redirect_uris(tx, client.client_id, [uri])
        return {"redirect_uri": uri}

    return await _do(browser, "uri_added", "add_redirect_uri", change)


async def _remove_uri(browser: PersonBrowser) -> Reply:
    async def change(tx: Tx, client: Client, form: Mapping[str, str]) -> Mapping[str, Any]:
        await clients.remove_redirect_uri(tx, client.client_id, form.get("uri", ""))
        return {"redirect_uri": form.get("uri", "")}

    return await _do(browser, "uri_removed", "remove_redirect_uri", change)


async def _rotate(browser: PersonBrowser) -> Reply:
    form, client = await _posted(browser)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    text = form.get("keep_old", "0")
    hours = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else _MOST_HOURS + 1
    if hours > _MOST_HOURS:
        return await _page(browser, client, error="hours")

    async def rotate(tx: Tx, actor: Actor) -> NewClient:
        roles.require(actor, "change_clients", client.retailer_id, actor.store_number)
        made = await clients.rotate_secret(tx, client.client_id, keep_old=hours * clock.HOUR)
        detail = {"keep_old_hours": hours}
        await _record(tx, actor, "rotate_secret", client.client_id, client.retailer_id, form, detail)
        return made

    return _secret_page(browser, await browser.write(rotate))


async def _do(
    browser: PersonBrowser,
    notice: str,
    operation: str,
    change: Callable[[Tx, Client, Mapping[str, str]], Awaitable[Mapping[str, Any] | None]],
) -> Reply:
    """Change the client of the address by a posted form, and lead to its page, which says what was done."""
    form, client = await _posted(browser)

    async def run(tx: Tx, actor: Actor) -> None:
        there = await clients.lock(tx, client.client_id)
        roles.require(actor, "change_clients", there.retailer_id, actor.store_number)
        detail = await change(tx, there, form)
        await _record(tx, actor, operation, there.client_id, there.retailer_id, form, detail)

    try:
        await browser.write(run)
    except Refused as refused:
        return await _page(browser, client, refused=str(refused))
    except Changed:
        return await _page(browser, await _client(browser, "change_clients"), error="stale", form=form)
    return browser.see_other(f"{PATH}/{client.client_id}?notice={notice}")


async def _posted(browser: PersonBrowser) -> tuple[dict[str, str], Client]:
    form = await browser.posted("client", browser.call.path["client_id"])
    return form, await _client(browser, "change_clients")


async def _client(browser: PersonBrowser, operation: str) -> Client:
    """The client of the address, if the person may do an operation at its retailer; else 403, 404 if there is none."""
    found = await browser.call.app.database.read(clients.find, browser.call.path["client_id"])
    actor = browser.actor
    roles.require(actor, operation, actor.retailer_id if found is None else found.retailer_id, actor.store_number)
    if found is None:
        raise PageRefused(404, "not_found")
    return found


async def _record(
    tx: Tx,
    actor: Actor,
    operation: str,
    client_id: str,
    retailer_id: int | None,
    form: Mapping[str, str],
    detail: Mapping[str, Any] | None,
) -> None:
    reason = form.get("reason", "").strip()[:200] or None
    await audit.record(
        tx, actor, operation, f"client/{client_id}", retailer_id=retailer_id, reason=reason, detail=detail
    )


async def _page(
    browser: PersonBrowser,
    client: Client,
    error: str | None = None,
    refused: str | None = None,
    form: Mapping[str, str] | None = None,
) -> Reply:
    read = browser.call.app.database.read
    listed = await read(clients.listed_one, client.client_id)
    used_at = await read(requests.last_use, client.client_id)
    number = listed.client_id
    chosen = list(client.scopes) if form is None else _ticked(form)
    return browser.page(
        "console/client.html",
        200 if error is None and refused is None else 409 if error == "stale" else 400,
        path=f"{PATH}/{number}",
        list_path=PATH,
        one=listed,
        since=pages.moment(browser.locale, listed.created_at, browser.settings.time_zone),
        used=None if used_at is None else pages.moment(browser.locale, used_at, browser.settings.time_zone),
        chosen=chosen,
        scopes=_offered(browser),
        version=version_of(client.scopes),
        error=error,
        refused=refused,
        notice=browser.notice(_NOTICES) if error is None and refused is None else None,
        may_change=roles.includes(browser.actor, "change_clients"),
        may_see_audit=roles.includes(browser.actor, "see_audit"),
        form_token=browser.form_token("client", number),
    )


def _secret_page(browser: PersonBrowser, made: NewClient) -> Reply:
    issuer = browser.settings.issuer
    return browser.page(
        "console/client_secret.html",
        path=PATH,
        made=made,
        token_url=f"{issuer}/v2/oauth/token",
        authorize_url=f"{issuer}/oauth/authorize",
    )


def _ticked(form: Mapping[str, str]) -> list[str]:
    return [name for name in scopes.ALL if form.get(f"scope_{name}")]


def _chosen(form: Mapping[str, str]) -> list[str]:
    """The scopes of a posted form; raises `Refused` if there is none."""
    return scopes.require(" ".join(_ticked(form)))


def _offered(browser: PersonBrowser) -> list[tuple[str, str]]:
    """The scopes with what they are for."""
    return [(name, scopes.MEANINGS[name]) for name in scopes.ALL]


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="GET", path=f"{PATH}/{{client_id}}", handler=signed_in(_show)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/scopes", handler=signed_in(_set_scopes)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/disable", handler=signed_in(_disable)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/enable", handler=signed_in(_enable)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/rotate", handler=signed_in(_rotate)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/revoke", handler=signed_in(_revoke)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/redirect-uris/add", handler=signed_in(_add_uri)),
    Route(method="POST", path=f"{PATH}/{{client_id}}/redirect-uris/remove", handler=signed_in(_remove_uri)),
)
