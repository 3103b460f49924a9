"""Find shoppers."""

from handcart.core.db import Tx


async def exists(tx: Tx, retailer_id: int, shopper_id: int) -> bool:
    """Whether the retailer has this shopper."""
    found = await tx.one("SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND id = $2", retailer_id, shopper_id)
    return found is not None


async def has_phone(tx: Tx, retailer_id: int, phone: str) -> bool:
    """Whether a shopper of the retailer has this phone number, given in its normal form."""
    found = await tx.one("SELECT id FROM retailer_shoppers WHERE retailer_id = $1 AND phone = $2", retailer_id, phone)
    return found is not None
