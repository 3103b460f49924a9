"""The data of chats that other domains use."""

import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

CUSTOMER = "customer"
SHOPPER = "shopper"
SENDERS = (CUSTOMER, SHOPPER)

#: Maximum number of Unicode characters of a text. A line break is one character.
MOST_CHARACTERS = 1000

# The fixed phrases by id, and who can say them. Each reader sees them in their own language: the texts are
# `chat.phrase.<id>` in `chat/locales` and in the texts of the shopper's app.
PHRASES: Mapping[str, Sequence[str]] = {
    # When the shopper begins, and while the shopper picks.
    "hello": (SHOPPER,),
    "started": (SHOPPER,),
    "look_at_replacements": (SHOPPER,),
    "is_replacement_ok": (SHOPPER,),
    "none_left": (SHOPPER,),
    "anything_else": (SHOPPER,),
    "few_more_minutes": (SHOPPER,),
    "at_checkout": (SHOPPER,),
    # On the way, and at the door.
    "on_my_way": (SHOPPER,),
    "running_late": (SHOPPER,),
    "outside": (SHOPPER,),
    "left_at_door": (SHOPPER,),
    "cannot_find_address": (SHOPPER,),
    "cannot_get_in": (SHOPPER,),
    "no_answer": (SHOPPER,),
    # What both can say.
    "yes": SENDERS,
    "no": SENDERS,
    "thanks": SENDERS,
    "one_moment": SENDERS,
    "please_call": SENDERS,
    # What the customer can say.
    "good_choice": (CUSTOMER,),
    "refund_please": (CUSTOMER,),
    "you_choose": (CUSTOMER,),
    "leave_at_door": (CUSTOMER,),
    "ring_bell": (CUSTOMER,),
    "coming_out": (CUSTOMER,),
}


class Sender(Struct, frozen=True):
    """Who writes. `kind`: customer or shopper. `person_id`: the operator's shopper; None for others."""

    kind: str
    person_id: int | None = None


class Said(Struct, frozen=True):
    """What somebody writes: a phrase by its id, or a text, or a picture, or a text with a picture.

    `picture_id`: a picture that `ops.keep_picture` has stored. `has_picture`: the picture of the shopper's act
    `act_id`, which may be stored later. `act_id`: the sender's own id of the message; the same twice is one message.
    """

    body: str | None = None
    phrase: str | None = None
    picture_id: str | None = None
    act_id: str | None = None
    has_picture: bool = False


class Message(Struct, frozen=True):
    """A message. `shopper_id`: the retailer's shopper who wrote it, or to whom the customer wrote it.

    `picture`: the subject of its picture, which `pictures.queries.of_subject` finds. Times in microseconds.
    """

    id: int
    sender: str
    shopper_id: int
    person_id: int | None
    act_id: str | None
    phrase: str | None
    body: str | None
    picture: str | None
    sent_at: int
    read_at: int | None

    @property
    def is_read(self) -> bool:
        return self.read_at is not None


# Line breaks and tabs are the only control characters that a text may have.
_ALLOWED = "\n\t"
# Spaces, control and format characters. An emoji that is newer than this Python has no category, and is seen.
_UNSEEN = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def normal(text: str) -> str:
    """A text as it is stored: each line break is one character, without space at the beginning and the end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def has_control_characters(text: str) -> bool:
    """Whether a text has characters that a terminal would obey, or that PostgreSQL cannot store."""
    return any(unicodedata.category(one) in ("Cc", "Cs") and one not in _ALLOWED for one in text)


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of a text: format characters and spaces alone show nothing."""
    return any(unicodedata.category(one) not in _UNSEEN for one in text)
