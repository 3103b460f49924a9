"""The people who pick and deliver orders: `ops` creates them, `queries` finds them.

Owns the tables `shoppers` and `retailer_shoppers`.

Invariants:
- a shopper belongs to the operator, not to one retailer; two open shoppers never have the same phone number;
- a retailer shopper is the shopper as one retailer's client sees it, the wire's shopper: a shadow of one of the
  operator's shoppers, or made by a call that only a development server has;
- two retailer shoppers of a retailer never have the same phone number.
"""
