"""Reset: what is removed, what is kept, and that other retailers are not affected."""

from typing import Any

from handcart.core import clock
from handcart.sandbox.control import reset
from tests.support.clocks import CLOCK, advance, freeze
from tests.support.contents import contents
from tests.support.money import count
from tests.support.oauth import Organization
from tests.support.orders import ADDRESS, Market
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, SampleAccount

OWN = "/v2/handcart_sandbox"
VARYING = ("accounts", "memberships", "sessions", "rate_limits", "tokens")
# What `fill` leaves empty: by another account, by a deletion, and by a browser that stays signed in.
NOT_FILLED = {
    *("link_history", "deleted_users", "sessions", "attempts", "deliveries", "acts", "order_warnings"),
    *("chat_messages", "messages", "message_attempts", "signatures", "closed_months"),
    *("daily_callbacks", "order_claims", "request_log"),
    *("assignment_pins", "assignment_decisions", "assignment_areas"),
}


def fill(market: Market) -> None:
    """At least one row of everything that calls make."""
    user_id, held = market.customer("user-1"), market.customer("user-2")
    market.post(f"{OWN}/users/{user_id}/link", {"membership_days": 30}).raise_for_status()
    market.post(f"{OWN}/users/{held}/link", {"outcome": "code"}).raise_for_status()
    account = market.account(member_for=clock.DAY)
    market.code(account)
    user = {"email": f"{market.slug}@example.com", "phone": "8005550101", "password": "a long password of theirs"}
    market.post(f"{SANDBOX}/instacart_users", user).raise_for_status()
    market.post(f"/v2/fulfillment/lastmile/users/{user_id}/validate_address", ADDRESS).raise_for_status()
    order = market.order("pickup", user_id)
    market.send("dispatch", "", market.body("dispatch"), headers={"Idempotency-Key": "k"}).raise_for_status()
    market.reserve(held)
    Shopping(market).batch(order["id"])
    Shopping(market).reach(Shopping(market).batch(market.order("delivery", user_id)["id"]), "completed")
    waiting = market.order("dispatch")["id"]
    market.post(f"{OWN}/orders/{waiting}/run", {"pace": "real_time"}).raise_for_status()
    market.http.put(f"{OWN}/faults", json={"faults": [{"fault": "slow", "slow_ms": 1}]}, headers=market.headers)
    freeze(market, None)
    count(market)


def token_hashes(server: LiveServer) -> list[bytes]:
    return sorted(bytes(row["token_hash"]) for row in server.sql("SELECT token_hash FROM tokens"))


def test_retailer_reset_then_its_own_rows_are_gone_and_all_others_stay(server: LiveServer) -> None:
    market, other = Market(server), Market(server)
    assert market.token
    seed = contents(server)
    fill(other)
    both, hashes = contents(server), token_hashes(server)
    fill(market)
    answer = market.post(f"{OWN}/reset").raise_for_status().json()
    after = contents(server)
    assert token_hashes(server) == hashes
    # Accounts that were not made here stay, and so do their sessions: they are the platform's.
    # Tokens have come back with the clock.
    for table in VARYING:
        after.pop(table), both.pop(table)
    assert after == both
    assert answer["removed"]["users"] == 2
    assert set(answer["removed"]) <= {table for table, _ in reset.REMOVED}
    assert other.get(CLOCK).json()["state"] == "frozen"
    assert market.get(CLOCK).json()["state"] == "real"
    assert market.get(f"{OWN}/faults").json() == {"faults": []}
    assert market.get(f"{OWN}/requests").json() == {"requests": [], "last": 0}
    assert market.post(f"{OWN}/reset").json() == {"removed": {}}
    assert seed.keys() == {*after, *VARYING}


def test_made_account_linked_elsewhere_then_reset_tells_that_it_was_closed(
    server: LiveServer,
) -> None:
    market, other = Market(server), Market(server)
    email = f"{market.slug}@example.com"
    user = {"email": email, "phone": "8005550101", "password": PASSWORD}
    made = market.post(f"{SANDBOX}/instacart_users", user).raise_for_status().json()["id"]
    theirs = other.customer()
    assert other.link(theirs, other.linking_token(SampleAccount(int(made), email))).status_code == 200
    waiting = other.linking_token(SampleAccount(int(made), email))
    market.post(f"{OWN}/reset").raise_for_status()
    assert other.get_link(theirs).json()["error"]["message"] == "User Not Linked"
    (history,) = server.sql("SELECT unlinked_by FROM link_history WHERE isolation_id = $1", other.retailer.id)
    assert history["unlinked_by"] == "account closed"
    assert other.link(other.customer(), waiting).status_code == 400
    again = market.post(f"{SANDBOX}/instacart_users", user).raise_for_status().json()["id"]
    assert again != made


def test_clock_was_ahead_then_reset_works_and_the_token_is_good_again(server: LiveServer) -> None:
    market = Market(server)
    market.order("dispatch")
    advance(market, days=10)
    assert market.post(f"{OWN}/reset").status_code == 200
    assert market.order("dispatch")["id"]


def test_banners_share_their_users_then_those_stay(server: LiveServer) -> None:
    group = Organization(server, shares_users=True)
    north, south = (group.at(banner) for banner in group.banners)
    user_id = north.user()
    assert north.post(f"{OWN}/users/{user_id}/link", {}).status_code == 200
    assert south.get_link(user_id).status_code == 200
    assert "users" not in south.post(f"{OWN}/reset").json()["removed"]
    assert south.get_link(user_id).status_code == 200
    assert north.post(f"{OWN}/reset").json()["removed"] == {"links": 1}
    assert north.get_link(user_id).json()["error"]["message"] == "User Not Linked"


def test_schema_has_a_table_then_reset_knows_what_to_do_with_it(server: LiveServer) -> None:
    tables = {*contents(server), "postal_codes"}
    removed = {table for table, _ in reset.REMOVED}
    assert tables == removed | reset.KEPT.keys()
    assert not removed & reset.KEPT.keys()


def test_many_rows_made_then_none_is_left(server: LiveServer) -> None:
    market = Market(server, capacity=100)
    fill(market)
    removed: dict[str, Any] = market.post(f"{OWN}/reset").json()["removed"]
    assert removed.keys() >= {table for table, _ in reset.REMOVED} - NOT_FILLED
