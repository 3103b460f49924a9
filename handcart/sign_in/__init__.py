"""Signing in, for every kind of people: passwords, one-time links, sessions by audience, limits.

The kinds themselves are domains to the right (customers in `accounts`, the operator's people in `staff`, `shoppers`),
which own the password hashes.

Owns the tables `sessions`, `passkeys` and `one_time_links`.

Invariants:
- a password is stored as an argon2id hash, a session's cookie as a keyed hash;
- a session has one audience, which decides its cookies, their path and its lifetimes;
- a one-time link works once; of one purpose, a person has at most one that works; its token is stored as a keyed hash;
- a shopper's session is a device, which a PIN or a passkey unlocks; five wrong PINs end it (`devices`);
- wrong passwords are limited per address, and per address and account; tries from other addresses never block a
  person (`limits.count`); a browser that has signed in with the current password has its own limit.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["browser", "devices", "forms", "limits", "links", "passkeys", "passwords", "sessions"]
