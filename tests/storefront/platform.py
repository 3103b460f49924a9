"""A fake platform with the documented API of linking and ordering. Tests set its data and inspect its requests."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

BASE = "/v2/fulfillment"
STORES = [
    {"name": "Market & Sons", "location_code": "M-1", "flags": {"alcohol": True, "pickup": True}},
    {"name": "Far Market", "location_code": "M-2", "flags": {"alcohol": False, "pickup": False}},
]


def slot(number: int, start_at: str, end_at: str, *reasons: str, window_type: str = "scheduled") -> dict[str, Any]:
    """A service option; it can be had when there are no reasons against it."""
    window = {"start_at": start_at, "end_at": end_at, "type": window_type}
    availability = {"available": not reasons, "reasons": list(reasons)}
    return {"id": number, "date": start_at[:10], "window": window, "availability": availability}


SLOTS = [
    slot(1, "2027-01-15T09:45:00.000-06:00", "2027-01-15T11:30:00.000-06:00", window_type="priority_eta"),
    slot(2, "2027-01-15T17:00:00.000-06:00", "2027-01-15T19:00:00.000-06:00"),
    slot(3, "2027-01-15T18:00:00.000-06:00", "2027-01-15T20:00:00.000-06:00", "no_capacity"),
    slot(4, "2027-01-16T17:00:00.000-06:00", "2027-01-16T19:00:00.000-06:00", "from_a_newer_server"),
    slot(5, "2027-01-16T23:00:00.000-06:00", "2027-01-17T01:00:00.000-06:00"),
]


def refusal(
    status: int, message: str, code: int | None = 1001, key: str | None = "user_id", **meta: object
) -> JSONResponse:
    return JSONResponse(
        {"error": {"message": message, "code": code}, "meta": {**({"key": key} if key else {}), **meta}}, status
    )


class Platform:
    """`refusals`: what an operation answers instead, by its name; `bodies`: what each was sent last."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()
        self.app = Starlette(
            routes=[
                Route("/v2/oauth/token", self._token, methods=["POST"]),
                Route("/v2/fulfillment/users", self._create_user, methods=["POST"]),
                Route("/v2/fulfillment/users/{user_id}/link", self._get_link),
                Route("/v2/fulfillment/users/{user_id}/link", self._link, methods=["POST"]),
                *(Route(path, self._ordering, methods=[method], name=name) for name, method, path in AFTERCARE),
                *(Route(BASE + path, self._ordering, methods=[method], name=name) for name, method, path in ORDERING),
            ]
        )

    def reset(self) -> None:
        self.members: dict[str, dict[str, object]] = {}  # account -> what get link answers for it
        self.users: set[str] = set()
        self.inactive_users: set[str] = set()
        self.links: dict[str, str] = {}  # user_id -> account
        self.codes: dict[str, dict[str, str]] = {}
        self.linking_tokens: dict[str, str] = {}
        self.asked: list[str] = []
        self.banners: set[str | None] = set()
        self.is_down = False
        self.refuses_existing_users = False
        self.stores: list[dict[str, Any]] = STORES
        self.slots: list[dict[str, Any]] = SLOTS
        self.orders: dict[str, dict[str, Any]] = {}
        self.refusals: dict[str, JSONResponse] = {}
        self.bodies: dict[str, Any] = {}
        self.lines: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.hold_expires_at = "2027-01-15T08:10:00.000Z"

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.asked.append(f"{scope['method']} {scope['path']}")
            self.banners.add(Headers(scope=scope).get("X-Retailer-Id"))
            if self.is_down:
                await JSONResponse({}, 500)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def allow(self, authorize_url: str, account: str) -> str:
        """The redirect of the browser when `account` presses Allow."""
        asked = dict(parse_qsl(urlsplit(authorize_url).query))
        code = secrets.token_urlsafe(32)
        self.codes[code] = {**asked, "account": account}
        return self._return(asked, code=code)

    def deny(self, authorize_url: str) -> str:
        asked = dict(parse_qsl(urlsplit(authorize_url).query))
        return self._return(asked, error="access_denied", error_description="<b>denied</b>")

    def _return(self, asked: dict[str, str], **answer: str) -> str:
        return asked["redirect_uri"] + "?" + urlencode({**answer, "state": asked["state"], "iss": self.url})

    async def _token(self, request: Request) -> JSONResponse:
        asked = await request.json()
        if asked["client_secret"] != "s3cret":
            return JSONResponse({"error": "invalid_client", "error_description": "no"}, 401)
        answer = {"token_type": "Bearer", "expires_in": 86400, "created_at": 1767225600}
        if asked["grant_type"] == "client_credentials":
            return JSONResponse({**answer, "access_token": "api-token", "scope": "connect:fulfillment"})
        if asked["grant_type"] == "fulfillment_user_assertion":
            assert json.loads(base64.b64decode(asked["assertion"])).keys() == {"user_id"}
            return JSONResponse({**answer, "access_token": "user-token", "scope": asked["scope"]})
        code = self.codes.pop(asked["code"], None)
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not code or code["redirect_uri"] != asked["redirect_uri"] or code["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant", "error_description": "<i>no</i>"}, 400)
        token = secrets.token_urlsafe(32)
        self.linking_tokens[token] = code["account"]
        return JSONResponse({**answer, "access_token": token, "scope": "account_linking"})

    async def _create_user(self, request: Request) -> JSONResponse:
        asked = await request.json()
        if asked["user_id"] in self.users and self.refuses_existing_users:
            return refusal(400, "has already been taken")
        self.users.add(asked["user_id"])
        return JSONResponse({"user_id": asked["user_id"], "first_name": asked["first_name"]})

    async def _get_link(self, request: Request) -> JSONResponse:
        user_id = request.path_params["user_id"]
        if user_id in self.inactive_users:
            return refusal(403, "User Not Active", code=None, key=None)
        if user_id not in self.links:
            return refusal(400, "User Not Linked" if user_id in self.users else "User Not Found")
        return JSONResponse(self.members.get(self.links[user_id], {"instacartplus_member": False}))

    async def _link(self, request: Request) -> JSONResponse:
        user_id, asked = request.path_params["user_id"], await request.json()
        if user_id in self.inactive_users:
            return refusal(403, "User Not Active", code=None, key=None)
        if user_id not in self.users:
            return refusal(400, "User Not Found")
        account = self.linking_tokens.pop(asked["linking_token"], None)
        if account is None:
            return refusal(400, "Linking token is invalid", key="linking_token")
        if account in self.links.values():
            text = "Validation failed: Common identities can only have one user per isolation context"
            return refusal(400, text, key="linking_token")
        if user_id in self.links:
            return refusal(400, "User Already Linked")
        self.links[user_id] = account
        return JSONResponse({"success": True})

    async def _ordering(self, request: Request) -> JSONResponse:
        """Any operation of `ORDERING`: keeps what it was sent, then refuses as arranged, or does it."""
        name = request.scope["route"].name
        self.bodies[name] = await request.json() if await request.body() else None
        if name in self.refusals:
            return self.refusals[name]
        return JSONResponse(getattr(self, name)(request, self.bodies[name]))

    def find_stores(self, request: Request, body: Any) -> Any:
        return {"stores": self.stores, "is_partial": False}

    def address(self, request: Request, body: Any) -> Any:
        self.users.add(request.path_params["user_id"])
        return {"address_line_1": body["address_line_1"].upper(), "postal_code": body["postal_code"]}

    def list_slots(self, request: Request, body: Any) -> Any:
        return {"service_options": self.slots}

    def reserve(self, request: Request, body: Any) -> Any:
        held = next(one for one in self.slots if one["id"] == int(request.path_params["option_id"]))
        hold = {"id": 500 + held["id"], "expires_at": self.hold_expires_at, "service_option": held}
        return {"service_option_hold": hold}

    def create_order(self, request: Request, body: Any) -> Any:
        window = self._held(body)
        member = self.members.get(self.links.get(request.path_params["user_id"], ""), {})
        details = {"window_starts_at": window["start_at"], "window_ends_at": window["end_at"]}
        self.orders[body["order_id"]] = {
            "id": body["order_id"],
            "status": "brand_new",
            "is_instacartplus": bool(member.get("instacartplus_member")) and "address" in body,
            "fulfillment_details": details,
        }
        return self.orders[body["order_id"]]

    def get_order(self, request: Request, body: Any) -> Any:
        return self.orders[request.path_params["order_id"]]

    def update_order(self, request: Request, body: Any) -> Any:
        order = self.orders[request.path_params["order_id"]]
        if "service_option_hold_id" in body:
            window = self._held(body)
            order["fulfillment_details"] = {"window_starts_at": window["start_at"], "window_ends_at": window["end_at"]}
        return order

    update_tip = get_order

    def cancel_order(self, request: Request, body: Any) -> Any:
        self.orders[request.path_params["order_id"]]["status"] = "canceled"
        return self.orders[request.path_params["order_id"]]

    def items(self, request: Request, body: Any) -> Any:
        return {"line_items": self.lines}

    def chat(self, request: Request, body: Any) -> Any:
        return {"chat_messages": self.said, "metadata": {"is_expired": False}}

    def say(self, request: Request, body: Any) -> Any:
        self.said.append(message(len(self.said), body["body"], "user"))
        return {"id": len(self.said), "type": "CHAT", "created_at": AT, "timezone": "America/Chicago"}

    def mark_read(self, request: Request, body: Any) -> Any:
        self.said = [{**one, "read": True} for one in self.said]
        return {"messages_read_count": 1}

    def replacement(self, request: Request, body: Any) -> Any:
        self.bodies["replacement"] = {**body, "id": request.path_params["item_id"]}
        return {}

    def rating(self, request: Request, body: Any) -> Any:
        return {"success": True}

    def _held(self, body: Any) -> dict[str, str]:
        window: dict[str, str] = next(one for one in self.slots if one["id"] + 500 == body["service_option_hold_id"])[
            "window"
        ]
        return window


AT = "2027-01-15T23:10:00Z"


def message(number: int, body: str, sender: str) -> dict[str, Any]:
    """A message of the chat; `sender` is user or driver."""
    other = "driver" if sender == "user" else "user"
    shown = {
        "id": number,
        "order_id": 1,
        "created_at": AT,
        "sender_type": sender,
        "recipient_type": other,
        "body": body,
    }
    return {**shown, "sender_id": 1, "recipient_id": 2, "read": False}


CHAT = "/v2/post_checkout/chat/{order_id}/messages"
ITEMS_OF = "/v2/post_checkout/orders/{order_id}/items"
AFTERCARE = (
    ("items", "GET", ITEMS_OF),
    ("replacement", "PUT", ITEMS_OF + "/{item_id}/replacement"),
    ("chat", "GET", CHAT),
    ("say", "POST", CHAT),
    ("mark_read", "PUT", CHAT),
    ("rating", "POST", "/v2/feedback/orders/{order_id}/rating"),
)
OF_USER = "/users/{user_id}"
ORDER = OF_USER + "/orders/{order_id}"
ORDERING = (
    ("find_stores", "POST", "/stores/{kind}"),
    ("address", "POST", OF_USER + "/addresses"),
    ("list_slots", "POST", OF_USER + "/service_options/cart/{kind}"),
    ("reserve", "POST", OF_USER + "/service_options/{option_id}/reserve"),
    ("cancel_order", "POST", ORDER + "/cancel"),
    ("create_order", "POST", OF_USER + "/orders/{kind}"),
    ("get_order", "GET", ORDER),
    ("update_order", "PUT", ORDER),
    ("update_tip", "PUT", ORDER + "/tip"),
)
