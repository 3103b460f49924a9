"""What must be true of stored shoppers."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"shoppers": "shoppers"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "a retailer's shopper that stands for one of the operator's stands for one that exists",
        "SELECT r.retailer_id, r.id, r.person_id FROM retailer_shoppers r LEFT JOIN shoppers s ON s.id = r.person_id"
        " WHERE r.person_id <> 0 AND s.id IS NULL",  # 0: `models.NOBODY`
    ),
    Invariant(
        "a retailer's shopper that stands for one of the operator's has no phone number or e-mail address",
        "SELECT retailer_id, id FROM retailer_shoppers WHERE person_id IS NOT NULL"
        " AND (phone IS NOT NULL OR email IS NOT NULL)",
    ),
    Invariant(
        "a closed shopper has no phone number, e-mail address or PIN",
        "SELECT id FROM shoppers WHERE closed_at IS NOT NULL"
        " AND (phone IS NOT NULL OR email IS NOT NULL OR pin_hash IS NOT NULL)",
    ),
    Invariant(
        "the shifts of a shopper do not overlap, and begin before they end",
        "SELECT a.person_id, a.id, b.id AS other FROM shifts a JOIN shifts b ON b.person_id = a.person_id"
        " WHERE a.ends_at <= a.starts_at OR (a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at)",
    ),
    Invariant(
        "a closed shopper has no position",
        "SELECT p.person_id, p.at FROM shopper_positions p JOIN shoppers s ON s.id = p.person_id"
        " WHERE s.closed_at IS NOT NULL",
    ),
    Invariant(
        "a device belongs to an open shopper",
        "SELECT d.id, d.person_id FROM sessions d LEFT JOIN shoppers s ON s.id = d.person_id AND s.closed_at IS NULL"
        " WHERE d.audience = 'shopper' AND s.id IS NULL",
    ),
    Invariant(
        "a passkey for the app belongs to an open shopper",
        "SELECT p.credential_id, p.person_id FROM passkeys p LEFT JOIN shoppers s ON s.id = p.person_id"
        " AND s.closed_at IS NULL WHERE p.audience = 'shopper' AND s.id IS NULL",
    ),
    Invariant(
        "a shopper's home store exists",
        "SELECT s.id, s.home_retailer_id, s.home_store_number FROM shoppers s LEFT JOIN stores t"
        " ON t.retailer_id = s.home_retailer_id AND t.number = s.home_store_number"
        " WHERE (s.home_retailer_id IS NOT NULL OR s.home_store_number IS NOT NULL) AND t.number IS NULL",
    ),
)
