"""Carts and placed orders, which the shop stores as JSON."""

from datetime import datetime

from handcart_client import Address, ServiceOptionHold
from msgspec import Struct, field

DELIVERY = "delivery"
PICKUP = "pickup"


class Store(Struct, frozen=True):
    """The store of the order."""

    location_code: str
    name: str


class Slot(Struct, frozen=True):
    """A held time slot, on the store's clock. `order_id`: the id of its order, so that it is placed only once."""

    hold_id: int
    expires_at: datetime
    start_at: datetime
    end_at: datetime
    order_id: str

    @classmethod
    def held(cls, hold: ServiceOptionHold, order_id: str) -> "Slot":
        window = hold.service_option.window
        expires_at = hold.expires_at.astimezone(window.start_at.tzinfo)
        return cls(hold.id, expires_at, window.start_at, window.end_at, order_id)


class Cart(Struct):
    """A cart: items, store, address and time slot. `refused`: items that the store cannot provide."""

    counts: dict[str, int] = field(default_factory=dict)
    kind: str = DELIVERY
    postal_code: str = ""
    store: Store | None = None
    address_line_1: str = ""
    slot: Slot | None = None
    refused: list[str] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sum(self.counts.values())

    @property
    def is_delivery(self) -> bool:
        return self.kind == DELIVERY

    @property
    def address(self) -> Address:
        return Address(address_line_1=self.address_line_1, postal_code=self.postal_code)

    def take_to(self, kind: str, postal_code: str, store: Store) -> None:
        """Change the store; address, slot and refusals of another place are removed."""
        if (kind, postal_code, store) != (self.kind, self.postal_code, self.store):
            self.slot, self.refused = None, []
        if postal_code != self.postal_code:
            self.address_line_1 = ""
        self.kind, self.postal_code, self.store = kind, postal_code, store


class Placed(Struct):
    """The shop's own data of an order, which the platform does not have, such as prices."""

    order_id: str
    cart: Cart
    fee_cents: int
    full_fee_cents: int
    tip_cents: int
