"""A phone that sends acts about a batch, each after the one before."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from handcart.core import clock
from tests.support.orders import Market
from tests.support.working import Working


def moment(at: int | None = None) -> str:
    """A time as a device writes it; default: now."""
    seconds = (clock.of_process() if at is None else at) / clock.SECOND
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Acting:
    """One batch of a shopper, and acts about it."""

    def __init__(self, working: Working, market: Market, *order_ids: str, **fields: Any) -> None:
        self.working, self.market, self.order_ids = working, market, order_ids
        self.batch_id = working.batch(market, *order_ids, **fields)
        self.subject = f"{market.slug}/{self.batch_id}"
        self.last: str | None = None

    def act(self, verb: str, seen_version: int | None = None, **body: Any) -> dict[str, Any]:
        """The next act of this device, not sent yet."""
        made = {
            "id": str(uuid.uuid4()),
            "subject": self.subject,
            "after": self.last,
            "verb": verb,
            "at": moment(),
            "seen_version": seen_version,
            "body": body,
        }
        self.last = str(made["id"])
        return made

    def send(self, *acts: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Send acts in one call; returns their results."""
        answer = self.working.phone.post("acts", {"acts": acts})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["results"]
        assert [one["id"] for one in found] == [one["id"] for one in acts]
        return found

    def does(self, verb: str, seen_version: int | None = None, **body: Any) -> dict[str, Any]:
        """Act, and answer the result."""
        return self.send(self.act(verb, seen_version, **body))[0]

    def did(self, verb: str, seen_version: int | None = None, **body: Any) -> None:
        """Act; the act must be applied."""
        result = self.does(verb, seen_version, **body)
        assert result["outcome"] == "applied", result

    def refused(self, verb: str, seen_version: int | None = None, **body: Any) -> str:
        """Act; the act must be refused. Returns the rule."""
        result = self.does(verb, seen_version, **body)
        assert result["outcome"] == "refused", result
        assert result["message"]
        rule: str = result["rule"]
        return rule

    @property
    def state(self) -> str:
        rows = self.market.server.sql(
            "SELECT workflow_state FROM batches WHERE retailer_id = $1 AND id = $2",
            self.market.retailer.id,
            self.batch_id,
        )
        return str(rows[0]["workflow_state"])

    def line(self, line_num: str = "1", order_id: str | None = None) -> dict[str, Any]:
        """A line as it is stored."""
        items = self.market.row(order_id or self.order_ids[0])["items"]
        found: dict[str, Any] = next(one for one in items if one["line_num"] == line_num)
        return found
