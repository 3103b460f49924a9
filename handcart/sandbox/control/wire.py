"""Request and response bodies of Handcart's own sandbox operations. Nothing here is documented by Instacart."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import Meta, Struct

from handcart.sandbox.control.request_log import Entry
from handcart.sandbox.robot.wire import Pace, RunResponse, ScenarioName, Seed
from handcart.sandbox.state import Kind
from handcart.users.models import UserId

Timestamp = Annotated[
    str, Meta(max_length=40, description="ISO 8601 with an offset", extra_json_schema={"format": "date-time"})
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
    "robot_step",
    "callback_retry",
    "idempotency_key_expiry",
]

WhatName = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": list(get_args(What))})]


class ClockAnswer(Struct, kw_only=True):
    """The retailer's clock: `real` (the real time), `frozen` (stopped) or `moved` (runs, but shows another time)."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Frozen": {"now": "2026-11-26T14:00:00Z", "state": "frozen"}}

    now: Timestamp
    state: Literal["real", "frozen", "moved"]


class SetClockRequest(Struct, kw_only=True):
    """The time to stop the clock at, or with `frozen` false to run on from. Default of `at`: the clock's time."""

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
    """The kinds of due things to move to. Default: any."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Any": {}, "The next end of a hold": {"what": ["hold_expiry"]}}

    what: list[WhatName] | None = None


class DueAnswer(Struct):
    """A thing that was due."""

    what: What
    at: Timestamp


class RunClockResponse(ClockAnswer, kw_only=True):
    """The clock, and the due thing it moved to: null if nothing was due; then the clock did not move."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A hold ended": {
            "now": "2026-11-26T14:10:00Z",
            "state": "frozen",
            "due": {"what": "hold_expiry", "at": "2026-11-26T14:10:00Z"},
        },
        "Nothing was due": {"now": "2026-11-26T14:00:00Z", "state": "frozen", "due": None},
    }

    due: DueAnswer | None


class ResetResponse(Struct):
    """The number of removed rows, by table."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Reset": {"removed": {"orders": 2, "order_history": 5, "users": 1}}}

    removed: dict[str, int]


After = Annotated[int, Meta(ge=0, description="Only calls after this number", examples=[41])]
Limit = Annotated[int, Meta(ge=1, le=1000, description="Maximum number of calls. Default: 100")]
Status = Annotated[int, Meta(ge=100, le=599, description="Only calls answered with this status", examples=[409])]
WasRefused = Annotated[bool, Meta(description="Only calls that were refused, or only those that were not")]
Wait = Annotated[int, Meta(ge=0, le=30, description="Seconds to wait for a call, if there is none yet")]
Canonical = Annotated[
    bool, Meta(description="Leave out request ids and number the server's ids, so that logs can be compared")
]


class RequestsResponse(Struct, kw_only=True):
    """The calls, the oldest first. `last`: the number of the last call, for the next `after`."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A refused call": {
            "requests": [
                {
                    "number": 42,
                    "at": "2026-11-26T14:00:00Z",
                    "method": "GET",
                    "path": "/v2/fulfillment/users/{user_id}/link",
                    "url": "/v2/fulfillment/users/38b15dd0/link",
                    "operation": "get_user_link",
                    "status": 400,
                    "answer": {
                        "error": {"message": "User Not Linked", "code": 1001},
                        "meta": {"key": "user_id"},
                    },
                    "refusal": {
                        "message": "User Not Linked",
                        "code": 1001,
                        "key": "user_id",
                        "error": "linking.errors.user_not_linked",
                        "rule": "linking.ops.membership",
                    },
                    "request_id": "b0a1f2c3d4e5f607",
                }
            ],
            "last": 42,
        }
    }

    requests: list[Entry]
    last: int


Milliseconds = Annotated[int, Meta(ge=1, le=30_000)]


class FaultRequest(Struct, kw_only=True, omit_defaults=True):
    """A fault. It affects calls of `operation`, of `path` (as in this description) or all, or callbacks of `event`.

    It affects the next `times` of them, a random `share` chosen by `seed`, or all until it is switched off.
    A call that meets `try_again` is answered 400 with code 2003.
    """

    fault: Kind
    operation: Annotated[str, Meta(max_length=200)] | None = None
    path: Annotated[str, Meta(max_length=200)] | None = None
    event: Annotated[str, Meta(max_length=100, description="A callback's bare name, such as `picking`")] | None = None
    service_option_id: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    times: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    slow_ms: Milliseconds | None = None
    retry_after: Annotated[int, Meta(ge=1, le=3600)] | None = None


class SetFaultsRequest(Struct):
    """The new list of faults; it replaces the old one. A call meets at most one fault: the first that affects it."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "The next two are too many": {"faults": [{"fault": "rate_limited", "times": 2, "retry_after": 3}]},
        "A tenth fails": {"faults": [{"fault": "internal_error", "operation": "create_user", "share": 0.1, "seed": 7}]},
        "The next slot is gone": {"faults": [{"fault": "slot_taken", "times": 1}]},
        "The next callback comes twice": {"faults": [{"fault": "callback_duplicate", "event": "picking", "times": 1}]},
        "Slow": {"faults": [{"fault": "slow", "slow_ms": 300}]},
    }

    faults: Annotated[list[FaultRequest], Meta(max_length=100)]


class FaultAnswer(FaultRequest, kw_only=True, omit_defaults=True):
    """A fault. `seen`: calls that matched it so far; `met`: calls that it affected."""

    seen: int
    met: int


class FaultsResponse(Struct):
    """The faults that are switched on."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "One": {"faults": [{"fault": "rate_limited", "times": 2, "retry_after": 3, "seen": 1, "met": 1}]}
    }

    faults: list[FaultAnswer]


Outcome = Literal["linked", "denied", "code", "code_expired", "code_replayed", "linking_token"]


class LinkAccountRequest(Struct, kw_only=True):
    """How the linking ends, and for which account. Without `email`, the address is made up from the user's id.

    `membership_days`: days of membership from now; 0: no membership. Default: the account's membership is unchanged.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A member's account": {"membership_days": 30},
        "Denied": {"outcome": "denied"},
        "The code came too late": {"outcome": "code_expired"},
    }

    outcome: Outcome | None = None
    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^\x00]*$")] | None = None
    membership_days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    redirect_uri: Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")] | None = None
    state: Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")] | None = None


class EndpointAnswer(Struct):
    """What an endpoint answered."""

    status: int
    body: dict[str, Any]


class LinkAccountResponse(Struct, kw_only=True):
    """Where the browser was sent back to; the answers of token endpoint and link endpoint, if they were called."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Denied": {
            "email": "3f1c9a5d20be@sample-market.example",
            "redirect": "https://shop.example/link?error=access_denied&error_description=...&state=sandbox&iss=...",
            "token_answers": [],
            "link_answer": None,
        }
    }

    email: str
    redirect: str
    token_answers: list[EndpointAnswer]
    link_answer: EndpointAnswer | None


class PlaceOrderRequest(Struct, kw_only=True):
    """The sample order. `user_id`: an existing user. Default: a new user, or none for a dispatch order.

    `instacartplus_member`: link the user to a member's account. With `scenario`, the robot shopper serves the order,
    and the default of `kind` is a kind that the scenario is for.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A delivery that waits": {},
        "A member's order": {"kind": "delivery", "instacartplus_member": True},
        "An item is replaced, at once": {"scenario": "replaced", "seed": 7},
    }

    kind: Literal["delivery", "pickup", "last_mile", "dispatch"] | None = None
    user_id: UserId | None = None
    instacartplus_member: bool | None = None
    scenario: ScenarioName | None = None
    pace: Pace | None = None
    seed: Seed | None = None


class PlaceOrderResponse(Struct, kw_only=True):
    """The order as it is now. `run`: the robot shopper's run, null if the order waits for a shopper."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "It waits": {
            "order_id": "ORD-117964191237590",
            "user_id": "customer-117964191237589",
            "kind": "delivery",
            "status": "brand_new",
            "location_code": "SM-0001",
            "run": None,
        }
    }

    order_id: str
    user_id: str | None
    kind: Literal["delivery", "pickup", "last_mile", "dispatch"]
    status: str
    location_code: str
    run: RunResponse | None


EventName = Annotated[
    str, Meta(max_length=100, pattern=r"^[^\x00]*$", description="With or without the prefix `fulfillment.`")
]


class TriggerEventRequest(Struct):
    """The event to trigger. The order's kind must have it."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The order is late": {"event_name": "late_delivery"}}

    event_name: EventName


class TriggerEventResponse(Struct):
    """The event that webhooks will get."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Triggered": {"event_id": 120_259_084_288_001_024}}

    event_id: int
