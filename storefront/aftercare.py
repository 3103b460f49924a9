"""After the checkout: chat, proposed replacements and the rating, by the Post-checkout API with the user's own token.

A platform without this API, or with a retailer whose shoppers are hidden, leaves these parts of the page out.
https://docs.instacart.com/connect/post-checkout_guide/overview/
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from handcart_client import AsyncClient, AsyncPostCheckout, ConnectError, LineItem, Order, Token

from storefront import progress
from storefront.carts import Placed
from storefront.samples import Customer

log = logging.getLogger(__name__)

SCOPE = "connect:post_checkout,Connect::Orders::RatingService"
MOST_CHARACTERS = 1000
# A token is used for the first half of its life.
_SHARE = 0.5
_MOST_TOKENS = 1000

SHOPPING = ("picking", "verifying_replacements")
STARS = {"STARS5": "Great", "STARS4": "Good", "STARS3": "All right", "STARS2": "Not so good", "STARS1": "Bad"}
HIGHLIGHTS = {
    "QUALITY_ITEMS": "Good items",
    "SMART_BAGGING": "Smart bagging",
    "EXTRA_EFFORT": "Extra effort",
    "HELPFUL_CHAT": "Helpful chat",
    "GOOD_REPLACEMENTS": "Good replacements",
}
HIGHLIGHTS_OF_KIND = {
    True: {"SMOOTH_DELIVERY": "Smooth delivery"},
    False: {
        "FAST_PICKUP": "Fast pickup",
        "CLEAR_PICKUP_INSTRUCTIONS": "Clear instructions",
        "EASY_PARKING": "Easy parking",
        "SMOOTH_HANDOFF": "Smooth handoff",
    },
}


class Tokens:
    """The users' tokens, each kept until it is half as old as it may become."""

    def __init__(self, platform: AsyncClient, now: Callable[[], float] = time.monotonic) -> None:
        self._platform = platform
        self._now = now
        self._kept: dict[str, tuple[Token, float]] = {}

    async def calls(self, user_id: str) -> AsyncPostCheckout:
        """The calls about one user's orders. Raises `ConnectError`."""
        token, until = self._kept.get(user_id, (None, 0.0))
        if token is None or until <= self._now():
            token = await self._platform.oauth.user_token(user_id, scope=SCOPE)
            if len(self._kept) >= _MOST_TOKENS:
                self._kept.clear()
            self._kept[user_id] = (token, self._now() + _SHARE * token.expires_in)
        return self._platform.post_checkout.with_token(token)


@dataclass(frozen=True)
class Question:
    """A replacement that the shopper proposes. `item_id` is the platform's id of the line."""

    item_id: str
    old: str
    new: str


@dataclass(frozen=True)
class Said:
    """A message of the chat, on the store's clock."""

    at: datetime
    text: str
    is_mine: bool


@dataclass(frozen=True)
class Aftercare:
    """What the customer can see and do beside the order. `can_write`: somebody reads what the customer writes."""

    questions: Sequence[Question] = ()
    chat: Sequence[Said] = ()
    can_write: bool = False
    unread: int = 0
    stars: dict[str, str] = field(default_factory=dict)
    highlights: dict[str, str] = field(default_factory=dict)


def highlights_of(placed: Placed) -> dict[str, str]:
    """What a customer can praise about an order."""
    return {**HIGHLIGHTS, **HIGHLIGHTS_OF_KIND[placed.cart.is_delivery]}


async def read(
    tokens: Tokens, customer: Customer, placed: Placed, found: Order | None, clock: tzinfo | None
) -> Aftercare:
    """What the platform knows about an order beside its state; nothing if it does not answer."""
    if found is None or found.status in ("brand_new", "created", progress.CANCELED):
        return Aftercare()
    is_over = found.status in progress.OVER
    stars = STARS if is_over else {}
    highlights = highlights_of(placed) if is_over else {}
    try:
        calls = await tokens.calls(customer.user_id)
        lines = await calls.items(placed.order_id) if found.status in SHOPPING else ()
        said = (await calls.chat_messages(placed.order_id)).chat_messages
    except ConnectError as error:
        log.warning("aftercare of order %s: %s", placed.order_id, error)
        return Aftercare(stars=stars, highlights=highlights)
    return Aftercare(
        questions=[question for line in lines if (question := _question(line)) is not None],
        chat=[Said(one.created_at.astimezone(clock), one.body, one.sender_type == "user") for one in said],
        can_write=not is_over and bool(said or found.status in SHOPPING),
        unread=sum(not one.read and one.sender_type != "user" for one in said),
        stars=stars,
        highlights=highlights,
    )


async def mark_read(tokens: Tokens, customer: Customer, placed: Placed) -> None:
    """Tell the shopper that the customer has opened the chat."""
    try:
        await (await tokens.calls(customer.user_id)).mark_read(placed.order_id)
    except ConnectError as error:
        log.warning("chat of order %s: %s", placed.order_id, error)


def _question(line: LineItem) -> Question | None:
    if line.replacement_status != "PENDING" or line.replacement is None:
        return None
    return Question(line.id, line.item.name, line.replacement.name)
