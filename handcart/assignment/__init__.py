"""Which work goes to whom: given and taken away by hand; orders that need a person, and what a person can do.

Owns the tables `order_warnings` and `order_claims`.

Invariants:
- an order that waits is warned about before it is too late for it, then moved once or canceled: none waits for ever;
- every other open order whose window is over gets a warning, which lives until the reason is gone;
- a picture that was announced and does not come is warned about, until it comes or is no longer awaited;
- `late_delivery` and `late_pickup` are sent once for an order, and again only when a dispatcher tells the customer;
- at most one person at a time is on an order that needs one.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["checks", "claims", "fitting", "problem", "remedies", "solver", "warnings"]
