"""Refusals about webhooks and their events."""

import httpx

from handcart.callbacks import webhooks
from handcart.callbacks.webhooks import MOST_WEBHOOKS
from handcart.retailers import ops as retailers
from tests.contract.operations import CALLBACKS, RECEIVER
from tests.contract.provoke import PROVOCATIONS, Provoked, provokes


@provokes(
    *("cant_be_blank_callback_url", "cant_be_blank_auth_uri", "cant_be_blank_client_id", "cant_be_blank_client_secret"),
    *("is_invalid_callback_url", "is_invalid_name", "is_invalid_event_id"),
)
def _(attempt: Provoked) -> httpx.Response:
    return PROVOCATIONS["there_were_issues_with_your_request"](attempt)


@provokes("blocked_the_url_must_begin_with_https_callback_url")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(callback_url="ftp://shop.example/callbacks")


@provokes("is_this_servers_own_address_give_the_receivers_auth_uri")
def _(attempt: Provoked) -> httpx.Response:
    settings = attempt.shop.server.app.settings
    own = type(settings)(environment=settings.environment, public_url="https://shop.example")
    attempt.monkeypatch.setattr(attempt.shop.server.app, "settings", own)
    return attempt.having(callback_url="https://other.example/callbacks", auth_uri=RECEIVER)


@provokes("must_have_1_to_1000_printable_characters_client_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_id="line\nend")


@provokes("must_be_given_again_when_the_auth_uri_client_secret")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(auth_uri="https://other.example/token")


@provokes("the_operator_disabled_this_webhook_ask_the_operator_status")
def _(attempt: Provoked) -> httpx.Response:
    key = (attempt.shop.retailer.id, int(attempt.webhook_id))
    attempt.shop.server.write(webhooks.disable, *key, "too many events", by_operator=True)
    return attempt.send()


@provokes("shipped_is_not_an_event_choose_all_or_events")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(events=["delivered", "shipped"])


@provokes("no_event_is_chosen_choose_all_or_names_events")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(events=[])


@provokes("a_retailer_can_have_at_most_50_webhooks_callback_url")
def _(attempt: Provoked) -> httpx.Response:
    there = len(attempt.shop.get(CALLBACKS).json()["webhooks"])
    for _ in range(MOST_WEBHOOKS - there):
        attempt.send().raise_for_status()
    return attempt.send()


@provokes(
    *(
        f"handcart_callbacks_{name}:resource_not_found"
        for name in (
            *("get_webhook", "update_webhook", "delete_webhook", "enable_webhook", "disable_webhook", "rotate_secret"),
            *("list_deliveries", "get_event"),
        )
    )
)
def _(attempt: Provoked) -> httpx.Response:
    attempt.webhook_id = attempt.event_id = "7"
    return attempt.send()


@provokes("handcart_callbacks_replay:resource_not_found")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(event_id=7)


@provokes("cant_be_blank_event_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(content="{}")


@provokes("is_invalid_state")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"state": "lost"})


@provokes("handcart_callbacks_list_events:is_invalid_order_id", "handcart_sandbox_get_messages:is_invalid_order_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"order_id": ""})


@provokes("does_not_exist_for_this_kind_of_order_event_name")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(event_name="late_pickup")


@provokes("is_not_sent_under_shopper_information_removal_event_name")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.server.write(retailers.change, attempt.market.slug, {"shopper_information_removal": True})
    return attempt.having(event_name="order_location")


@provokes("is_unknown_event_name")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(event_name="late_delivry")
