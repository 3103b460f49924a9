"""How to call each route of the console in tests: who may, for which subject, with which form token.

`EXAMPLES` has a line for each route. `tests/console/test_matrix.py` calls all of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from handcart.callbacks import webhooks
from handcart.console.routes import ROUTES
from handcart.events import queries as events
from handcart.messages import ops as messages
from handcart.messages.models import Letter
from handcart.pictures import encoding, logos
from handcart.pictures import queries as pictures
from handcart.pictures.models import subject_of_act
from handcart.retailers import clients
from handcart.staff import tablets
from handcart.staff.models import SYSTEM
from handcart.stores import catalog, photos
from tests.support.acting import Acting
from tests.support.callback_receiver import policy
from tests.support.console import Person
from tests.support.orders import Market
from tests.support.pictures import file
from tests.support.shop import PASSWORD
from tests.support.shoppers import add_shift, add_shopper
from tests.support.working import Working


class Example(Struct, frozen=True):
    """A route: the operation that it asks for, its subject, the subject of its form's token, and fields of its form.

    `operation`: None for routes that every signed-in person may use. `subject` names one of `SUBJECTS`, whose values
    stand for the names in braces, in the path, in `token` and in `fields`.
    """

    operation: str | None
    subject: str = ""
    token: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}


def key(method: str, path: str) -> str:
    return f"{method} {path}"


# Routes of people who are not signed in: sign-in, and one-time links. They have tests of their own.
_OPEN = ("/console/sign-in", "/console/invitation/", "/console/new-password/", "/console/first-admin/")
ROUTES_OF_PEOPLE = [route for route in ROUTES if not route.path.startswith(_OPEN)]

# A form that makes a secret has the person's password, or it is asked for first.
STEPPED_UP = {"step_up_password": PASSWORD}
_CLIENT = ("client", ("client", "{client_id}"))
_WEBHOOK = ("webhook", ("webhook", "{slug}", "{webhook_id}"))
_ACCOUNT = ("account", ("account", "{account_id}"))
_LEAKS = {"reason": "the roof leaks"}
_GIVEN = {"reason": "the roof leaks", "cancellation": "retailer_driven: store early closure"}
_ORDER = ("order", ("order", "{slug}", "{order_id}"), _GIVEN)
_STORE = "/console/stores/{slug}/{location_code}"
_ITEM = "/console/catalog/{slug}/{rrc}"
_SLOTS = "/console/slots/{slug}/{location_code}"
_OF_STORE = ("store", "{slug}", "{location_code}")
EXAMPLES: Mapping[str, Example] = {
    "GET /console": Example(None),
    "POST /console/sign-out": Example(None, token=("sign-out",)),
    "GET /console/me": Example(None),
    "GET /console/me/password": Example(None),
    "POST /console/me/password": Example(None, token=("password",)),
    "POST /console/me/sessions/{session_id}/end": Example(None, "person", ("end-session",)),
    "POST /console/me/passkeys/add": Example(None, token=("add-passkey",), fields=STEPPED_UP),
    "POST /console/me/passkeys/remove": Example(None, token=("remove-passkey",)),
    "GET /console/orders": Example("see_orders"),
    "GET /console/orders.csv": Example("see_orders"),
    "GET /console/orders/{slug}/{order_id}": Example("see_orders", "order"),
    "POST /console/orders/{slug}/{order_id}/assign": Example("assign_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/pin": Example("assign_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/unpin": Example("assign_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/unassign": Example("assign_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/cancel": Example("cancel_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/reschedule": Example("reschedule_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/unlock-pin": Example("unlock_pins", *_ORDER),
    "GET /console/exceptions": Example("see_exceptions"),
    "GET /console/dispatch": Example("assign_orders"),
    "POST /console/dispatch/{slug}/plan": Example("assign_orders", "retailer", ("dispatch", "{slug}")),
    "POST /console/dispatch/{slug}/give": Example("assign_orders", "retailer", ("dispatch", "{slug}")),
    "GET /console/map": Example("see_map"),
    "GET /console/map/tiles": Example("see_map"),
    "POST /console/orders/{slug}/{order_id}/hand-over": Example("assign_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/write-shopper": Example("tell_people", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/tell-late": Example("tell_people", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/push": Example("push_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/allow-leaving": Example("return_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/turn-back": Example("return_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/take-back": Example("return_orders", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/refund": Example("refund_lines", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/replay": Example("replay_messages", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/pause": Example("pause_webhooks", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/claim": Example("see_exceptions", *_ORDER),
    "POST /console/orders/{slug}/{order_id}/release": Example("see_exceptions", *_ORDER),
    "GET /console/people": Example("see_staff"),
    "GET /console/people/invite": Example("change_staff"),
    "POST /console/people/invite": Example("change_staff", token=("invite",), fields=STEPPED_UP),
    "GET /console/people/{person_id}": Example("see_staff", "person"),
    "POST /console/people/{person_id}/role": Example("change_staff", "person", ("role", "{person_id}"), STEPPED_UP),
    "POST /console/people/{person_id}/link": Example("change_staff", "person", ("link", "{person_id}"), STEPPED_UP),
    "POST /console/people/{person_id}/close": Example("change_staff", "person", ("close", "{person_id}")),
    "POST /console/people/{person_id}/passkeys/remove": Example(
        "change_staff", "person", ("remove-passkey", "{person_id}")
    ),
    "POST /console/people/{person_id}/sessions/{session_id}/end": Example(
        "change_staff", "person", ("end-session", "{person_id}")
    ),
    "GET /console/pictures/{picture_id}": Example("see_pictures", "picture"),
    "GET /console/first-run": Example("set_up"),
    "POST /console/first-run/mail": Example("set_up", token=("first-run", "mail")),
    "POST /console/first-run/retailer": Example(
        "set_up", token=("first-run", "retailer"), fields={"slug": "first-one"}
    ),
    "POST /console/first-run/shopper": Example(
        "set_up", token=("first-run", "shopper"), fields={**STEPPED_UP, "name": "Ana"}
    ),
    "POST /console/first-run/order": Example(
        "set_up", "retailer", ("first-run", "order"), {"retailer": "{slug}", "shopper": ""}
    ),
    "POST /console/first-run/orders/{slug}/{order_id}/cancel": Example(
        "set_up", "order", ("first-run", "cancel", "{slug}", "{order_id}")
    ),
    "GET /console/alerts": Example("see_alerts"),
    "GET /console/alerts.csv": Example("see_alerts"),
    "GET /console/audit": Example("see_audit"),
    "GET /console/audit.csv": Example("see_audit"),
    "GET /console/shoppers": Example("see_shoppers"),
    "GET /console/shoppers/add": Example("change_shoppers"),
    "POST /console/shoppers/add": Example("change_shoppers", token=("add-shopper",)),
    "GET /console/shoppers/{id}": Example("see_shoppers", "shopper"),
    "POST /console/shoppers/{id}/change": Example("change_shoppers", "shopper", ("shopper", "{id}", "change")),
    "POST /console/shoppers/{id}/invite": Example(
        "invite_shoppers", "shopper", ("shopper", "{id}", "invite"), STEPPED_UP
    ),
    "POST /console/shoppers/{id}/block": Example("change_shoppers", "shopper", ("shopper", "{id}", "block")),
    "POST /console/shoppers/{id}/unblock": Example("change_shoppers", "shopper", ("shopper", "{id}", "unblock")),
    "POST /console/shoppers/{id}/close": Example("change_shoppers", "shopper", ("shopper", "{id}", "close")),
    "POST /console/shoppers/{id}/devices/{device}/end": Example(
        "end_devices", "shopper", ("shopper", "{id}", "end-device", "{device}")
    ),
    "GET /console/me/pin": Example("work_in_store"),
    "POST /console/me/pin": Example("work_in_store", token=("pin",), fields=STEPPED_UP),
    "GET /console/tablets": Example("change_tablets"),
    "POST /console/tablets/add": Example("change_tablets", token=("add-tablet",)),
    "POST /console/tablets/{id}/link": Example("change_tablets", "tablet", ("link-tablet",)),
    "POST /console/tablets/{id}/end": Example("change_tablets", "tablet", ("end-tablet",)),
    "POST /console/tablets/people/{id}/unlock": Example("change_tablets", "worker", ("unlock-pin",)),
    "GET /console/messages": Example("see_messages"),
    "GET /console/messages/{id}": Example("see_messages", "message"),
    "POST /console/messages/{id}/replay": Example("replay_messages", "message", ("message", "{id}")),
    "GET /console/suppressions": Example("see_suppressions"),
    "GET /console/suppressions.csv": Example("see_suppressions"),
    "POST /console/suppressions/end": Example(
        "end_suppressions", "suppression", ("suppression",), {**_LEAKS, "channel": "sms", "address_hash": "{hash}"}
    ),
    "GET /console/stores/import": Example("change_stores"),
    "POST /console/stores/import": Example("change_stores", token=("import", "stores")),
    "POST /console/stores/import/save": Example("change_stores", token=("import", "stores", "save")),
    "GET /console/catalog/import": Example("change_catalog"),
    "POST /console/catalog/import": Example("change_catalog", token=("import", "items")),
    "POST /console/catalog/import/save": Example("change_catalog", token=("import", "items", "save")),
    f"GET {_STORE}/area": Example("see_stores", "store"),
    f"POST {_STORE}/area": Example("change_stores", "store", (*_OF_STORE, "area")),
    "GET /console/catalog": Example("see_catalog"),
    "GET /console/catalog.csv": Example("see_catalog"),
    "GET /console/catalog/add": Example("change_catalog"),
    "POST /console/catalog/add": Example("change_catalog", token=("add-item",)),
    f"GET {_ITEM}": Example("see_catalog", "item"),
    f"POST {_ITEM}/change": Example("change_catalog", "item", ("item", "{slug}", "{rrc}", "change")),
    f"POST {_ITEM}/photo": Example("change_catalog", "item", ("item", "{slug}", "{rrc}", "photo")),
    "GET /console/catalog/pictures/{picture_id}": Example("see_catalog", "photo"),
    f"POST {_ITEM}/shelf": Example("change_availability", "item", ("item", "{slug}", "{rrc}", "shelf")),
    "GET /console/slots": Example("see_slots"),
    f"GET {_SLOTS}": Example("see_slots", "store"),
    f"GET {_SLOTS}/windows.csv": Example("see_slots", "store"),
    f"POST {_SLOTS}/preview": Example("change_slots", "store", ("slots", "{slug}", "{location_code}", "preview")),
    f"POST {_SLOTS}/save": Example("change_slots", "store", ("slots", "{slug}", "{location_code}", "save")),
    "GET /console/stores": Example("see_stores"),
    "GET /console/stores.csv": Example("see_stores"),
    "GET /console/stores/add": Example("change_stores"),
    "POST /console/stores/add": Example("change_stores", token=("add-store",)),
    f"GET {_STORE}": Example("see_stores", "store"),
    f"POST {_STORE}/change": Example("change_stores", "store", (*_OF_STORE, "change")),
    f"POST {_STORE}/close": Example("close_stores", "store", (*_OF_STORE, "close")),
    f"POST {_STORE}/reopen": Example("close_stores", "store", (*_OF_STORE, "reopen")),
    f"POST {_STORE}/pickup": Example("change_stores", "store", (*_OF_STORE, "pickup")),
    f"POST {_STORE}/orders/{{order_id}}": Example(
        "cancel_orders", "order", (*_OF_STORE, "order", "{order_id}"), _GIVEN
    ),
    "GET /console/texts": Example("change_texts"),
    "GET /console/texts/{template}": Example("change_texts", "text"),
    "POST /console/texts/{template}": Example("change_texts", "text", ("text", "{template}")),
    "GET /console/retailers": Example("see_retailers"),
    "GET /console/retailers/add": Example("change_retailers"),
    "POST /console/retailers/add": Example(
        "change_retailers", token=("add-retailer",), fields={"slug": "corner-market"}
    ),
    "GET /console/retailers/{slug}": Example("see_retailers", "retailer"),
    "GET /console/retailers/{slug}/logo": Example("see_retailers", "logo"),
    "POST /console/retailers/{slug}/logo": Example(
        "change_retailers", "logo", ("retailer", "{slug}", "logo"), {"do": "remove"}
    ),
    "POST /console/retailers/{slug}/change": Example("change_retailers", "retailer", ("retailer", "{slug}")),
    "GET /console/clients": Example("see_clients"),
    "GET /console/clients/add": Example("change_clients"),
    "POST /console/clients/add": Example(
        "change_clients",
        "retailer",
        ("add-client",),
        {**STEPPED_UP, "retailer": "{slug}", "scope_connect:fulfillment": "yes"},
    ),
    "GET /console/clients/{client_id}": Example("see_clients", "client"),
    "POST /console/clients/{client_id}/scopes": Example("change_clients", *_CLIENT),
    "POST /console/clients/{client_id}/disable": Example("change_clients", *_CLIENT),
    "POST /console/clients/{client_id}/enable": Example("change_clients", *_CLIENT),
    "POST /console/clients/{client_id}/rotate": Example("change_clients", *_CLIENT, STEPPED_UP),
    "POST /console/clients/{client_id}/revoke": Example("change_clients", *_CLIENT),
    "POST /console/clients/{client_id}/redirect-uris/add": Example(
        "change_clients", *_CLIENT, {"uri": "https://shop.example/new"}
    ),
    "POST /console/clients/{client_id}/redirect-uris/remove": Example("change_clients", *_CLIENT),
    "GET /console/shifts": Example("see_shifts"),
    "GET /console/shifts.csv": Example("see_shifts"),
    "POST /console/shifts/add": Example("change_shifts", token=("add-shifts",)),
    "POST /console/shifts/copy": Example("change_shifts", token=("copy-shifts",)),
    "GET /console/shifts/{shift_id}": Example("see_shifts", "shift"),
    "POST /console/shifts/{shift_id}/change": Example("change_shifts", "shift", ("shift", "{shift_id}")),
    "POST /console/shifts/{shift_id}/remove": Example("change_shifts", "shift", ("shift", "{shift_id}")),
    "GET /console/reports": Example("see_reports"),
    "GET /console/reports.csv": Example("see_reports"),
    "GET /console/money": Example("see_money"),
    "GET /console/money/statements/{slug}/{month}": Example("see_money", "month"),
    "POST /console/money/statements/{slug}/{month}/lines.csv": Example(
        "see_money", "month", ("export-money", "retailer/{slug}")
    ),
    "POST /console/money/statements/{slug}/{month}/close": Example(
        "change_money", "month", ("close-month", "{slug}", "{month}")
    ),
    "GET /console/money/payouts/{person_id}": Example("see_payouts", "payout"),
    "POST /console/money/payouts/{person_id}/lines.csv": Example(
        "see_payouts", "payout", ("export-money", "shopper/{person_id}")
    ),
    "GET /console/money/fees/{slug}": Example("change_money", "month"),
    "POST /console/money/fees/{slug}": Example("change_money", "month", ("rates", "{slug}")),
    "GET /console/money/pay": Example("change_money"),
    "POST /console/money/pay": Example("change_money", token=("rates", "everybody")),
    "GET /console/money/pay/{person_id}": Example("change_money", "payout"),
    "POST /console/money/pay/{person_id}": Example("change_money", "payout", ("rates", "{person_id}")),
    "GET /console/settings": Example("see_settings"),
    "GET /console/accounts": Example("see_accounts"),
    "GET /console/accounts/{account_id}": Example("see_accounts", "account"),
    "POST /console/accounts/{account_id}/membership/grant": Example(
        "change_accounts", *_ACCOUNT, {**_LEAKS, "until": "2099-12-31"}
    ),
    "POST /console/accounts/{account_id}/membership/end": Example("change_accounts", *_ACCOUNT, _LEAKS),
    "POST /console/accounts/{account_id}/unlink": Example(
        "change_accounts", *_ACCOUNT, {**_LEAKS, "retailer": "{retailer}"}
    ),
    "POST /console/accounts/{account_id}/sessions/{session_id}/end": Example("change_accounts", *_ACCOUNT, _LEAKS),
    "POST /console/accounts/{account_id}/sessions/end": Example("change_accounts", *_ACCOUNT, _LEAKS),
    "POST /console/accounts/{account_id}/password-link": Example(
        "change_accounts", *_ACCOUNT, {**_LEAKS, **STEPPED_UP}
    ),
    "POST /console/accounts/{account_id}/export": Example("change_accounts", *_ACCOUNT, {**_LEAKS, **STEPPED_UP}),
    "POST /console/accounts/{account_id}/delete": Example(
        "change_accounts", "lost_account", ("account", "{account_id}"), {**_LEAKS, "sure": "yes"}
    ),
    "GET /console/requests": Example("see_requests"),
    "GET /console/requests.csv": Example("see_requests"),
    "GET /console/webhooks": Example("see_webhooks"),
    "GET /console/webhooks/add": Example("change_webhooks"),
    "POST /console/webhooks/add": Example(
        "change_webhooks",
        "retailer",
        ("add-webhook",),
        {
            **STEPPED_UP,
            "retailer": "{slug}",
            "callback_url": "https://tills.example/callbacks",
            "auth_uri": "https://tills.example/token",
            "client_id": "id",
            "client_secret": "secret",
            "events": "all",
        },
    ),
    "GET /console/webhooks/{slug}/{webhook_id}": Example("see_webhooks", "webhook"),
    "GET /console/webhooks/{slug}/{webhook_id}/events/{event_id}": Example("see_webhooks", "webhook"),
    "POST /console/webhooks/{slug}/{webhook_id}/change": Example("change_webhooks", *_WEBHOOK, {"name": "Tills"}),
    "POST /console/webhooks/{slug}/{webhook_id}/pause": Example("change_webhooks", *_WEBHOOK),
    "POST /console/webhooks/{slug}/{webhook_id}/resume": Example("change_webhooks", *_WEBHOOK),
    "POST /console/webhooks/{slug}/{webhook_id}/rotate": Example("change_webhooks", *_WEBHOOK, STEPPED_UP),
    "POST /console/webhooks/{slug}/{webhook_id}/test": Example("replay_webhooks", *_WEBHOOK),
    "POST /console/webhooks/{slug}/{webhook_id}/replay": Example(
        "replay_webhooks", *_WEBHOOK, {"since": "2020-01-01T00:00", "counted": "1"}
    ),
    "POST /console/webhooks/{slug}/{webhook_id}/events/{event_id}/replay": Example("replay_webhooks", *_WEBHOOK),
    "POST /console/webhooks/{slug}/{webhook_id}/delete": Example(
        "change_webhooks", "lost_webhook", ("webhook", "{slug}", "{webhook_id}"), {"sure": "yes"}
    ),
}


def _order(market: Market) -> dict[str, str]:
    return {"slug": market.slug, "order_id": market.order()["id"], "location_code": "here"}


def _person(market: Market) -> dict[str, str]:
    return {"person_id": str(Person(market.server, "retailer_manager", market.retailer.id).id), "session_id": "1"}


def _picture(market: Market) -> dict[str, str]:
    acting = Acting(Working(market.server), market, market.order()["id"])
    acting.did("accept")
    act_id: Any = acting.last
    acting.working.phone.put(f"pictures/{act_id}", file()).raise_for_status()
    found = market.server.read(pictures.of_subject, subject_of_act(acting.working.id, act_id))
    return {"picture_id": found.id}


def _shopper(market: Market) -> dict[str, str]:
    return {"id": str(add_shopper(market.server).id), "device": "1"}


def _tablet(market: Market) -> dict[str, str]:
    made = market.server.write(tablets.add, SYSTEM, market.retailer.id, 1, "Counter", market.server.url)
    return {"id": str(made.tablet.id)}


def _worker(market: Market) -> dict[str, str]:
    return {"id": str(Person(market.server, "store_associate", market.retailer.id, 1).id)}


def _message(market: Market) -> dict[str, str]:
    letter = Letter(
        recipient=f"order/{market.retailer.id}/o-1",
        channel="sms",
        address="+13125550171",
        template="delivered",
        locale="en-US",
        subject="It came",
        body="It came",
        order_id="o-1",
        retailer_id=market.retailer.id,
    )
    return {"id": str(market.server.write(messages.write, letter))}


def _suppression(market: Market) -> dict[str, str]:
    market.server.write(messages.suppress, "sms", "+13125550199", "reply", "STOP")
    return {"hash": market.server.app.keys.hash("sms\x1f13125550199").hex()}


def _logo(market: Market) -> dict[str, str]:
    market.server.write(logos.change, market.slug, file())
    return {"slug": market.slug}


def _client(market: Market) -> dict[str, str]:
    made = market.server.write(
        clients.create, retailer=market.slug, scopes=["connect:fulfillment"], redirect_uris=["https://shop.example/a"]
    )
    return {"client_id": made.client_id}


def _webhook(market: Market) -> dict[str, str]:
    url = "http://127.0.0.1:9/callbacks"
    wanted = webhooks.Configuration(callback_url=url, auth_uri=url, client_id="id", client_secret="secret")
    made = market.server.write(webhooks.create, market.retailer.id, wanted, policy())
    market.order()
    event_id = market.server.read(events.last_event_id, market.retailer.id)
    return {"slug": market.slug, "webhook_id": str(made.webhook.id), "event_id": str(event_id)}


def _photo(market: Market) -> dict[str, str]:
    found = market.server.read(catalog.item, market.retailer.id, "bread")
    encoded = encoding.encode_now(file())
    given = (market.retailer.id, "bread", file(), encoded, catalog.version(found), market.server.app.settings)
    market.server.write(photos.upload, SYSTEM, *given)
    return {"picture_id": market.server.read(photos.of_item, market.retailer.id, "bread").id}


def _account(market: Market) -> dict[str, str]:
    account = market.account()
    market.link(market.user(), market.linking_token(account)).raise_for_status()
    return {"account_id": str(account.id), "session_id": "1", "retailer": market.slug}


# Makes a subject of a retailer, and names its values in paths.
SUBJECTS: Mapping[str, Callable[[Market], Mapping[str, str]]] = {
    "order": _order,
    "person": _person,
    "picture": _picture,
    "shopper": _shopper,
    "tablet": _tablet,
    "worker": _worker,
    "message": _message,
    "suppression": _suppression,
    "month": lambda market: {"slug": market.slug, "month": "2024-03"},
    "shift": lambda market: {"shift_id": str(add_shift(market.server).id)},
    "payout": lambda market: {"person_id": str(add_shopper(market.server).id)},
    "photo": _photo,
    "item": lambda market: {"slug": market.slug, "rrc": "milk"},
    "store": lambda market: {"slug": market.slug, "location_code": "here"},
    "text": lambda market: {"template": "delivered"},
    "webhook": _webhook,
    "lost_webhook": _webhook,
    "account": _account,
    "lost_account": _account,
    "retailer": lambda market: {"slug": market.slug},
    "logo": _logo,
    "client": _client,
}
# Subjects that all retailers have: a manager of another retailer opens them, and sees their own.
SHARED = ("", "text", "suppression")
# Subjects that a form deletes: each person gets a new one.
ONCE = ("logo", "lost_webhook", "lost_account", "suppression")
# Subjects that belong to the first store of their retailer, so an associate of another store may not open them.
OF_STORE = ("order", "store")
