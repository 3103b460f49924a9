"""`handcart requests`: calls as a table and as JSON."""

from tests.cli.conftest import Run, answer, refusal
from tests.console.test_requests import kept
from tests.support.shop import Shop


def test_calls_are_listed_then_with_the_rule_that_refused(run: Run, shop: Shop) -> None:
    entries = kept(shop, 3)
    found = answer(run("requests", "--retailer", shop.slug, "--limit", "2", "--json"))["requests"]
    assert [one["id"] for one in found] == [entries[2].id, entries[1].id]
    assert found[0]["codes"] == [{"code": 1001, "key": "phone_number"}]
    printed = run("requests", "--request", f"{shop.slug}-0").output
    assert "users.ops.create 1001:phone_number" in printed
    assert run("requests", "--client", "nobody").output == "There are no such calls.\n"
    assert "there is no retailer" in refusal(run("requests", "--retailer", "nobody"))
