"""The routes of Handcart's own sandbox operations: path, handler, and the errors that each may return."""

from collections.abc import Sequence

from handcart.core import errors
from handcart.core.web.call import Route
from handcart.events.kinds import KINDS
from handcart.linking import errors as linking_errors
from handcart.orders import errors as order_errors
from handcart.retailers.models import RetailerId
from handcart.sandbox.control import api, clock
from handcart.sandbox.control.errors import no_event_of_it, not_sent
from handcart.sandbox.control.wire import (
    AdvanceClockRequest,
    After,
    Canonical,
    ClockAnswer,
    FaultsResponse,
    Limit,
    LinkAccountRequest,
    LinkAccountResponse,
    PlaceOrderRequest,
    PlaceOrderResponse,
    RequestsResponse,
    ResetResponse,
    RunClockRequest,
    RunClockResponse,
    SetClockRequest,
    SetFaultsRequest,
    Status,
    TriggerEventRequest,
    TriggerEventResponse,
    Wait,
    WasRefused,
)
from handcart.sandbox.documented.errors import email_taken
from handcart.sandbox.documented.wire import OrderId
from handcart.sandbox.robot.scenarios import SCENARIOS
from handcart.sandbox.routes import route
from handcart.users import errors as user_errors
from handcart.users.models import UserId

ROUTES: Sequence[Route] = (
    route("GET", "clock", "get_clock", api.get_clock, "Read the clock", tx="read", response=ClockAnswer),
    route(
        "PUT",
        "clock",
        "set_clock",
        api.set_clock,
        "Stop the clock, or set it",
        tx="write",
        body=SetClockRequest,
        response=ClockAnswer,
        refusals=(errors.invalid("at"),),
    ),
    route(
        "POST",
        "clock/advance",
        "advance_clock",
        api.advance_clock,
        "Move the clock forward",
        tx="write",
        body=AdvanceClockRequest,
        response=ClockAnswer,
    ),
    route(
        "POST",
        "clock/next",
        "run_clock",
        api.run_clock,
        "Move the clock to the next thing that is due",
        tx="write",
        body=RunClockRequest,
        response=RunClockResponse,
        refusals=(errors.unknown("what[0]", "hold_expry", clock.DUE),),
    ),
    route(
        "DELETE",
        "clock",
        "release_clock",
        api.release_clock,
        "Return the clock to the real time",
        tx="write",
        response=ClockAnswer,
    ),
    route(
        "POST",
        "reset",
        "reset",
        api.reset_retailer,
        "Remove what the retailer's calls have made",
        response=ResetResponse,
    ),
    route(
        "GET",
        "requests",
        "get_requests",
        api.get_requests,
        "Read the request log, or follow it",
        parameters={
            "after": After,
            "limit": Limit,
            "status": Status,
            "refused": WasRefused,
            "wait": Wait,
            "canonical": Canonical,
            "X-Retailer-Id": RetailerId,
        },
        response=RequestsResponse,
        refusals=tuple(errors.invalid(name) for name in ("after", "limit", "status", "refused", "wait", "canonical")),
    ),
    route("GET", "faults", "get_faults", api.get_faults, "Read the faults", tx="read", response=FaultsResponse),
    route(
        "PUT",
        "faults",
        "set_faults",
        api.set_faults,
        "Switch faults on",
        tx="write",
        body=SetFaultsRequest,
        response=FaultsResponse,
        refusals=(
            errors.unknown("faults[0].operation", "create_usr", ["create_user"], lists=False),
            errors.unknown("faults[0].event", "late_delivry", KINDS),
            errors.blank("faults[0].slow_ms"),
        ),
    ),
    route(
        "DELETE", "faults", "clear_faults", api.clear_faults, "Switch faults off", tx="write", response=FaultsResponse
    ),
    route(
        "POST",
        "users/{user_id}/link",
        "link_account",
        api.link_account,
        "Link an account without a browser",
        tx="write",
        parameters={"user_id": UserId, "X-Retailer-Id": RetailerId},
        body=LinkAccountRequest,
        response=LinkAccountResponse,
        refusals=(
            user_errors.user_not_found(),
            user_errors.user_not_active(),
            email_taken(),
            linking_errors.user_already_linked(),
            linking_errors.account_already_linked(),
            errors.invalid("redirect_uri"),
        ),
    ),
)

ORDER_ROUTES: Sequence[Route] = (
    route(
        "POST",
        "orders",
        "place_order",
        api.place_order,
        "Place a sample order",
        tx="write",
        body=PlaceOrderRequest,
        response=PlaceOrderResponse,
        refusals=(
            user_errors.user_not_found(),
            user_errors.user_not_active(),
            errors.unknown("scenario", "repalced", SCENARIOS),
            order_errors.no_free_slot(),
            order_errors.nothing_to_sell(),
        ),
        description="The server chooses customer, address, cart and time slot. Without `scenario`, the order waits"
        " for a shopper, like any other order.",
    ),
    route(
        "POST",
        "orders/{order_id}/events",
        "trigger_event",
        api.trigger_event,
        "Trigger an event about an order",
        tx="write",
        parameters={"order_id": OrderId, "X-Retailer-Id": RetailerId},
        body=TriggerEventRequest,
        response=TriggerEventResponse,
        refusals=(
            order_errors.order_not_found(),
            errors.unknown("event_name", "late_delivry", KINDS),
            no_event_of_it(KINDS["late_pickup"].options),
            not_sent(),
        ),
        description="The event describes the order as it is now. Without a shopper it has a sample name, and `canceled`"
        " of an order that is not canceled has a sample reason. The order does not change.",
    ),
)
