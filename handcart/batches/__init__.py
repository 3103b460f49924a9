"""The batches in which shoppers pick and carry orders.

Owns the tables `batches` and `batch_orders`.

Invariants:
- an order is in at most one live batch, and the type of the batch fits the kind of the order;
- an order in a live batch has the state that belongs to the batch's state, or was canceled; the batch goes on without
  orders that are canceled or completed, and ends with its last order;
- a batch only moves forward; when it is taken away from its shopper it ends, and its orders wait for another;
- a paid order that is taken away from its shopper stays in its state until the next shopper takes it over;
- the order's lines record what the shopper found, replaced, added and refunded.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["picking", "states"]
