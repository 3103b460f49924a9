"""Connect users: the retailer's own customers, under ids that the retailer chooses, and their validated addresses.

Owns the tables `users`, `addresses` and `deleted_users`.

Invariants:
- a user id is unique inside its isolation context;
- creating a user again with the same content returns the existing user; with other content it is refused;
- of a deleted user this domain keeps only a keyed hash of the id, so that later requests get "not active".
"""
