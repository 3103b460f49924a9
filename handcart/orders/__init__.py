"""Orders of four kinds: delivery, pickup, last mile and dispatch last mile.

Owns the tables `orders`, `order_words`, `order_history`, `later_events` and `signatures`.

Invariants:
- the retailer chooses the order id, which is unique at the retailer; creating an order again with the same content
  returns it;
- an order holds a place in the slot ledger from its creation until it is canceled or moved, and returns it once;
- whether the membership's benefit applies is decided at creation and never changes;
- a replacement waits for the customer's answer, and is answered once; an answer changes only by a new proposal;
- every change of an order adds a row to its history, in the same transaction.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = [
    "counting",
    "customer_words",
    "customers",
    "lines",
    "links",
    "pickup",
    "proof",
    "replacements",
    "reschedule",
    "samples",
    "states",
]
