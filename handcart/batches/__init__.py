"""The batches in which shoppers pick and carry orders.

Owns the tables `batches` and `batch_orders`.

Invariants:
- an order is in at most one live batch, and the type of the batch fits the kind of the order;
- an order in a live batch has the same state as the batch; a canceled order leaves its batch, which goes on;
- a batch only moves forward, through every state; when its shopper drops out it ends, and its orders wait for another;
- the order's lines record what the shopper found, replaced, added and refunded.
"""
