"""The people who pick and deliver orders: `ops` creates them, `queries` finds them.

Owns the table `shoppers`.

Invariants:
- a shopper belongs to one retailer;
- two shoppers of a retailer never have the same phone number.
"""
