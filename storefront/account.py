"""Sign in and out, and the profile page."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storefront import membership
from storefront.pages import (
    checked_form,
    customer_of,
    redirect,
    render,
    renew_session,
    shop_of,
)
from storefront.samples import CUSTOMERS

# The page after sign-in: the form contains a key, never a URL.
AFTER_SIGN_IN = {
    "account": "/account",
    "checkout": "/checkout",
    "link": "/account",
    "orders": "/orders",
    "slots": "/slots",
}


async def sign_in_page(request: Request) -> Response:
    to = request.query_params.get("to", "")
    return render(
        request,
        "sign_in.html",
        notice="not_started_here" if to == "link" else None,
        customers=CUSTOMERS.values(),
        to=to if to in AFTER_SIGN_IN else "account",
    )


async def sign_in(request: Request) -> Response:
    form = await checked_form(request)
    customer = CUSTOMERS.get(form.get("customer", ""))
    if customer is None:
        raise HTTPException(400)
    renew_session(request, customer.key)
    return redirect(request, AFTER_SIGN_IN.get(form.get("to", ""), "/account"))


async def sign_out(request: Request) -> Response:
    await checked_form(request)
    session = renew_session(request, customer=None)
    shop_of(request).sessions.leave_notice(session, "signed_out")
    return redirect(request, "/")


async def profile(request: Request) -> Response:
    """The profile page: the link button or the linked account, and the result of linking."""
    customer = customer_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=account")
    return render(request, "profile.html", link=await membership.verify(shop_of(request).platform, customer))
