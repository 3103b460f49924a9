"""Step-up: the console asks for the password or a passkey again before keys are made, before files of money or of an
account leave, and before somebody gets a new way to sign in or a new PIN.

The answer counts for ten minutes in the browser's session. It is a cookie with a keyed hash of the session, so a copied
cookie is worthless elsewhere, and nothing is stored. The page that asks carries the fields of the form on, so that
nothing that a person wrote is lost.
"""

from collections.abc import Mapping

from handcart.console.browser import PersonBrowser, credential_of
from handcart.core import clock, ids
from handcart.core.secret import matches
from handcart.core.web.call import Reply
from handcart.sign_in import forms, passkeys
from handcart.sign_in.errors import PasskeyRefused, SignInRefused
from handcart.sign_in.models import STAFF
from handcart.staff import access, queries

MINUTES = 10
_COOKIE, _PATH = "handcart_console_step_up", "/console"
PASSWORD, CREDENTIAL = "step_up_password", "credential"


async def asked(browser: PersonBrowser, form: Mapping[str, str]) -> Reply | None:
    """None if the person has given the password or a passkey in the last ten minutes, or with this posted form.

    Else the page that asks for it. Its form posts the same fields to the same address.
    """
    if _is_fresh(browser):
        return None
    if form.get(CREDENTIAL):
        try:
            issuer, credential = browser.call.url, credential_of(dict(form))
            found = await browser.call.app.database.write(
                passkeys.authenticate, STAFF, issuer, browser.session, credential
            )
        except PasskeyRefused as refused:
            return _page(browser, form, passkey_error=refused.reason)
        if found != browser.actor.id:
            return _page(browser, form, passkey_error="unknown")
    elif PASSWORD in form:
        database = browser.call.app.database
        person = await database.read(queries.person, browser.actor.id or 0)
        assert person is not None
        try:
            await access.check_password(database, person, form[PASSWORD], browser.call.address)
        except SignInRefused as refused:
            return _page(browser, form, error="rate_limited" if refused.retry_after else "wrong", wait=refused)
    else:
        return _page(browser, form)
    until = clock.of_process() + MINUTES * clock.MINUTE
    browser.set_cookie(_COOKIE, f"{until}.{_proof(browser, until)}", _PATH, MINUTES * 60)
    return None


def _is_fresh(browser: PersonBrowser) -> bool:
    text, _, proof = browser.cookie(_COOKIE, _PATH).partition(".")
    until = ids.parse(text)
    return until is not None and until > clock.of_process() and matches(proof, _proof(browser, until))


def _proof(browser: PersonBrowser, until: int) -> str:
    return browser.form_token("step-up", str(until))


def _page(
    browser: PersonBrowser,
    form: Mapping[str, str],
    error: str | None = None,
    wait: SignInRefused | None = None,
    passkey_error: str | None = None,
) -> Reply:
    retry_after = wait.retry_after or 0 if wait is not None else 0
    options = None
    if passkeys.are_possible(browser.call.url):
        options = passkeys.request_options(browser.call.app.keys, browser.call.url, browser.session)
    return browser.page(
        "console/step_up.html",
        200 if error is None and passkey_error is None else 429 if retry_after else 401,
        fields={name: value for name, value in form.items() if name not in (PASSWORD, CREDENTIAL)},
        error=error,
        passkey_error=passkey_error,
        options=options,
        minutes=MINUTES,
        **forms.wait(retry_after),
    )
