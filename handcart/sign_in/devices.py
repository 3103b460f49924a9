"""Sessions that are devices: lock them, and unlock them within a limit of wrong PINs."""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.sign_in.models import Audience

#: After this number of wrong PINs without a right one, the session ends.
MOST_WRONG_PINS = 5

_COUNT = "UPDATE sessions SET wrong_pins = wrong_pins + 1 WHERE id = $1 AND wrong_pins < $2 RETURNING wrong_pins"


async def count_pin(tx: Tx, device_id: int, most: int = MOST_WRONG_PINS) -> int | None:
    """Count a PIN as wrong before it is checked. Returns the number of tries that are left after it, of `most`.

    None: no try was left. Tries at the same time are counted one after the other.
    """
    row = await tx.one(_COUNT, device_id, most)
    return None if row is None else most - row["wrong_pins"]


async def uncount_pin(tx: Tx, device_id: int, number: int = 1) -> None:
    """Take back a number of counted PINs, or all if there are fewer."""
    await tx.run(
        "UPDATE sessions SET wrong_pins = CASE WHEN wrong_pins > $2 THEN wrong_pins - $2 ELSE 0 END WHERE id = $1",
        *(device_id, number),
    )


async def unlock(tx: Tx, device_id: int) -> bool:
    """Unlock a device and forget its wrong PINs; False if it has ended."""
    unlocked = await tx.run(
        "UPDATE sessions SET wrong_pins = 0, unlocked_at = $2, seen_at = $2 WHERE id = $1",
        device_id,
        clock.of_process(),
    )
    return unlocked > 0


async def lock(tx: Tx, device_id: int) -> None:
    """Lock a device until its person unlocks it."""
    await tx.run("UPDATE sessions SET unlocked_at = NULL WHERE id = $1", device_id)


async def lock_all(tx: Tx, audience: Audience, person_id: int, besides: int | None = None) -> None:
    """Lock all devices of a person, besides one."""
    await tx.run(
        "UPDATE sessions SET unlocked_at = NULL WHERE audience = $1 AND person_id = $2"
        " AND (CAST($3 AS BIGINT) IS NULL OR id <> $3)",
        audience.name,
        person_id,
        besides,
    )
