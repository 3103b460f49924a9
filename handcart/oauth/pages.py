"""The pages of an authorization: sign in, then "Authorization Required"."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, urlencode

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.browser import Browser, PageRefused, form_expired
from handcart.core.web.call import Call, Reply, Route
from handcart.oauth import authorization, errors, tokens
from handcart.oauth.checks import Rejected, check
from handcart.oauth.models import PendingRequest
from handcart.retailers import clients
from handcart.sign_in import forms, sessions
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import CUSTOMER

# Whether an account is linked at a client's retailer; passed in, since this domain cannot import `linking`:
# (tx, account_id, client_id).
IsLinked = Callable[[Tx, int, str], Awaitable[bool]]

# Three times as many bytes (when encoded) still fit into a URL.
_MOST_POSTED_BYTES = 10 * 1024


def routes(is_linked: IsLinked) -> Sequence[Route]:
    """The routes of the pages."""

    async def authorize(call: Call) -> Reply:
        return await _authorize(call, is_linked)

    async def waiting(call: Call) -> Reply:
        await call.belongs_to_found(authorization.retailer_of, call.path["request_id"])
        browser = SessionBrowser(call, CUSTOMER)
        pending = await call.app.database.read(authorization.pending, call.path["request_id"], browser.session)
        return await _show(browser, pending, is_linked)

    return (
        Route(method="GET", path="/oauth/authorize", handler=authorize),
        Route(method="POST", path="/oauth/authorize", handler=_by_post),
        Route(method="GET", path="/oauth/authorize/{request_id}", handler=waiting),
        Route(method="POST", path="/oauth/authorize/{request_id}/sign-in", handler=_sign_in),
        Route(method="POST", path="/oauth/authorize/{request_id}/consent", handler=_consent),
    )


async def _authorize(call: Call, is_linked: IsLinked) -> Reply:
    browser = SessionBrowser(call, CUSTOMER)
    try:
        request = await call.app.database.read(check, browser.query)
    except Rejected as rejected:
        return browser.see_other(authorization.refused(rejected.request, rejected.error, browser.settings.issuer))
    await call.belongs_to(request.client.retailer_id)
    return await _show(browser, authorization.seal(call.app.keys, request), is_linked)


async def _by_post(call: Call) -> Reply:
    """Accept a request as a form (RFC 6749 section 3.1): redirect to GET, with which browsers send the cookie."""
    query = urlencode(await Browser(call).fields(_MOST_POSTED_BYTES), quote_via=quote)
    return Reply(303, b"", [(b"location", f"/oauth/authorize?{query}".encode()), (b"referrer-policy", b"no-referrer")])


async def _show(browser: SessionBrowser, pending: PendingRequest, is_linked: IsLinked) -> Reply:
    """The current page of a request. Nothing is stored before the customer has signed in."""
    database = browser.call.app.database
    account = await database.read(accounts.signed_in, browser.session)
    if account is None:
        return await _sign_in_page(browser, authorization.keep_sealed(browser.call.app.keys, pending))
    if authorization.is_sealed(pending.id):
        pending = await database.write(authorization.start, pending, browser.session)
    return browser.page(
        "oauth/consent.html",
        form_action=pending.redirect_uri,
        retailer=await _retailer_name(browser, pending),
        email=account.email,
        action=_path(pending, browser.locale, "/consent"),
        form_token=browser.form_token(*pending.form),
        lifetime_hours=tokens.LIFETIME // clock.HOUR,
        account_url="/account",
        already_linked=await database.read(is_linked, account.id, pending.client_id),
        locale_links=_locale_links(browser, pending),
    )


async def _sign_in(call: Call) -> Reply:
    await call.belongs_to_found(authorization.retailer_of, call.path["request_id"])
    browser, database = SessionBrowser(call, CUSTOMER), call.app.database
    form = await browser.form()
    pending = authorization.unseal(call.app.keys, call.path["request_id"])
    if not browser.brings(form, *pending.form):
        # The same form was posted twice: the first post signed the browser in and set another cookie.
        if await database.read(accounts.signed_in, browser.session):
            return browser.see_other(_path(pending, browser.locale))
        raise form_expired()
    try:
        organization_id = await database.read(_organization, pending)
        signed_in = await accounts.sign_in(database, organization_id, **browser.credentials(form))
    except SignInRefused as refused:
        return await _sign_in_page(browser, pending, form.get("email", "")[:254], refused.retry_after)
    kept = await database.write(authorization.start, pending, signed_in.session)
    browser.start_session(signed_in)
    return browser.see_other(_path(kept, browser.locale))


async def _consent(call: Call) -> Reply:
    await call.belongs_to_found(authorization.retailer_of, call.path["request_id"])
    browser = SessionBrowser(call, CUSTOMER)
    form = await browser.form()
    decision = form.get("decision")
    if decision not in ("allow", "deny", "switch"):
        raise PageRefused(400, "invalid_request")
    database = call.app.database
    if await database.read(accounts.signed_in, browser.session) is None:
        raise form_expired()
    pending = await _take_step(browser, form)
    if decision == "switch":
        return await _switch_account(browser, pending)
    if decision == "deny":
        await database.write(authorization.deny, pending, browser.session)
        return browser.see_other(authorization.refused(pending, errors.access_denied(), browser.settings.issuer))
    code = await database.write(authorization.allow, pending, browser.session)
    return browser.see_other(authorization.granted(pending, code, browser.settings.issuer))


async def _switch_account(browser: SessionBrowser, pending: PendingRequest) -> Reply:
    database = browser.call.app.database
    await database.write(authorization.deny, pending, browser.session)
    await database.write(sessions.end, browser.session)
    browser.forget_session()
    return browser.see_other(_path(authorization.seal(browser.call.app.keys, pending), browser.locale))


async def _take_step(browser: SessionBrowser, form: dict[str, str]) -> PendingRequest:
    request_id = browser.call.path["request_id"]
    if not browser.is_known:
        raise form_expired()
    return await browser.call.app.database.write(
        authorization.take_step, request_id, browser.session, form.get("form_token", "")
    )


async def _sign_in_page(
    browser: SessionBrowser, pending: PendingRequest, email: str = "", retry_after: int | None = None
) -> Reply:
    return browser.page(
        "oauth/sign_in.html",
        form_action=pending.redirect_uri,
        retailer=await _retailer_name(browser, pending),
        action=_path(pending, browser.locale, "/sign-in"),
        form_token=browser.form_token(*pending.form),
        **forms.sign_in(email, retry_after),
        self_service=browser.settings.self_service,
        locale_links=_locale_links(browser, pending),
    )


async def _organization(tx: Tx, pending: PendingRequest) -> int | None:
    client = await clients.find(tx, pending.client_id)
    return client.organization_id if client else None


async def _retailer_name(browser: SessionBrowser, pending: PendingRequest) -> str:
    async def name(tx: Tx) -> str:
        client = await clients.find(tx, pending.client_id)
        return await clients.display_name(tx, client) if client else ""

    return await browser.call.app.database.read(name)


def _locale_links(browser: SessionBrowser, pending: PendingRequest) -> list[tuple[str, str, str, bool]]:
    return [(tag, label, _path(pending, tag), tag == browser.locale) for tag, label in browser.locales.items()]


def _path(pending: PendingRequest, locale: str, form: str = "") -> str:
    # The URL keeps the chosen language.
    return f"/oauth/authorize/{pending.id}{form}?locale={locale}"
