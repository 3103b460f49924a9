"""The people who pick and deliver orders: `ops` creates and changes them, `queries` finds them.

They sign in to the shopper's app by `invitations`, and unlock it by `pins` or `passkeys`. `positions` says where they
are.

`shifts` says when they are planned to work.

Owns the tables `shoppers`, `retailer_shoppers`, `shopper_positions` and `shifts`.

Invariants:
- a shopper belongs to the operator, not to one retailer; two open shoppers never have the same phone number;
- a retailer shopper is the shopper as one retailer's client sees it, the wire's shopper: a shadow of one of the
  operator's shoppers, or made by a call that only a development server has;
- two retailer shoppers of a retailer never have the same phone number;
- a closed shopper has no phone number, e-mail address, PIN, passkey or position, and no device;
- the shifts of a shopper do not overlap; a closed shopper has none that begin later;
- a new invitation that is used removes the shopper's passkeys;
- a new PIN locks the shopper's other devices.
"""

# Modules that other domains may import, besides ops, queries, errors and models.
__all__ = ["invitations", "passkeys", "pins", "positions", "shifts"]
