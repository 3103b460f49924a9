"""Users are counted; the invariants about users belong to the domains whose rows refer to them."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"users": "users"}
INVARIANTS: Sequence[Invariant] = ()
