"""Warnings about orders, as they are stored."""

from tests.support.orders import Market


def warnings(market: Market, order_id: str, *, live: bool = True) -> dict[str, int]:
    """The warnings about an order, with the time since when."""
    rows = market.server.sql(
        f"SELECT kind, warned_at FROM order_warnings WHERE retailer_id = $1 AND order_id = $2"
        f" AND ended_at IS {'' if live else 'NOT '}NULL ORDER BY kind",
        *(market.retailer.id, order_id),
    )
    return {row["kind"]: row["warned_at"] for row in rows}
