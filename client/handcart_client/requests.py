"""The keyword arguments of `slots`, `orders`, `dispatch` and `post_checkout`; omitted ones are not sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Required, TypedDict

from .models import Address, DesiredWindow, OrderItem, OrderUser


class _Preview(TypedDict, total=False):
    cart_total_cents: int
    items_count: int
    with_eta_options: bool
    with_priority_eta_options: bool


class PreviewDelivery(_Preview, total=False):
    """Slots of the nearest store that delivers to a postal code."""

    postal_code: Required[str]
    desired_windows: Sequence[DesiredWindow]


class PreviewPickup(_Preview, total=False):
    """Slots of a store for pickup."""

    location_code: Required[str]


class PreviewLastMile(_Preview, total=False):
    """Slots of a store (location_code), or of the nearest one to a postal code."""

    location_code: str
    postal_code: str
    units_count: float
    earliest_option_start_at: datetime


class ListDelivery(TypedDict, total=False):
    """The whole cart, the delivery address, and the store that fills the order."""

    address: Required[Address]
    location_code: Required[str]
    items: Required[Sequence[OrderItem]]
    desired_windows: Sequence[DesiredWindow]
    with_eta_options: bool
    with_priority_eta_options: bool


class ListPickup(TypedDict, total=False):
    """The whole cart, and the store that fills the order."""

    location_code: Required[str]
    items: Required[Sequence[OrderItem]]
    with_eta_options: bool


class ListLastMile(TypedDict, total=False):
    """The totals of a cart that the retailer picks, the delivery address, and the store it is collected from."""

    address: Required[Address]
    location_code: Required[str]
    cart_total_cents: Required[int]
    items_count: Required[int]
    units_count: float
    earliest_option_start_at: datetime
    with_eta_options: bool
    with_priority_eta_options: bool
    with_handoff_time: bool


class _Shopped(TypedDict, total=False):
    order_id: Required[str]
    service_option_hold_id: Required[int]
    items: Required[Sequence[OrderItem]]
    user: OrderUser
    loyalty_number: str
    special_instructions: str
    paid_with_ebt: bool
    locale: str
    metadata: Mapping[str, Any]


class CreateDelivery(_Shopped, total=False):
    """A delivery order for a held slot. locale: IETF tag, such as "en-US"."""

    address: Required[Address]
    location_code: str
    initial_tip_cents: int
    leave_unattended: bool


class CreatePickup(_Shopped, total=False):
    """A pickup order for a held slot."""

    location_code: Required[str]


class _Carried(TypedDict, total=False):
    location_code: Required[str]
    first_name: Required[str]
    last_name: Required[str]
    user_phone: Required[str]
    items_count: Required[int]
    items_weight: Required[float]
    address: Required[Address]
    initial_tip_cents: int
    bags_count: int
    cart_total: float
    bag_label: str
    alcoholic: bool
    leave_unattended: bool
    special_instructions: str
    customer_sms_opt_out: bool
    locale: str
    metadata: Mapping[str, Any]


class CreateLastMile(_Carried, total=False):
    """A last mile order for a held slot.

    items_weight: pounds. cart_total: dollars. user_phone: E.164. start_at, end_at: a window within the slot.
    """

    service_option_hold_id: Required[int]
    order_id: str
    start_at: datetime
    end_at: datetime
    bag_scan_codes: Sequence[str]
    with_handoff_time: bool


class CreateDispatch(_Carried, total=False):
    """A dispatch last mile order in a window of the retailer's choice: at least an hour, on the hour at both ends.

    items_weight: pounds. cart_total: dollars. user_phone: E.164. fallback_to_soonest_sameday: accept the soonest other
    window of that day if the wanted one is full.
    """

    order_id: Required[str]
    start_at: Required[datetime]
    end_at: Required[datetime]
    fallback_to_soonest_sameday: bool
    user_id: str
    email: str


class UpdateOrder(TypedDict, total=False):
    """Changes of a delivery or pickup order. items: the whole list, by line_num; missing lines are removed."""

    service_option_hold_id: int
    initial_tip_cents: int
    special_instructions: str
    user: OrderUser
    items: Sequence[OrderItem]


class UpdateCarried(TypedDict, total=False):
    """Changes of a last mile or dispatch order; a window needs both ends.

    service_option_id: id of a listed slot, without a hold. items_weight: pounds. cart_total: dollars.
    """

    start_at: datetime
    end_at: datetime
    service_option_id: int
    initial_tip_cents: int
    items_count: int
    bags_count: int
    items_weight: float
    cart_total: float
    alcoholic: bool
    bag_label: str
    special_instructions: str


class SetVehicle(TypedDict, total=False):
    """The vehicle that comes for an order. model: make and model. vehicle_type and color: in lower case."""

    model: str
    vehicle_type: str
    license_plate: str
    color: str
    is_pickup_delegate: bool


class StageOrder(TypedDict, total=False):
    """What waits in the staging area, and how the shopper recognizes it. items_weight: pounds."""

    items_count: int
    bags_count: int
    items_weight: float
    bag_label: str
    bag_scan_codes: Sequence[str]
