"""Which work goes to whom: given and taken away by hand; orders that nobody takes in time.

Owns the table `order_warnings`.

Invariants:
- an order that waits is warned about before it is too late for it, and then moved or canceled: none waits for ever.
"""
