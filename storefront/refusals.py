"""Maps the platform's refusals to notices that tell the customer what to do next."""

import logging

from handcart_client import ConnectError, Forbidden, NotFound, RateLimited, ServerError, TransportError

log = logging.getLogger(__name__)

# By the refusal's field, or by its text if that is more precise.
NOTICE_OF_KEY = {
    "address": "address_too_far",
    "address_line_1": "address_refused",
    "postal_code": "address_refused",
    "location_code": "store_closed",
    "service_option_id": "slot_gone",
    "service_option_hold_id": "slot_gone",
    "items": "items_refused",
    "user.birthday": "not_of_age",
    "user.phone_number": "phone_refused",
}
NOTICE_OF_MESSAGE = {
    "too_late": "too_late",
    "Sending a message is not allowed at this time": "chat_closed",
    "Maximum total quantity of items exceeded": "too_much",
    "Maximum total weight of beverage items exceeded": "too_much",
    "Maximum quantity of large or bulky items exceeded": "too_much",
    "Invalid zip code for alcohol": "not_of_age",
}


def notice_of(error: ConnectError, what: str) -> str:
    """The notice for a refusal of `what`. The platform's own message is logged."""
    log.warning("%s: %s", what, error)
    if isinstance(error, TransportError | ServerError | RateLimited):
        return "ordering_unreachable"
    for detail in error.errors:
        notice = NOTICE_OF_MESSAGE.get(detail.message) or NOTICE_OF_KEY.get((detail.key or "").partition("[")[0])
        if notice:
            return notice
    if isinstance(error, Forbidden):
        return "not_active"
    return "slot_gone" if isinstance(error, NotFound) else "ordering_failed"


def refused_items(error: ConnectError) -> list[str]:
    """The line numbers in the error, which are the keys of products."""
    return [line_num for detail in error.errors for line_num in detail.line_nums]
