"""The data of the log that other domains use."""

from collections.abc import Sequence

from msgspec import Struct


class Code(Struct, frozen=True, omit_defaults=True):
    """An error of a refusal: its code, and the path of the field at fault."""

    code: int | str | None
    key: str | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """A call. Times are in microseconds.

    `route`: the pattern of the path, empty if no route fits. `rule`: the function that refused. `shape`: the body with
    kinds in place of values. `client_id` and `retailer_id`: None if the caller was not proven.
    """

    id: int
    at: int
    request_id: str
    method: str
    route: str
    status: int
    milliseconds: int
    retailer_id: int | None = None
    client_id: str | None = None
    rule: str | None = None
    codes: Sequence[Code] = ()
    shape: str | None = None


class Filters(Struct, frozen=True, kw_only=True):
    """Which calls are wanted; None: any."""

    retailer_id: int | None = None
    client_id: str | None = None
    route: str | None = None
    status: int | None = None
    rule: str | None = None
    request_id: str | None = None
