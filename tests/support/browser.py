"""The demo as separate processes, and real Chromium in which a customer visits it."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Browser, Page, Request, Response, Route, sync_playwright

from handcart.core.web import pages
from tests.support.server import make_data

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
# The shell of Chromium without windows takes a third of the CPU of the others. Playwright prefers it, too.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No background traffic of the browser: tests never leave this machine.
SWITCHES = ["disable-background-networking", "disable-component-update", "disable-gpu", "disable-quic", "disable-sync"]


class Demo:
    """A running `handcart demo`: its info file, and direct access to its database."""

    def __init__(self, info: dict[str, Any], data: Path) -> None:
        self.api_url: str = info["api_url"]
        self.storefront_url: str = info["storefront_url"]
        self.member, self.guest = info["accounts"]
        self.staff: list[dict[str, str]] = info["staff"]
        self.shoppers: list[dict[str, str]] = info["shoppers"]
        self.secrets: dict[str, str] = {"client secret": info["client_secret"]}
        self.secrets |= {f"password of {account['email']}": account["password"] for account in info["accounts"]}
        self.secrets |= {f"password of {one['email']}": one["password"] for one in info["staff"]}
        self.secrets |= {f"link of {one['name']}": one["link"].rpartition("/")[2] for one in info["shoppers"]}
        self.data = data
        self._info = info

    def sql(self, sql: str, *args: object) -> list[Any]:
        """Rows of a statement on the running demo's database; it is committed."""
        with closing(sqlite3.connect(self.data / "handcart.db", timeout=10)) as connection, connection:
            return connection.execute(sql, args).fetchall()

    def start_over(self) -> None:
        """Delete links and codes, as if no account had been linked yet."""
        for table in ("links", "link_history", "authorization_codes", "rate_limits"):
            self.sql(f"DELETE FROM {table}")

    def authorize_url(self, **parameters: str) -> str:
        """An authorization URL of the demo's retailer."""
        asked = {"response_type": "code", "scope": "account_linking", "state": "state-1"}
        asked |= {name: self._info[name] for name in ("client_id", "redirect_uri")} | parameters
        return f"{self._info['authorize_url']}?" + "&".join(f"{name}={value}" for name, value in asked.items())

    def sandbox(self, path: str, **body: object) -> None:
        """Tell the sandbox of the demo's retailer to do something."""
        with httpx.Client(base_url=self.api_url, timeout=START_SECONDS) as http:
            named = {name: self._info[name] for name in ("client_id", "client_secret")}
            asked = {**named, "grant_type": "client_credentials", "scope": "connect:fulfillment"}
            token = http.post("/v2/oauth/token", json=asked).raise_for_status().json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            http.post(f"/v2/handcart_sandbox/{path}", json=body, headers=headers).raise_for_status()

    def logs(self) -> str:
        """The logs of server, worker and storefront."""
        return "".join(file.read_text() for file in sorted(self.data.glob("*.log")))


@contextmanager
def running_demo(data: Path) -> Iterator[Demo]:
    """Start the demo on free ports with its data in `data`; stop it when the block ends."""
    make_data(data)
    info = data / "info.json"
    command = [sys.executable, "-m", "handcart", "demo", "--port", "0", "--storefront-port", "0", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--info", str(info)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not info.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"the demo did not start: {process.communicate()[1]}")
            time.sleep(0.02)
        yield Demo(json.loads(info.read_text()), data)
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def find_chromium() -> str:
    """Path of the installed Chromium; raises RuntimeError when there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError(
            f"Chromium is missing: install it (Debian: apt-get install chromium-headless-shell), as one of {NAMES}"
        )
    return found


@contextmanager
def chromium(*switches: str) -> Iterator[Browser]:
    """Chromium without a window, with more switches if they are given."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[f"--{switch}" for switch in (*SWITCHES, *switches)]
        )
        yield browser
        browser.close()


class Visit:
    """A customer with a browser window, on the storefront and the platform, and the browser's messages.

    `problems` collects console errors (including policy violations), script errors, and requests that leave the demo
    or tell from where they come.
    `options` are Playwright's options for a new context.
    """

    def __init__(self, demo: Demo, browser: Browser, **options: Any) -> None:
        self.demo = demo
        self.locale: str = options.setdefault("locale", "en-US")
        self.context = browser.new_context(**options)
        self.problems: list[str] = []
        self.codes: list[str] = []
        self.context.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        self.context.on("weberror", lambda error: self._note(True, str(error.error)))
        self.context.on("request", self._check_request)
        self.context.on("response", self._keep_code)
        self.page: Page = self.context.new_page()

    def close(self) -> None:
        self.context.close()

    def text(self, key: str, **params: object) -> str:
        """A text of the platform's pages as this customer reads it."""
        params = {"brand": "Handcart", "membership": "Handcart+", **params}
        return re.sub("<[^>]+>", "", str(pages.text(self.locale, key, **params)))

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def notice(self) -> str:
        """The one message of the page: how the last action went."""
        return self.page.locator("[role=status], [role=alert]").inner_text()

    def to_profile(self, customer: str = "one") -> None:
        """To the shop's profile page, signed in there."""
        self.page.goto(f"{self.demo.storefront_url}/account")
        if self.heading == "Welcome back":
            self.press(f"Continue as Customer {customer}")

    def fill_cart(self) -> None:
        """Bread and eggs, for $15.49."""
        self.page.goto(self.demo.storefront_url)
        for name in ("Country loaf", "Country loaf", "Free-range eggs"):
            self.press(f"Add {name}")

    def to_checkout(self) -> None:
        """To the shop's checkout, with something in the cart."""
        self.page.goto(f"{self.demo.storefront_url}/checkout")
        if self.heading == "Your cart":
            self.fill_cart()
            self.page.goto(f"{self.demo.storefront_url}/checkout")

    def to_account(self, path: str = "") -> None:
        """To the platform's account page."""
        self.page.goto(f"{self.demo.api_url}/account{path}")

    def start_link(self) -> None:
        """From the shop's button to the platform."""
        self.press("Link Handcart account")
        assert self.page.url.startswith(f"{self.demo.api_url}/oauth/authorize?")

    def log_in(self, account: dict[str, str], password: str | None = None) -> None:
        self.page.get_by_label(self.text("sign_in.email"), exact=True).fill(account["email"])
        self.page.get_by_label(self.text("sign_in.password"), exact=True).fill(password or account["password"])
        self.press(self.text("sign_in.submit"))

    def answer(self, decision: str) -> None:
        """Press Allow or Deny; the browser ends on the shop's profile page."""
        self.press(self.text(f"consent.{decision}"))
        self.page.wait_for_url(f"{self.demo.storefront_url}/account")

    def link(self, account: dict[str, str], customer: str = "one") -> None:
        """The whole journey."""
        self.to_profile(customer)
        self.start_link()
        if self.heading == self.text("sign_in.heading"):
            self.log_in(account)
        self.answer("allow")

    def before_return(self, change: Callable[[str], str]) -> None:
        """Hold the platform's answer to Allow or Deny: `change` sees where it leads, and says where to go instead."""

        def hold(route: Route) -> None:
            response = route.fetch(max_redirects=0)
            location = change(response.headers["location"])
            route.fulfill(status=response.status, headers={**response.headers, "location": location})

        self.page.route("**/consent?*", hold)

    def _check_request(self, request: Request) -> None:
        self._note(not self._is_ours(request.url), request.url)
        self._note(bool(request.headers.get("referer")), f"the referrer of {request.url}")

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self.demo.api_url, self.demo.storefront_url, "about:", "data:"))

    def _note(self, is_problem: bool, text: str) -> None:
        if is_problem:
            self.problems.append(text)

    def _keep_code(self, response: Response) -> None:
        location = response.headers.get("location", "")
        self.codes += parse_qs(urlsplit(location).query).get("code", [])
