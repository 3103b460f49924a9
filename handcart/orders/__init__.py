"""Orders of four kinds: delivery, pickup, last mile and dispatch last mile.

Invariants:
- an order id is the retailer's own and names one order for ever; creating it again with the same content answers it;
- an order holds a place in the slot ledger from its creation until it is canceled or moved, and gives it back once;
- whether the membership's benefit applies is decided at creation and never changes;
- every change of an order leaves a row in its history, in the same transaction.
"""
