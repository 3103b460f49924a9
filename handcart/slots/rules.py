"""The rules of a window: whether it is offered, still open, and allowed with alcohol. Lists and bookings share them."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.errors import ApiError
from handcart.retailers.models import Rules
from handcart.slots import errors, windows
from handcart.slots.models import DESIRED, IMMEDIATE, SCHEDULED, SOON_STEP, Slot, Window
from handcart.slots.option_ids import Offer, Option
from handcart.slots.plans import Calendar
from handcart.stores import queries as stores
from handcart.stores.models import Store

# Maximum age of the list for a slot that begins with the order, or whose lead time has passed since.
GRACE = 15 * clock.MINUTE


def is_desirable(store: Store, starts_at: int, ends_at: int) -> bool:
    """Whether a window is a valid desired window: at least an hour, on the hour at both ends.

    https://docs.instacart.com/connect/fulfillment_guide/concepts/desired_windows
    """
    return windows.start_of(store.time_zone, starts_at).at == starts_at and ends_at - starts_at in DESIRED


def allows_alcohol(rules: Rules, store: Store, window: Window) -> bool:
    """Whether alcohol may be delivered during the whole window, in the store's local time."""
    begin = windows.start_of(store.time_zone, window.starts_at).at
    return all(allows_alcohol_at(rules, store, at) for at in range(begin, window.ends_at, clock.HOUR))


def allows_alcohol_at(rules: Rules, store: Store, at: int) -> bool:
    """Whether alcohol may be handed over at a time, in the store's local time."""
    hour = windows.start_of(store.time_zone, at).hour
    since, until = rules.alcohol_from_hour, rules.alcohol_until_hour
    if since > until:  # over midnight
        return hour >= since or hour < until
    return since <= hour < until


def window_of(store: Store, option: Option) -> Window:
    """The window of an option. A window with only an end time uses the two hours around that end."""
    offer, starts_at = option.offer, option.starts_at
    if offer.type == SCHEDULED:
        starts_at = windows.start_of(store.time_zone, starts_at + clock.HOUR - 1).at
        return Window(SCHEDULED, starts_at, starts_at + offer.length, starts_at)
    ledger_starts_at = windows.start_of(store.time_zone, starts_at + offer.length - 1).at - clock.HOUR
    return Window(offer.type, starts_at, starts_at + offer.length, ledger_starts_at)


def slot_of(option_id: int, store: Store, offer: Offer, window: Window, reasons: Sequence[str] = ()) -> Slot:
    """The slot of an offer in a window; `reasons` say why it is not available."""
    return Slot(option_id, store, offer.kind, window, reasons, offer.has_alcohol, offer.ignores_lead)


def capacity(calendar: Calendar, window: Window) -> int:
    """The number of places in the two hours of the ledger that a window uses."""
    return calendar.capacity(windows.start_of(calendar.store.time_zone, window.ledger_starts_at))


def refusal(
    calendar: Calendar, rules: Rules, slot: Slot, key: str, *, has_alcohol: bool, has_lead: bool
) -> ApiError | None:
    """The error if a rule forbids a slot; places are not checked. Same rules as in a list.

    A slot that was listed within `GRACE` is not refused when its lead time or cutoff has passed since.
    """
    now = clock.now()
    if has_begun(slot.window, now):
        return errors.expired(key)
    if not stores.takes(slot.store, slot.kind) or not _is_offered(rules, slot.window, now):
        return errors.not_available(key)
    start = windows.start_of(slot.store.time_zone, slot.window.ledger_starts_at)
    has_lead = has_lead and slot.window.type == SCHEDULED
    if calendar.reason(start, now, grace=GRACE, has_lead=has_lead):
        return errors.not_available(key)
    if has_alcohol and not allows_alcohol(rules, slot.store, slot.window):
        return errors.not_available(key)
    return None


def _is_offered(rules: Rules, window: Window, now: int) -> bool:
    """Whether the retailer offers windows of this type, and a list could contain this one now."""
    if window.type == SCHEDULED:
        return True
    is_on = rules.offers_immediate if window.type == IMMEDIATE else rules.offers_eta
    return is_on and window.starts_at <= soon(now)


def soon(now: int) -> int:
    """The start of a window that begins with the order, rounded up: never before the order."""
    return -(-now // SOON_STEP) * SOON_STEP


def has_begun(window: Window, now: int) -> bool:
    """Whether it is too late for a window; one that begins with the order stays available a little longer."""
    return window.starts_at < (now if window.type == SCHEDULED else now - GRACE)
