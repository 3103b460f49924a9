"""A shop, browsers and a platform, all over real sockets of this machine."""

import base64
import hashlib
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from storefront.app import create_app
from storefront.sessions import Sessions
from storefront.settings import Settings


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def serving(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", loop="asyncio"))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def refusal(status: int, message: str, code: int | None = 1001, key: str | None = "user_id") -> JSONResponse:
    return JSONResponse({"error": {"message": message, "code": code}, "meta": {"key": key} if key else {}}, status)


class Platform:
    """The documented wire of linking. A test arranges what is in it and looks at what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()
        self.app = Starlette(
            routes=[
                Route("/v2/oauth/token", self._token, methods=["POST"]),
                Route("/v2/fulfillment/users", self._create_user, methods=["POST"]),
                Route("/v2/fulfillment/users/{user_id}/link", self._get_link),
                Route("/v2/fulfillment/users/{user_id}/link", self._link, methods=["POST"]),
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
        self.is_down = False
        self.refuses_existing_users = False

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.asked.append(f"{scope['method']} {scope['path']}")
            if self.is_down:
                await JSONResponse({}, 500)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def allow(self, authorize_url: str, account: str) -> str:
        """What the browser is sent back to when `account` presses Allow."""
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


class Browser:
    """One customer's browser: it keeps cookies, follows nothing by itself, and remembers the page it shows."""

    def __init__(self, shop_url: str) -> None:
        self.http = httpx.Client(base_url=shop_url, timeout=30, verify=False)
        self.page = ""

    def get(self, path: str) -> httpx.Response:
        response = self.http.get(path)
        self.page = response.text
        return response

    def open(self, path: str) -> httpx.Response:
        """The page after all redirects within the shop."""
        response = self.http.get(path, follow_redirects=True)
        self.page = response.text
        return response

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Post a form with the form token of the page that is shown."""
        return self.http.post(path, data={"form_token": self.form_token, **fields})

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.page)
        assert found, "the page has no form"
        return found[1]

    def sign_in(self, customer: str) -> None:
        self.get("/sign-in")
        assert self.post("/sign-in", customer=customer).status_code == 303
        self.get("/account")

    def start_link(self) -> str:
        """The authorization URL that the link button leads to."""
        self.get("/account")
        response = self.post("/account/link")
        assert response.status_code == 303
        return response.headers["location"]


NOW = 1_800_000_000.0


@pytest.fixture(scope="session")
def running_platform() -> Iterator[Platform]:
    with listener() as (listening, url):
        platform = Platform(url)
        with serving(platform, listening):
            yield platform


@pytest.fixture
def platform(running_platform: Platform) -> Platform:
    """The platform with nothing in it."""
    running_platform.reset()
    return running_platform


@pytest.fixture(scope="session")
def running_clock() -> list[float]:
    return [NOW]


@pytest.fixture
def clock(running_clock: list[float]) -> list[float]:
    """Unix seconds, to be moved by the test."""
    running_clock[0] = NOW
    return running_clock


@pytest.fixture(scope="session")
def shop_sessions(running_clock: list[float]) -> Iterator[Sessions]:
    sessions = Sessions(now=lambda: running_clock[0])
    yield sessions
    sessions.close()


@pytest.fixture(scope="session")
def running_shop(running_platform: Platform, shop_sessions: Sessions) -> Iterator[Settings]:
    with listener() as (listening, url):
        settings = Settings(
            api_url=running_platform.url,
            authorize_url=running_platform.url + "/oauth/authorize",
            client_id="shop-client",
            client_secret="s3cret",
            public_url=url,
            brand="Basket & Co",
            membership="Basket Plus",
        )
        with serving(create_app(settings, shop_sessions), listening):
            yield settings


@pytest.fixture
def settings(running_shop: Settings, platform: Platform, clock: list[float]) -> Settings:
    """What the running shop is configured with."""
    return running_shop


@pytest.fixture
def https_shop_url(settings: Settings, sessions: Sessions) -> Iterator[str]:
    """A shop that a proxy shows as https://shop.example; the address is the one behind the proxy."""
    behind_proxy = replace(settings, public_url="https://shop.example")
    with listener() as (listening, url), serving(create_app(behind_proxy, sessions), listening):
        yield url


@pytest.fixture
def sessions(clock: list[float]) -> Iterator[Sessions]:
    """Sessions of their own, on the test's clock."""
    sessions = Sessions(now=lambda: clock[0])
    yield sessions
    sessions.close()


@pytest.fixture
def new_browser(settings: Settings) -> Iterator[Callable[[], Browser]]:
    browsers: list[Browser] = []

    def new() -> Browser:
        browsers.append(Browser(settings.public_url))
        return browsers[-1]

    yield new
    for browser in browsers:
        browser.http.close()


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    """A browser signed in as customer one, on the profile page."""
    browser = new_browser()
    browser.sign_in("one")
    return browser
