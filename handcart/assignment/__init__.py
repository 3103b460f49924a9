"""Which work goes to whom: given by hand or by the engine; orders that need a person, and what a person can do.

Owns the tables `order_warnings`, `order_claims`, `assignment_areas`, `assignment_decisions`, `assignment_pins`.

Invariants:
- an order that waits is warned about before it is too late for it, then moved once or canceled: none waits for ever;
- every other open order whose window is over gets a warning, which lives until the reason is gone;
- a picture that was announced and does not come is warned about, until it comes or is no longer awaited;
- `late_delivery` and `late_pickup` are sent once for an order, and again only when a dispatcher tells the customer;
- one engine at a time plans an area, and nothing is given twice or taken from a shopper who has accepted it;
- at most one person at a time is on an order that needs one.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = [
    "areas",
    "checks",
    "claims",
    "cycle",
    "decisions",
    "engine",
    "fitting",
    "pins",
    "planning",
    "problem",
    "remedies",
    "solver",
    "warnings",
]
