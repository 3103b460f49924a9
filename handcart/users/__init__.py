"""Connect users: the retailer's own customers under ids that the retailer chooses, and their checked addresses.

Invariants:
- a user id is unique inside its isolation context;
- creating a user again with the same content answers the first one, with other content it is refused;
- a deleted user leaves nothing but a keyed hash of the id, so that it can be called "not active" ever after.
"""
