"""Refusals of changes of stores and items. Pages show them in their language by `reason`."""

from handcart.core.errors import Refused

_SENTENCES = {
    "taken": "there is one with this code already: change that one",
    "upc_taken": "another item has this upc",
    "unknown_item": "there is no such item",
    "price": "write a price of at most 1,000,000",
    "no_url": "the public URL is not known: set HANDCART_PUBLIC_URL",
    "gone": "the file was imported already, or it has expired: send it again",
    "rows": "some rows cannot be used: nothing was imported",
    "unknown": "there is no such store",
    "until": "the store can be closed until a later time, for at most two days",
    "reason": "give a reason of 1 to 200 characters",
    "open": "the store is not closed",
    "by_operator": "the operator closed the store: ask the operator to change this",
}


class StoreRefused(Refused):
    """A change of a store that is refused; nothing was changed. `reason` names the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason
