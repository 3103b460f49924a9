"""What the commands that import a file share: refused rows, and progress."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from handcart.cli.options import echo, of_retailer, show, write
from handcart.cli.progress import Progress

T = TypeVar("T")
_MOST_LINES = 100


def save_rows(rows: Any, save: Any, what: str, retailer: str, as_json: bool, database: dict[str, Any]) -> None:
    if rows.refused:
        for line in rows.refused[:_MOST_LINES]:
            echo(line, err=True)
        count = rows.refused_rows
        many = f"{count:,} {'row' if count == 1 else 'rows'} cannot be used: nothing was imported."
        show(as_json, {"imported": 0, "new": 0, "changed": 0, "refused": rows.refused[:_MOST_LINES]}, many)
        sys.exit(1)

    new = write(database, of_retailer(retailer, save, _with_progress(rows.good, what)))
    changed = len(rows.good) - new
    counts = {"imported": len(rows.good), "new": new, "changed": changed, "refused": []}
    show(as_json, counts, f"{what.capitalize()} imported: {len(rows.good):,} ({new:,} new, {changed:,} changed).")


def _with_progress(rows: Sequence[T], what: str) -> Iterator[T]:
    with Progress() as progress:
        for done, one in enumerate(rows, 1):
            yield one
            progress(f"Importing {what}", done, len(rows))
