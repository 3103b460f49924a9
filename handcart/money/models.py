"""The data of money that other domains use. Amounts in cents."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.core.errors import Refused

FEE_ORDER, FEE_GOODS, FEE_MINIMUM = "fee_order", "fee_goods", "fee_minimum"
TIP = "tip"
PAY_BATCH, PAY_ITEM, PAY_MILE = "pay_batch", "pay_item", "pay_mile"
GOODS, REFUND = "goods", "refund"
FEES = (FEE_ORDER, FEE_GOODS, FEE_MINIMUM)
# What a retailer owes the operator, and what a shopper gets.
DUE = (*FEES, TIP)
PAY = (PAY_BATCH, PAY_ITEM, PAY_MILE)
# What a statement tells, and nobody owes.
TOLD = (GOODS, REFUND)
KINDS = (*TOLD, *DUE, *PAY)
# The largest fee or rate, in cents, and the largest share of the goods, in hundredths of a per cent.
MOST_CENTS = 1_000_000
MOST_POINTS = 10_000


class Fees(Struct, frozen=True, kw_only=True):
    """What a retailer pays from a day on: for each completed order, a share of its goods, at least so much in a month.

    `goods_basis_points`: hundredths of a per cent of the receipt's total.
    """

    valid_from: str
    delivery_cents: int = 0
    pickup_cents: int = 0
    last_mile_cents: int = 0
    dispatch_cents: int = 0
    goods_basis_points: int = 0
    minimum_cents: int = 0
    set_at: int = 0
    set_by: str = ""


class Pay(Struct, frozen=True, kw_only=True):
    """What shoppers get from a day on: for each batch by its type, for each piece, for each mile to the customer."""

    valid_from: str
    delivery_cents: int = 0
    pickup_cents: int = 0
    delivery_only_cents: int = 0
    runner_customer_cents: int = 0
    item_cents: int = 0
    mile_cents: int = 0
    set_at: int = 0
    set_by: str = ""


class Line(Struct, frozen=True):
    """An amount. `person_id`, `batch_id`: 0 for none.

    `quantity`: orders, pieces, hundredths of a mile or of a per cent.
    """

    retailer_id: int
    order_id: str
    month: str
    kind: str
    person_id: int
    batch_id: int
    at: int
    quantity: int
    cents: int
    is_correction: bool


class Sum(Struct, frozen=True):
    """The lines of a kind in a month, of all shoppers or of one."""

    kind: str
    person_id: int
    quantity: int
    cents: int


class Share(Struct, frozen=True):
    """What a shopper gets of a retailer's month."""

    person_id: int
    tips: int
    pay: int

    @property
    def cents(self) -> int:
        return self.tips + self.pay


class Statement(Struct, frozen=True):
    """What a retailer owes for a month. `closed_at` None: the month can still change.

    `sums`: by kind. `shares`: what shoppers get of it. The rest, `operator`, is the operator's; it can be negative.
    """

    retailer_id: int
    month: str
    closed_at: int | None
    sums: dict[str, Sum]
    shares: Sequence[Share]

    def cents(self, kind: str) -> int:
        """The amount of a kind."""
        return self.sums[kind].cents if kind in self.sums else 0

    @property
    def orders(self) -> int:
        """The number of completed orders."""
        return self.sums[FEE_ORDER].quantity if FEE_ORDER in self.sums else 0

    @property
    def due(self) -> int:
        """What the retailer owes, before taxes."""
        return sum(map(self.cents, DUE))

    @property
    def operator(self) -> int:
        """What remains for the operator: fees and tips that no shopper gets, less the pay."""
        passed_on = sum(share.tips for share in self.shares)
        return sum(map(self.cents, FEES)) + self.cents(TIP) - passed_on - sum(map(self.cents, PAY))


class Payout(Struct, frozen=True):
    """What a shopper gets of a month, at all retailers."""

    person_id: int
    name: str
    tips: int
    pay: int

    @property
    def cents(self) -> int:
        return self.tips + self.pay


class MoneyRefused(Refused):
    """A change or a question about money that is refused. `reason`: the name of the rule."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason


_SENTENCES = {
    "month": "a month is written as 2027-12",
    "day": "a day is written as 2027-12-31",
    "amount": f"an amount has at most {MOST_CENTS} cents, and a share of the goods {MOST_POINTS // 100} per cent",
    "closed": "the day is in a month that is closed: choose a later day",
    "not_over": "the month is not over yet: close it on the first day of the next one",
    "earlier_open": "an earlier month is still open: close that first",
    "still_counting": "some orders that ended are not counted yet: let the worker run, and try again in a minute",
    "changed": "the amounts were changed in the meantime: look at them, and write yours again",
    "shopper": "there is no such shopper",
    "period": "a period begins before it ends, and has at most 92 days",
}
