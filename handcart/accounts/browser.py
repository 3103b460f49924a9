"""The browser of a customer who is signed in, and the password that some forms ask for again."""

from collections.abc import Awaitable, Callable, Mapping

from handcart.accounts import ops
from handcart.accounts.models import Account
from handcart.core.web.call import Call, Handler, Reply
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import CUSTOMER

SIGN_IN = "/account/sign-in"


def signed_in(handler: Callable[[SessionBrowser, Account], Awaitable[Reply]]) -> Handler:
    """A route's handler that calls `handler` for a customer who is signed in, and leads others to the sign-in."""

    async def handle(call: Call) -> Reply:
        browser = SessionBrowser(call, CUSTOMER)
        account = await call.app.database.read(ops.signed_in, browser.session)
        return browser.see_other(SIGN_IN) if account is None else await handler(browser, account)

    return handle


async def wrong_password(browser: SessionBrowser, account: Account, form: Mapping[str, str]) -> tuple[str, int] | None:
    """Why a form's current password is refused, and the seconds to wait; None if it is right."""
    given = form.get("current_password", "")
    try:
        await ops.check_password(browser.call.app.database, account, given, browser.call.address)
    except SignInRefused as refused:
        return "rate_limited" if refused.retry_after else "current", refused.retry_after
    return None
