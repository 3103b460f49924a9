"""An act of a shopper, as the app sends it, and its result."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

# An act was applied; it was applied before; it was refused; an act before it is missing, so that it must come again.
APPLIED = "applied"
SAME = "same"
REFUSED = "refused"
LATER = "later"

Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Subject = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
Version = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Act(Struct, frozen=True, kw_only=True):
    """One act. `id` is made on the device and never used again; `subject` is the batch, as `<retailer slug>/<id>`.

    `after`: the id of this shopper's act before it on the same subject. `at`: the time on the device, which is kept and
    never trusted. `seen_version`: the version of the line that the shopper saw.
    """

    id: Id
    subject: Subject
    after: Id | None = None
    verb: Name
    at: Moment
    seen_version: Version | None = None
    body: dict[str, Any] = {}


class Result(Struct, frozen=True):
    """The result of an act. A refused one has its `rule`, a sentence for the shopper, what to do with the goods."""

    id: str
    outcome: str
    rule: str | None = None
    message: str | None = None
    goods: str | None = None
