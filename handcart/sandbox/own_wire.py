"""Request and response bodies of Handcart's own sandbox operations. Nothing here is documented by Instacart."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

Timestamp = Annotated[
    str, Meta(max_length=40, description="ISO 8601, UTC without an offset", extra_json_schema={"format": "date-time"})
]
Seconds = Annotated[int, Meta(ge=1, le=315_360_000, description="Up to ten years")]
What = Literal[
    "hold_expiry",
    "window_start",
    "window_end",
    "membership_start",
    "membership_end",
    "token_expiry",
    "code_expiry",
    "authorization_request_expiry",
    "idempotency_key_expiry",
]


class ClockAnswer(Struct, kw_only=True):
    """The retailer's clock: `real` (the real time), `frozen` (it stands) or `moved` (it goes, away from the real)."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Frozen": {"now": "2026-11-26T14:00:00Z", "state": "frozen"}}

    now: Timestamp
    state: Literal["real", "frozen", "moved"]


class SetClockRequest(Struct, kw_only=True):
    """Where the clock is to stand, or with `frozen` false to go on from. Without `at`: where it is."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Freeze at a time": {"at": "2026-11-26T14:00:00Z"},
        "Freeze now": {},
        "Go on from a time": {"at": "2026-11-26T14:00:00Z", "frozen": False},
    }

    at: Timestamp | None = None
    frozen: bool | None = None


class AdvanceClockRequest(Struct, kw_only=True):
    """How far to move the clock forward."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Past the end of a hold": {"seconds": 601}}

    seconds: Seconds


class RunClockRequest(Struct, kw_only=True):
    """Which things due to run to; without `what`: any."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Any": {}, "The next end of a hold": {"what": ["hold_expiry"]}}

    what: list[What] | None = None


class DueAnswer(Struct):
    """What was due."""

    what: What
    at: Timestamp


class RunClockResponse(ClockAnswer, kw_only=True):
    """The clock, and what it ran to: null when nothing was due, and the clock is where it was."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A hold ended": {
            "now": "2026-11-26T14:10:00Z",
            "state": "frozen",
            "due": {"what": "hold_expiry", "at": "2026-11-26T14:10:00Z"},
        },
        "Nothing was due": {"now": "2026-11-26T14:00:00Z", "state": "frozen", "due": None},
    }

    due: DueAnswer | None
