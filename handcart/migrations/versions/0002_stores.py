"""Stores, items, and the US postal codes with their coordinates.

The postal codes are facts of the package `zipcodes`; it is read here and nowhere else, since it takes a second and
50 MB. Codes without coordinates (military post abroad) are left out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _real(name: str, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    for setting in ("is_lenient", "serves_everywhere"):
        op.add_column("retailers", sa.Column(setting, sa.Boolean, nullable=False, server_default=sa.false()))
    _stores()
    _items()
    _postal_codes()


def _stores() -> None:
    op.create_table(
        "stores",
        _number("retailer_id"),
        _text("location_code"),
        _number("number"),
        _text("name"),
        _text("address_line_1"),
        _text("city"),
        _text("region"),
        _text("postal_code"),
        _text("country"),
        _real("latitude"),
        _real("longitude"),
        _text("time_zone"),
        _flag("takes_delivery"),
        _flag("takes_pickup"),
        _flag("takes_last_mile"),
        _flag("sells_alcohol"),
        _flag("delivers_long_distance"),
        _text("opening_hours", nullable=True),
        _text("service_area", nullable=True),
        _real("reach_south"),
        _real("reach_north"),
        _real("reach_west"),
        _real("reach_east"),
        sa.PrimaryKeyConstraint("retailer_id", "location_code"),
        sa.UniqueConstraint("retailer_id", "number"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("stores_by_reach", "stores", ["retailer_id", "reach_south"])


def _items() -> None:
    op.create_table(
        "items",
        _number("retailer_id"),
        _text("rrc"),
        _text("upc", nullable=True),
        _text("name"),
        _text("cost_unit"),
        _real("par_weight", nullable=True),
        _text("alcohol_kind", nullable=True),
        _text("restricted_reasons"),
        _flag("is_ebt_eligible"),
        _flag("is_bulky"),
        _real("beverage_weight"),
        _number("price_cents"),
        sa.PrimaryKeyConstraint("retailer_id", "rrc"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("items_by_upc", "items", ["retailer_id", "upc"])


def _postal_codes() -> None:
    op.create_table(
        "postal_codes",
        _text("postal_code"),
        _real("latitude"),
        _real("longitude"),
        _text("time_zone"),
        _text("city"),
        _text("region"),
        sa.PrimaryKeyConstraint("postal_code"),
    )
    connection = op.get_bind()
    for first_digit in "0123456789":
        connection.exec_driver_sql(_INSERT[connection.dialect.name], _us_postal_codes(first_digit))


# The driver's own marks: to name the columns of each of 40,000 rows takes longer than to write them.
_INSERT = {
    "sqlite": "INSERT INTO postal_codes VALUES (?, ?, ?, ?, ?, ?)",
    "postgresql": "INSERT INTO postal_codes VALUES ($1, $2, $3, $4, $5, $6)",
}


def _us_postal_codes(first_digit: str) -> list[tuple[str, float, float, str, str, str]]:
    import zipcodes

    return [
        (
            code["zip_code"],
            float(code["lat"]),
            float(code["long"]),
            # One code of Alaska bears its town's name instead.
            code["timezone"] if "/" in code["timezone"] else "America/Anchorage",
            code["city"],
            code["state"],
        )
        for code in zipcodes.similar_to(first_digit)  # type: ignore[no-untyped-call]
        if float(code["lat"])
    ]
