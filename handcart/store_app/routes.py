"""The routes of the store's app: those of each topic. `news` has the stream."""

from collections.abc import Sequence

from handcart.core.web.call import Route
from handcart.store_app import entrance, incoming, inside, returns, runs, stage

ROUTES: Sequence[Route] = (
    *entrance.ROUTES,
    *stage.ROUTES,
    *runs.ROUTES,
    *incoming.ROUTES,
    *returns.ROUTES,
    *inside.ROUTES,
)
