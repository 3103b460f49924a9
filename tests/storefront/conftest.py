"""A shop and browsers, over real sockets on this machine; the platform is in platform.py."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from storefront.app import create_app
from storefront.sessions import Sessions
from storefront.settings import Settings
from tests.storefront.platform import Platform
from tests.support.moments import FRIDAY_MORNING


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # For connections too: asyncio does not set it, and without it the body of an answer waits 40 ms for an ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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


BASKET = {"apples": 1, "bread": 2, "eggs": 1}


class Browser:
    """One customer's browser: keeps cookies, follows no redirects by itself, and remembers the current page."""

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

    def fill_cart(self, counts: dict[str, int] = BASKET) -> None:
        assert self.post("/cart", **{f"count-{key}": str(count) for key, count in counts.items()}).status_code == 303

    def start_link(self) -> str:
        """The authorization URL that the link button leads to."""
        self.get("/account")
        response = self.post("/account/link")
        assert response.status_code == 303
        return response.headers["location"]


@pytest.fixture(scope="session")
def running_platform() -> Iterator[Platform]:
    with listener() as (listening, url):
        platform = Platform(url)
        with serving(platform, listening):
            yield platform


@pytest.fixture
def platform(running_platform: Platform) -> Platform:
    """The platform without data."""
    running_platform.reset()
    return running_platform


@pytest.fixture(scope="session")
def running_clock() -> list[float]:
    return [FRIDAY_MORNING]


@pytest.fixture
def clock(running_clock: list[float]) -> list[float]:
    """Unix seconds, changed by the test."""
    running_clock[0] = FRIDAY_MORNING
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
            account_url=running_platform.url + "/account",
            client_id="shop-client",
            client_secret="s3cret",
            public_url=url,
            brand="Basket & Co",
            membership="Basket Plus",
        )
        with serving(create_app(settings, shop_sessions), listening):
            yield settings


@pytest.fixture
def settings(running_shop: Settings, shop_sessions: Sessions, platform: Platform, clock: list[float]) -> Settings:
    """The settings of the running shop, which has no orders yet."""
    shop_sessions._db.execute("DELETE FROM orders")
    return running_shop


@pytest.fixture
def https_shop_url(settings: Settings, sessions: Sessions) -> Iterator[str]:
    """A shop behind a proxy for https://shop.example; returns its own URL behind the proxy."""
    behind_proxy = replace(settings, public_url="https://shop.example")
    with listener() as (listening, url), serving(create_app(behind_proxy, sessions), listening):
        yield url


@pytest.fixture
def sessions(clock: list[float]) -> Iterator[Sessions]:
    """Separate sessions, on the test's clock."""
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
    """A browser signed in as customer one, on the profile page, with `BASKET` in the cart."""
    browser = new_browser()
    browser.sign_in("one")
    browser.fill_cart()
    return browser
