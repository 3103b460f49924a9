"""All routes of the Post-checkout API and of Order Feedback. Each module has its own."""

from collections.abc import Sequence

from handcart.core.web.call import Route
from handcart.post_checkout import api, chat, feedback, items, pickup

ROUTES: Sequence[Route] = (*api.ROUTES, *items.ROUTES, *chat.ROUTES, *pickup.ROUTES, *feedback.ROUTES)
