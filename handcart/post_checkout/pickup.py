"""Pick up an order: instructions, vehicle, delegate, on the way, arrival."""

from collections.abc import Mapping, Sequence

from handcart.batches import ops as batches
from handcart.core import clock, errors
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.core.web.wire import Empty, SuccessResponse
from handcart.orders import errors as order_errors
from handcart.orders import pickup
from handcart.orders.models import Order, Vehicle
from handcart.post_checkout.endpoints import FIND, PATH, endpoint
from handcart.post_checkout.orders import find, lock
from handcart.post_checkout.wire import (
    ArrivalRequest,
    GetVehicleResponse,
    InstructionImage,
    PickupDelegateRequest,
    PickupDetailsResponse,
    PickupInstruction,
    SchedulePickupRequest,
    VehicleInfo,
    VehicleRequest,
    VehicleResponse,
)
from handcart.stores import pickup as store_pickup
from handcart.stores import queries as stores

# The documentation shows the hex value of silver only.
_HEX: Mapping[str, str] = {
    "black": "#000000",
    "blue": "#1F4E9A",
    "brown": "#6B4423",
    "gray": "#808080",
    "green": "#2E7D32",
    "yellow": "#FDD835",
    "orange": "#F57C00",
    "red": "#C62828",
    "silver": "#E8E8E8",
    "white": "#FFFFFF",
}


async def get_details(tx: Tx, call: Call) -> PickupDetailsResponse:
    order = await _find(tx, call)
    location_code = await stores.location_code(tx, call.caller.retailer_id, order.store_number)
    found = await store_pickup.instructions(tx, call.caller.retailer_id, location_code)
    return PickupDetailsResponse(
        [
            PickupInstruction(
                one.category, one.instruction, [InstructionImage(image.url, image.value) for image in one.images]
            )
            for one in found
        ]
    )


async def get_vehicle(tx: Tx, call: Call) -> GetVehicleResponse:
    vehicle = (await _find(tx, call)).details.vehicle
    return GetVehicleResponse(None if vehicle is None else _info(vehicle))


async def set_vehicle(tx: Tx, call: Call) -> VehicleResponse:
    body: VehicleRequest = call.body
    vehicle = await pickup.set_vehicle(
        tx,
        call.caller.retailer_id,
        await lock(tx, call),
        model=body.model,
        vehicle_type=body.vehicle_type,
        license_plate=body.license_plate,
        color=body.color,
        is_delegate=bool(body.is_pickup_delegate),
    )
    return VehicleResponse(_info(vehicle))


async def set_delegate(tx: Tx, call: Call) -> Empty:
    body: PickupDelegateRequest = call.body
    await pickup.set_delegate(tx, call.caller.retailer_id, await lock(tx, call), body.name, body.phone_number)
    return Empty()


async def arrive(tx: Tx, call: Call) -> SuccessResponse:
    body: ArrivalRequest = call.body
    order = await lock(tx, call)
    await batches.arrive(tx, call.caller.retailer_id, order, is_delegate=bool(body.is_pickup_delegate))
    return SuccessResponse(success=True)


async def schedule(tx: Tx, call: Call) -> SuccessResponse:
    body: SchedulePickupRequest = call.body
    order = await lock(tx, call)
    coming_at = clock.from_wire(body.schedule_pickup_eta, "schedule_pickup_eta")
    await pickup.schedule(tx, call.caller.retailer_id, order, coming_at)
    return SuccessResponse(success=True)


async def _find(tx: Tx, call: Call) -> Order:
    order = await find(tx, call)
    pickup.require_pickup(order)
    return order


def _info(vehicle: Vehicle) -> VehicleInfo:
    return VehicleInfo(
        id=vehicle.id,
        model=vehicle.model,
        vehicle_type=vehicle.vehicle_type,
        license_plate=vehicle.license_plate,
        color=vehicle.color,
        color_hex=_HEX.get(vehicle.color),
    )


_PICKUP = f"{PATH}/pickup"
_FIND = (*FIND, order_errors.not_pickup(), order_errors.too_late())

ROUTES: Sequence[Route] = (
    endpoint(
        "get_order_pickup_details",
        f"{_PICKUP}/details",
        get_details,
        "Get pickup instructions",
        "pickup/get_order_pickup_details",
        method="GET",
        response=PickupDetailsResponse,
        refusals=_FIND,
    ),
    endpoint(
        "get_vehicle_info",
        f"{_PICKUP}/vehicle_info",
        get_vehicle,
        "Get vehicle information",
        "pickup/get_vehicle_info",
        method="GET",
        response=GetVehicleResponse,
        refusals=_FIND,
    ),
    endpoint(
        "create_update_vehicle_info",
        f"{_PICKUP}/vehicle_info",
        set_vehicle,
        "Create or update vehicle information",
        "pickup/create_update_vehicle_info",
        method="PUT",
        body=VehicleRequest,
        response=VehicleResponse,
        refusals=(
            *_FIND,
            order_errors.not_included("vehicle_type"),
            order_errors.not_included("color"),
            errors.invalid("is_pickup_delegate"),
        ),
    ),
    endpoint(
        "record_user_arrival",
        f"{_PICKUP}/user_arrived",
        arrive,
        "Record a customer's arrival",
        "pickup/record_user_arrival",
        body=ArrivalRequest,
        response=SuccessResponse,
        refusals=(
            *FIND,
            order_errors.not_staged(),
            order_errors.no_pickup_status(),
            errors.invalid("is_pickup_delegate"),
        ),
    ),
    endpoint(
        "schedule_pickup",
        f"{_PICKUP}/schedule_pickup",
        schedule,
        "Schedule a pickup",
        "pickup/schedule_pickup",
        body=SchedulePickupRequest,
        response=SuccessResponse,
        refusals=(*_FIND, order_errors.not_staged(), order_errors.has_delegate()),
    ),
    endpoint(
        "create_update_pickup_delegate",
        f"{PATH}/pickup_delegate",
        set_delegate,
        "Create or update a pickup delegate",
        "pickup/create_update_pickup_delegate",
        method="PUT",
        body=PickupDelegateRequest,
        response=Empty,
        refusals=_FIND,
    ),
)
