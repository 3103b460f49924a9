"""The bodies of acts: what each verb needs to know."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from handcart.stores.models import Count, ItemName, Weight

_OrderId = Annotated[str, Meta(min_length=1, max_length=255)]
_LineNum = Annotated[str, Meta(min_length=1, max_length=255)]
_Text = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
_Code = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
# What the chat refuses (`chat.ops.say`), such as a text with 1,001 characters, is refused there.
_Words = Annotated[str, Meta(min_length=1, max_length=2000)]
_MessageId = Annotated[str, Meta(pattern=r"^[0-9]{1,16}\Z")]
_Codes = Annotated[list[_Code], Meta(max_length=200)]


class Nothing(Struct, frozen=True):
    """No fields."""


class OfOrder(Struct, frozen=True):
    """The order."""

    order: _OrderId


class OfLine(Struct, frozen=True):
    """The order, and the number of the line."""

    order: _OrderId
    line: _LineNum


class ScannedCode(Struct, frozen=True):
    """A barcode, such as one of the type `upca`."""

    scanned_string: _Code
    scanned_string_type: _Code


_Scans = Annotated[list[ScannedCode], Meta(max_length=1000)]


class Find(Struct, frozen=True):
    """The line with the amount that was found. `unscanned`: how the product was known if it was not scanned."""

    order: _OrderId
    line: _LineNum
    count: Count | None = None
    weight: Weight | None = None
    scans: _Scans | None = None
    unscanned: Literal["digits", "picture"] | None = None


class Replace(Struct, frozen=True):
    """The line, and the item that takes its place."""

    order: _OrderId
    line: _LineNum
    item: ItemName
    count: Count | None = None
    weight: Weight | None = None
    scans: _Scans | None = None
    unscanned: Literal["digits", "picture"] | None = None


class Add(Struct, frozen=True):
    """An item that the customer asked for: pieces or a weight. Default: one piece."""

    order: _OrderId
    item: ItemName
    count: Count | None = None
    weight: Weight | None = None
    scans: _Scans | None = None


class Checkout(Struct, frozen=True):
    """The receipt of the till. `rest_found`: lines without a report count as found, or refunded after a refusal."""

    receipt_number: _Text | None = None
    total_cents: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    rest_found: bool = False


class PackedBag(Struct, frozen=True):
    """A bag by its label."""

    code: _Code
    kind: Literal["ambient", "cold", "frozen", "hot"] = "ambient"


class Pack(Struct, frozen=True):
    """The bags of an order: all of them, also those of an act before."""

    order: _OrderId
    bags: Annotated[list[PackedBag], Meta(max_length=100)]


class Stage(Struct, frozen=True):
    """Where the bags of an order were put away, and the labels that were scanned there."""

    order: _OrderId
    place: _Text
    scans: _Codes


class VerifyBags(Struct, frozen=True):
    """The labels that were scanned before an order leaves the store."""

    order: _OrderId
    scans: _Codes = []


class Deliver(Struct, frozen=True):
    """How an order was given to the customer. `photo`: a picture with the id of this act was taken."""

    order: _OrderId
    how: Literal["handed_over", "left"]
    pin: _Code | None = None
    age: Literal["scanned", "looked_at"] | None = None
    photo: bool = False
    received_by: _Text | None = None


class BringBack(Struct, frozen=True):
    """Why an order cannot be given to the customer; `alcohol_only`: its alcohol cannot, and the rest is delivered."""

    order: _OrderId
    reason: Literal[
        "nobody_there",
        "not_of_age",
        "customer_refused",
        "wrong_address",
        "no_access",
        "goods_damaged",
        "not_signed",
        "alcohol_only",
    ]


class Returned(Struct, frozen=True):
    """The order is back at the store. `alcohol_count`: the bottles and cans of alcohol that the staff counted."""

    order: _OrderId
    alcohol_count: Count | None = None


class DropOut(Struct, frozen=True):
    """Why the shopper gives the work back."""

    reason: _Text


class Say(Struct, frozen=True):
    """A phrase of the chat by its id, or a text, or a picture with the id of this act, with or without a text."""

    order: _OrderId
    phrase: _Text | None = None
    text: _Words | None = None
    picture: bool = False


class Read(Struct, frozen=True):
    """The newest message of the customer that the shopper saw."""

    order: _OrderId
    until: _MessageId
