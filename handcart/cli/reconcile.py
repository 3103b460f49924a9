"""`handcart reconcile`: the orders of a month for billing."""

import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from handcart.cli.options import (
    database_options,
    json_option,
    of_retailer,
    read,
    retailer_option,
    settings_of,
    show,
    table,
)


@click.command(short_help="List a month's orders with the membership's benefit.")
@database_options
@json_option
@retailer_option
@click.option("--month", required=True, metavar="YYYY-MM", help="Month in which the orders were created.")
@click.option(
    "--time-zone", metavar="ZONE", help="Time zone of the month, such as America/Chicago. Default: HANDCART_TIME_ZONE."
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="CSV file to write the orders to.")
def reconcile(
    retailer: str, month: str, time_zone: str | None, csv_file: Path | None, as_json: bool, **database: Any
) -> None:
    """List a month's orders with the membership's benefit, for billing with the retailer.

    Each order is listed with its membership period, and with the saving if the retailer reported one in the order's
    metadata (saving_cents). Canceled orders are listed and counted separately.
    """
    from handcart.orders import reconcile as report

    since, until = report.month(month, time_zone or settings_of(**database).time_zone)
    entries = read(database, of_retailer(retailer, report.entries, since, until))
    totals = report.totals(entries)
    if csv_file:
        _write_private(csv_file, report.to_csv(entries))
    show(
        as_json,
        {"retailer": retailer, "month": month, "orders": [asdict(one) for one in entries], "totals": asdict(totals)},
        _sentence(entries, totals, csv_file),
    )


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read: it names customers."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)  # one that was there may have been open to others
        opened.write(text)


def _sentence(entries: Any, totals: Any, csv_file: Path | None) -> str:
    rows = [
        (
            one.order_id,
            one.user_id or "-",
            one.kind,
            one.status,
            one.created_at,
            f"{one.window_starts_at} to {one.window_ends_at}",
            f"{one.member_since[:10]} to {one.member_until[:10]}",
            "-" if one.saving_cents is None else _dollars(one.saving_cents),
        )
        for one in entries
    ]
    header = ("order", "user", "kind", "status", "created", "window", "membership", "saving")
    lines = [table(header, rows, numbers=("saving",)), ""] if rows and not csv_file else []
    lines.append(
        f"{totals.orders} orders with the benefit, {totals.canceled} more canceled;"
        f" saving reported: {_dollars(totals.saving_cents)}"
        f" (orders with a saving: {totals.orders - totals.without_saving})."
    )
    if csv_file:
        lines.append(f"Written to {csv_file}.")
    return "\n".join(lines)


def _dollars(cents: int) -> str:
    return f"{cents / 100:,.2f}"
