"""Shoppers, and the batches in which they pick and carry orders.

Invariants:
- an order is in one live batch at most, and only in a batch of a type that serves orders like it;
- an order that is in a live batch stands where the batch does, unless it was canceled: then the batch goes on without;
- a batch goes forward only, through every state; when its shopper drops out it ends, and its orders wait for another;
- what a shopper finds, replaces, adds and refunds is kept in the order's lines.
"""
