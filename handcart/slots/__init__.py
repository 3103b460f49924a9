"""Time slots: which windows a store offers, how many orders each takes, and who holds a place for ten minutes.

Invariants:
- listing writes nothing; a slot id is a pure function of retailer, store, kind and window;
- all windows of a store and kind draw on one ledger with a row for each two hours; held and booked places together
  are never more than its capacity (the conditional write and a CHECK see to that);
- a user has one hold at most; an expired one keeps its place until somebody else needs it;
- whoever locks several rows takes them in this order: user, order, ledger rows by their key, holds.
"""
