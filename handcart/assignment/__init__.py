"""Which work goes to whom: given and taken away by hand; orders that nobody takes in time.

Owns the table `order_warnings`.

Invariants:
- an order that waits is warned about before it is too late for it, then moved once or canceled: none waits for ever;
- every other open order whose window is over gets a warning, which lives until the reason is gone;
- `late_delivery` and `late_pickup` are sent once for an order.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["fitting"]
