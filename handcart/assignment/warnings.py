"""Which orders need a person, and since when: the rules of warnings, and the facts that they depend on.

The rules are a pure function of an order's facts and the time (`wanted`), so a warning is never missed because a
process was down: the next look finds it. `timeouts` stores what it answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.assignment.models import (
    BAGS,
    COMING_BACK,
    EXPECTED,
    LATE,
    MISSING,
    NO_PHOTO,
    REFUSED,
    SILENT,
    STUCK,
    UNSENT,
    UNTAKEN,
    WARNINGS,
)
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import states
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, PICKUP
from handcart.shoppers.models import NOBODY

# The time that an order needs from its start to the door, or to the staging area: walk in 4 minutes, 45 units at 40
# seconds, till 6 minutes, drive 20 minutes. An order that the retailer picks needs a drive to the store instead.
ESTIMATE: Mapping[str, int] = {
    DELIVERY: 60 * clock.MINUTE,
    PICKUP: 40 * clock.MINUTE,
    LAST_MILE: 40 * clock.MINUTE,
    DISPATCH: 40 * clock.MINUTE,
}
# An order that was warned about is left alone for this time, so that a dispatcher can act first.
PATIENCE = 10 * clock.MINUTE
# The time without any act or step after which a shopper is silent. There are no acts on the road.
SILENCE: Mapping[str, int] = {
    states.PICKING: 10 * clock.MINUTE,
    states.VERIFYING_REPLACEMENTS: 10 * clock.MINUTE,
    states.DELIVERING: 30 * clock.MINUTE,
}
# The time in a state after which an order is stuck.
USUAL: Mapping[str, int] = {
    states.PICKING: 3 * clock.HOUR,
    states.VERIFYING_REPLACEMENTS: 30 * clock.MINUTE,
    states.CHECKOUT: 45 * clock.MINUTE,
    states.BAGS_CHECK: 30 * clock.MINUTE,
    states.RUNNER_AWAITING: 6 * clock.MINUTE,
    states.USER_AT_STORE: 15 * clock.MINUTE,
    states.AT_STORE: 30 * clock.MINUTE,
    states.BAGS_VERIFIED: 30 * clock.MINUTE,
    states.DELIVERING: 3 * clock.HOUR,
}
# The time at the door, after the customer could not be reached, after which somebody decides.
AT_DOOR = 5 * clock.MINUTE
# The time after which a customer who is at the store is asked to come inside, because nobody brings the order out.
NO_RUNNER = 6 * clock.MINUTE
# The time after which a picture is missing that a shopper took at the door.
PHOTO = 15 * clock.MINUTE
# States in which an order is ready at the store: its window ends without being late, since the customer comes or not.
_AT_HAND = (states.STAGED, states.RUNNER_AWAITING, states.USER_AT_STORE)
# States in which a shopper stands before the customer's door, or car.
_AT_CUSTOMER = (states.DELIVERING, states.USER_AT_STORE, states.BAGS_VERIFIED)

_ACTS = (
    "(SELECT max(a.received_at) FROM acts a WHERE a.retailer_id = o.retailer_id"
    " AND a.subject = r.slug || '/' || CAST(b.id AS TEXT))"
)
# The number of refused acts among the newest ones on the batch.
_REFUSALS = 3
_REFUSED = (
    "(SELECT count(*) FROM (SELECT a.outcome FROM acts a WHERE a.retailer_id = o.retailer_id"  # noqa: S608
    " AND a.subject = r.slug || '/' || CAST(b.id AS TEXT)"
    f" ORDER BY a.received_at DESC, a.number DESC LIMIT {_REFUSALS}) newest WHERE newest.outcome = 'refused')"
)
# Whether the newest act on the batch was refused because of its bags.
_BAGS = (
    "(SELECT a.outcome = 'refused' AND a.rule IN ('bag_missing', 'bag_foreign') FROM acts a"
    " WHERE a.retailer_id = o.retailer_id AND a.subject = r.slug || '/' || CAST(b.id AS TEXT)"
    " ORDER BY a.received_at DESC, a.number DESC LIMIT 1)"
)
# Whether a message to the customer, or an event about the order, could not be delivered.
_UNSENT = (
    "(EXISTS (SELECT 1 FROM messages m WHERE m.recipient = 'order/' || CAST(o.retailer_id AS TEXT) || '/' || o.order_id"
    " AND m.state = 'failed') OR EXISTS (SELECT 1 FROM deliveries d WHERE d.retailer_id = o.retailer_id"
    " AND d.subject = o.order_id AND d.state = 'failed'))"
)
_HISTORY = "(SELECT max(h.at) FROM order_history h WHERE h.retailer_id = o.retailer_id AND h.order_id = o.order_id{0})"
_WHAT = _HISTORY.format(" AND h.what = '{0}'")
_WARNING = (
    "(SELECT max(w.{0}) FROM order_warnings w WHERE w.retailer_id = o.retailer_id AND w.order_id = o.order_id"
    " AND w.kind = '{1}'{2})"
)
_AWAITED = (
    "(SELECT max(p.since) FROM awaited_pictures p WHERE p.retailer_id = o.retailer_id AND p.order_id = o.order_id)"
)
_LIVE = ", ".join(_WARNING.format("warned_at", kind, " AND w.ended_at IS NULL") + f" AS {kind}" for kind in WARNINGS)
# Of the orders in {0}. Outer joins, although each order has a retailer: SQLite begins with the first table, instead of
# reading all orders of each retailer.
_FACTS_OF = (
    "SELECT o.retailer_id, r.slug, o.order_id, o.number, o.kind, o.status, o.window_ends_at,"  # noqa: S608
    f" CASE WHEN s.person_id = {NOBODY} THEN NULL ELSE b.id END AS batch_id,"
    f" {_HISTORY.format(' AND h.what = o.status')} AS entered_at, {_HISTORY.format('')} AS step_at, {_ACTS} AS act_at,"
    f" {_REFUSED} AS refusals, {_BAGS} AS has_wrong_bags, {_UNSENT} AS is_unsent, {_AWAITED} AS awaited_since,"
    f" {_WHAT.format(states.MISSING)} AS missing_at, {_WHAT.format(states.STAGED)} AS staged_at,"
    f" {_WHAT.format(states.TURNED_BACK)} AS turned_at,"
    f" {_WHAT.format(states.EXPECTED)} AS expected_at, {_WHAT.format(states.COMING)} AS coming_said_at,"
    f" {_WARNING.format('moved_at', UNTAKEN, '')} AS moved_at, {_LIVE}"
    " FROM {0} LEFT JOIN retailers r ON r.id = o.retailer_id"
    " LEFT JOIN batch_orders l ON l.retailer_id = o.retailer_id AND l.order_id = o.order_id AND l.is_live"
    " LEFT JOIN batches b ON b.retailer_id = l.retailer_id AND b.id = l.batch_id"
    " LEFT JOIN retailer_shoppers s ON s.retailer_id = b.retailer_id AND s.id = b.shopper_id"
)
_FACTS = _FACTS_OF.format("orders o")
# `n` names some orders. SQLite keeps the sequence of a cross join.
_NAMED = "({0}) n CROSS JOIN orders o"
_IS_NAMED = "o.retailer_id = n.retailer_id AND o.order_id = n.order_id"
_OPEN = (
    f"{_FACTS} WHERE o.status NOT IN ('completed', 'canceled') AND (o.status <> 'brand_new' OR o.window_ends_at <= $1)"
    " AND (o.window_ends_at, o.number) > ($2, $3) ORDER BY o.window_ends_at, o.number LIMIT $4"
)
# Warnings about orders that have ended, or were moved to a later window by their customers; without those about a
# picture that is still awaited.
_LIVE_ONES = (
    "SELECT DISTINCT +w.retailer_id AS retailer_id, w.order_id FROM order_warnings w"  # noqa: S608
    f" WHERE w.ended_at IS NULL AND (w.kind <> '{NO_PHOTO}' OR NOT EXISTS (SELECT 1 FROM awaited_pictures p"
    " WHERE p.retailer_id = w.retailer_id AND p.order_id = w.order_id))"
)
_OVER = (
    f"{_FACTS_OF.format(_NAMED.format(_LIVE_ONES))} WHERE {_IS_NAMED} AND (o.status IN ('completed', 'canceled')"
    " OR (o.status = 'brand_new' AND o.window_ends_at > $1)) LIMIT $2"
)
# Delivered orders whose picture is missing, and that have no warning about it yet.
_AWAITED_ONES = (
    "SELECT DISTINCT p.retailer_id, p.order_id FROM awaited_pictures p"  # noqa: S608
    " WHERE p.since <= $1 AND NOT EXISTS (SELECT 1 FROM order_warnings w WHERE w.retailer_id = p.retailer_id"
    f" AND w.order_id = p.order_id AND w.kind = '{NO_PHOTO}' AND w.ended_at IS NULL)"
)
_MISSING = f"{_FACTS_OF.format(_NAMED.format(_AWAITED_ONES))} WHERE {_IS_NAMED} LIMIT $2"


class Facts(Struct, frozen=True, kw_only=True):
    """What the rules need to know of an order. Times in microseconds by its retailer's clock.

    `entered_at`: when it came to its state. `seen_at`: its last step, or the last act of its shopper. `moved_at`: when
    it was moved because nobody took it. `is_refused`: the last acts of its shopper were all refused; `has_wrong_bags`:
    the last one because of bags. `is_unsent`: a message to the customer, or an event, could not be delivered.
    `missing_at`: when its shopper did not find the customer. `is_returning`: it is on its way back to the store.
    `live`: its live warnings, with the times since when. `awaited_since`: since when the picture of the door is
    awaited. `is_expected`: the time has come at which the customer wanted to be at the store.
    """

    retailer_id: int
    slug: str
    order_id: str
    number: int
    kind: str
    status: str
    window_ends_at: int
    batch_id: int | None
    entered_at: int
    seen_at: int
    moved_at: int | None
    is_refused: bool
    has_wrong_bags: bool
    is_unsent: bool
    missing_at: int | None
    is_returning: bool
    awaited_since: int | None
    is_expected: bool
    live: Mapping[str, int]

    @property
    def latest_start(self) -> int:
        """The last moment to begin the order and be in time: the end of its window minus `ESTIMATE`."""
        return self.window_ends_at - ESTIMATE[self.kind]


def wanted(facts: Facts, now: int, warn_minutes: int) -> frozenset[str]:
    """The warnings that an order has at a time."""
    if facts.status in states.TERMINAL:
        is_missing = facts.awaited_since is not None and now - facts.awaited_since >= PHOTO
        return frozenset({NO_PHOTO} if is_missing else ())
    found = {UNSENT} if facts.is_unsent else set()
    if facts.status == states.BRAND_NEW:
        return frozenset(found | ({UNTAKEN} if now >= facts.latest_start - warn_minutes * clock.MINUTE else set()))
    is_over = now >= facts.window_ends_at
    if is_over and facts.status not in _AT_HAND:
        found.add(LATE)
    has_nobody = facts.batch_id is None and facts.status != states.STAGED
    is_long = now - facts.entered_at >= USUAL.get(facts.status, now)
    if is_long or has_nobody or (is_over and facts.status in _AT_HAND):
        found.add(STUCK)
    if facts.has_wrong_bags:
        found.add(BAGS)
    elif facts.is_refused:
        found.add(REFUSED)
    if facts.is_returning:
        found.add(COMING_BACK)
    elif facts.status in _AT_CUSTOMER and facts.missing_at is not None and now - facts.missing_at >= AT_DOOR:
        found.add(MISSING)
    if facts.status == states.STAGED and facts.is_expected:
        found.add(EXPECTED)
    if facts.status in SILENCE and now - facts.seen_at >= SILENCE[facts.status]:
        found.add(SILENT)
    return frozenset(found)


def is_timed_out(facts: Facts, now: int) -> bool:
    """Whether nobody took an order in time.

    Its latest start has passed, and its warning is older than `PATIENCE`; or its customer has waited at the store for
    `NO_RUNNER`.
    """
    if facts.status == states.RUNNER_AWAITING:
        return facts.batch_id is None and now - facts.entered_at >= NO_RUNNER
    warned_at = facts.live.get(UNTAKEN)
    if facts.status != states.BRAND_NEW or warned_at is None:
        return False
    return now >= max(facts.latest_start, warned_at + PATIENCE)


async def of_open(tx: Tx, until: int, after: tuple[int, int], most: int) -> Sequence[Facts]:
    """Open orders after (window's end, number): all that shoppers are at, and brand new ones due by `until`."""
    return [_facts(row) for row in await tx.all(_OPEN, until, *after, most)]


async def of_over(tx: Tx, until: int, most: int) -> Sequence[Facts]:
    """Orders that have a live warning, and that `of_open` does not find."""
    return [_facts(row) for row in await tx.all(_OVER, until, most)]


async def of_missing(tx: Tx, until: int, most: int) -> Sequence[Facts]:
    """Delivered orders whose picture is awaited since before `until`, and that have no warning about it yet."""
    return [_facts(row) for row in await tx.all(_MISSING, until, most)]


async def of_order(tx: Tx, retailer_id: int, order_id: str) -> Facts:
    """The facts of an order that exists."""
    row = await tx.one(f"{_FACTS} WHERE o.retailer_id = $1 AND o.order_id = $2", retailer_id, order_id)
    assert row is not None
    return _facts(row)


def _facts(row: Any) -> Facts:
    # A step into a state is recorded under the state's name; the first step is recorded as created.
    missing_at = row["missing_at"]
    if missing_at is not None and row["staged_at"] is not None and missing_at < row["staged_at"]:
        missing_at = None  # before it was brought out again
    entered_at = row["step_at"] if row["entered_at"] is None else row["entered_at"]
    return Facts(
        retailer_id=row["retailer_id"],
        slug=row["slug"],
        order_id=row["order_id"],
        number=row["number"],
        kind=row["kind"],
        status=row["status"],
        window_ends_at=row["window_ends_at"],
        batch_id=row["batch_id"],
        entered_at=entered_at,
        seen_at=max(row["step_at"], row["act_at"] or 0),
        moved_at=row["moved_at"],
        is_refused=row["refusals"] == _REFUSALS,
        has_wrong_bags=bool(row["has_wrong_bags"]),
        is_unsent=bool(row["is_unsent"]),
        missing_at=missing_at,
        is_returning=row["turned_at"] is not None and row["status"] == states.DELIVERING,
        awaited_since=row["awaited_since"],
        is_expected=row["expected_at"] is not None and row["expected_at"] >= row["coming_said_at"],
        live={kind: row[kind] for kind in WARNINGS if row[kind] is not None},
    )
