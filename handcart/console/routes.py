"""The routes of the console: those of each topic."""

from collections.abc import Sequence

from handcart.console import audit, entrance, joining, me, order, orders, people, pictures, shoppers
from handcart.core.web.call import Route

ROUTES: Sequence[Route] = (
    *entrance.ROUTES,
    *joining.ROUTES,
    *me.ROUTES,
    *orders.ROUTES,
    *order.ROUTES,
    *people.ROUTES,
    *pictures.ROUTES,
    *audit.ROUTES,
    *shoppers.ROUTES,
)
