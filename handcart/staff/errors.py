"""Refusals of the operations of people."""

from handcart.core.errors import Refused
from handcart.core.web.browser import PageRefused

_SENTENCES = {
    "email": "that is not an e-mail address",
    "email_taken": "there is a person with this e-mail address: change their role, or make a new link for them",
    "name": "a person needs a name of 1 to 100 characters on one line",
    "role": "there is no such role",
    "place": "there is no such retailer, or it has no such store",
    "place_everywhere": "this role counts everywhere: leave the retailer and the store out",
    "place_retailer": "this role needs a retailer, and no store",
    "place_store": "this role needs a retailer and one of its stores",
    "closed": "there is no such person, or they were closed: look at the list of people",
    "last_admin": "this is the last operator admin: make another person an operator admin first",
}


class PersonRefused(Refused):
    """A change of a person that is refused. `reason` names the sentence, also on pages."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason


_TABLET_SENTENCES = {
    "unknown": "there is no such tablet, or it was ended",
    "name": "a tablet needs a name of 1 to 60 characters on one line",
    "store": "there is no such store",
    "not_locked": "the PIN of this person is not locked",
}


class TabletRefused(Refused):
    """A change of a tablet, or of a PIN for tablets, that is refused. `reason` names the sentence, also on pages."""

    def __init__(self, reason: str) -> None:
        super().__init__(_TABLET_SENTENCES[reason])
        self.reason = reason


class StaffPinWrong(Refused):
    """The PIN of a person is wrong. `left`: the number of tries that are left; 0: a manager must unlock the PIN."""

    def __init__(self, left: int) -> None:
        super().__init__(f"wrong PIN, {left} tries left")
        self.left = left


class TabletLocked(Refused):
    """Too many wrong PINs were typed on a tablet: a manager must make a new link for it."""

    def __init__(self) -> None:
        super().__init__("too many wrong PINs were typed on this tablet: make a new link for it")


def forbidden() -> PageRefused:
    """The role of the person does not include the operation, or not at this retailer or store."""
    return PageRefused(403, "forbidden")
