"""The people who run the network: operators, retailers' managers, store associates; their roles, and the audit log.

Owns the tables `staff`, `staff_pins`, `store_tablets` and `audit_log`.

Invariants:
- one open person per e-mail address;
- a role says which operations a person may use (`roles.py`); a retailer's people see only that retailer, a store's only
  that store;
- once there is an operator admin who can sign in, there always is one;
- a tablet is bound to one store by a one-time link; at most one person uses it, who has a role at that store;
- after five wrong PINs without a right one, no PIN of the person works at any tablet until a manager unlocks it;
- a row of the audit log never changes: the database refuses it.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["access", "audit", "pins", "roles", "tablets"]
