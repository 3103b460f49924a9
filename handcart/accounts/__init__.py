"""The platform's own customers: accounts, their passwords, membership periods.

Owns the tables `accounts` and `memberships`.

Invariants:
- one account per e-mail address (kept in lower case) and organization; accounts of no organization are the platform's,
  the others were made by calls of an organization's client;
- an account counts from when its owner has confirmed the address (`confirmed_at`); accounts that an operator or an
  organization's client makes are confirmed at once;
- an account is a member while one of its membership periods covers the current time.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["browser", "self_service"]
