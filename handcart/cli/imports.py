"""What the commands that import a file share: refused rows, and progress."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from handcart.cli.options import echo, show, write
from handcart.cli.progress import Progress
from handcart.core.db import Tx

T = TypeVar("T")
_MOST_LINES = 100


def save_rows(rows: Any, save: Any, what: str, retailer: str, as_json: bool, database: dict[str, Any]) -> None:
    if rows.refused:
        for line in rows.refused[:_MOST_LINES]:
            echo(line, err=True)
        count = sum(reason.rows for reason in rows.reasons.values())
        many = f"{count:,} {'row' if count == 1 else 'rows'} cannot be used: nothing was imported."
        show(as_json, {"imported": 0, "new": 0, "changed": 0, "refused": rows.refused[:_MOST_LINES]}, many)
        sys.exit(1)

    from handcart.retailers import ops as retailers

    async def save_all(tx: Tx) -> int:
        new: int = await save(tx, (await retailers.require(tx, retailer)).id, _with_progress(rows.good, what))
        return new

    new = write(database, save_all)
    changed = len(rows.good) - new
    counts = {"imported": len(rows.good), "new": new, "changed": changed, "refused": []}
    show(as_json, counts, f"{what.capitalize()} imported: {len(rows.good):,} ({new:,} new, {changed:,} changed).")


def _with_progress(rows: Sequence[T], what: str) -> Iterator[T]:
    with Progress() as progress:
        for done, one in enumerate(rows, 1):
            yield one
            progress(f"Importing {what}", done, len(rows))
