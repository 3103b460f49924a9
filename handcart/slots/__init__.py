"""Time slots: the windows that a store offers, their capacity, and holds, which keep a place for ten minutes.

Owns the tables `slot_plans`, `slot_exceptions`, `slot_ledger` and `holds`. `holds.is_counted`:
whether `slot_ledger.held` includes this hold; false once an expired hold's place was freed.

Invariants:
- listing writes nothing; a slot id is a pure function of retailer, store, kind and window;
- all windows of a store and kind share one ledger with a row for each two hours; held and booked places together
  never exceed the row's capacity (enforced by a conditional write and a CHECK);
- a user has at most one hold; an expired hold keeps its place until another hold or order needs it;
- rows are locked in this order: user, order, ledger rows by their key, holds.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["changes", "files", "invariants", "ledger", "listing", "planning", "plans", "rules", "windows"]
