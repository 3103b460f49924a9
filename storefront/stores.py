"""Choose a store near a postal code, and add its items to the cart."""

from handcart_client import ConnectError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storefront.carts import DELIVERY, PICKUP, Store
from storefront.catalog import ITEMS, MOST_OF_ONE, lines, total_cents
from storefront.pages import cart_of, checked_form, keep_cart, leave_notice, redirect, render, shop_of

MOST_STORES = 6


async def front(request: Request) -> Response:
    """The items; without a store, the form for the postal code as well."""
    return render(request, "front.html", items=ITEMS.values())


async def find(request: Request) -> Response:
    """The stores near a postal code, the nearest first."""
    postal_code = request.query_params.get("postal_code", "").strip().upper()
    kind = PICKUP if request.query_params.get("kind") == PICKUP else DELIVERY
    try:
        found = await shop_of(request).nearby.find(kind, postal_code)
        problem = "unknown" if found is None else ""
    except ConnectError:
        found, problem = None, "unreachable"
    stores = found.stores[:MOST_STORES] if found else ()
    return render(request, "stores.html", stores=stores, kind=kind, postal_code=postal_code, problem=problem)


async def choose(request: Request) -> Response:
    form = await checked_form(request)
    kind = PICKUP if form.get("kind") == PICKUP else DELIVERY
    postal_code = form.get("postal_code", "")
    try:
        found = await shop_of(request).nearby.find(kind, postal_code)
    except ConnectError:
        leave_notice(request, "ordering_failed")
        return redirect(request, "/")
    stores = found.stores if found else ()
    chosen = [store for store in stores if store.location_code == form.get("location_code")]
    if not chosen:
        raise HTTPException(400)
    cart = cart_of(request)
    cart.take_to(kind, postal_code, Store(chosen[0].location_code, chosen[0].name))
    keep_cart(request, cart)
    return redirect(request, "/")


async def add(request: Request) -> Response:
    key = (await checked_form(request)).get("item", "")
    if key not in ITEMS:
        raise HTTPException(400)
    cart = cart_of(request)
    cart.counts[key] = min(cart.counts.get(key, 0) + 1, MOST_OF_ONE)
    keep_cart(request, cart)
    return redirect(request, f"/#{key}")


async def cart_page(request: Request) -> Response:
    counts = cart_of(request).counts
    return render(request, "cart.html", lines=lines(counts), items_cents=total_cents(counts), most=MOST_OF_ONE)


async def change_cart(request: Request) -> Response:
    form = await checked_form(request)
    cart = cart_of(request)
    cart.counts, cart.refused = counts_in(form), []
    keep_cart(request, cart)
    if "go_on" not in form:
        return redirect(request, "/cart")
    return redirect(request, "/checkout" if cart.slot else "/slots")


def counts_in(form: dict[str, str]) -> dict[str, int]:
    """The count of each product in a form. Products that are not in the form count 0."""
    counts = {key: form.get(f"count-{key}", "0") for key in ITEMS}
    if not all(count.isascii() and count.isdecimal() and len(count) < 4 for count in counts.values()):
        raise HTTPException(400)
    return {key: min(int(count), MOST_OF_ONE) for key, count in counts.items() if int(count)}
