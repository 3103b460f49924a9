"""The shopper's app in Chromium at phone size, on prepared answers of its API."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route

PREPARED = Path(__file__).resolve().parents[1] / "shopper_app"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


class PreparedApi:
    """Answers of the app's API. Acts are recorded and answered with `results`; the run stays as it was prepared.

    Without a change of `run`, an act that was sent is no longer visible in the app: `is_reachable = False` keeps acts
    in the queue, and the app shows them applied.
    """

    def __init__(self) -> None:
        self.run: dict[str, Any] = json.loads((PREPARED / "run.json").read_text())
        self.me: dict[str, Any] = json.loads((PREPARED / "me.json").read_text())
        self.is_reachable = True
        self.acts: list[dict[str, Any]] = []
        self.pictures: dict[str, bytes] = {}
        self.results: dict[str, dict[str, Any]] = {}  # by verb; the default is that the act was applied
        self.refusals: dict[str, tuple[int, dict[str, Any]]] = {}  # by path: status and error
        self.catalog: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, Any]] = []

    def answer(self, route: Route) -> None:
        request = route.request
        path = request.url.partition("/shopper/api")[2].partition("?")[0]
        if not self.is_reachable:
            route.abort()
            return
        body = request.post_data_json if request.headers.get("content-type") == "application/json" else None
        self.calls.append((request.method, path, body))
        if path in self.refusals:
            status, error = self.refusals[path]
            route.fulfill(status=status, json={"error": error})
        elif path.startswith("/pictures/"):
            self.pictures[path.removeprefix("/pictures/")] = request.post_data_buffer or b""
            route.fulfill(status=201, json={"act_id": path.removeprefix("/pictures/")})
        elif path == "/acts":
            self.acts += body["acts"]
            route.fulfill(json={"results": [self._result(act) for act in body["acts"]]})
        elif path == "/run":
            route.fulfill(json=self.run, headers={"ETag": f'"{self.run["version"]}"'})
        elif path == "/catalog":
            route.fulfill(json={"items": self.catalog})
        elif path in ("/passkeys", "/unlock/passkey"):
            route.fulfill(json={"options": None, "passkeys": []})
        else:
            route.fulfill(json=self.me)

    def _result(self, act: dict[str, Any]) -> dict[str, Any]:
        prepared = self.results.get(act["verb"], {})
        return {"id": act["id"], "outcome": "applied", "rule": None, "message": None, "now": None, **prepared}


class Phone:
    """A phone with the app open; `problems` collects messages of its console, and errors of scripts."""

    def __init__(self, url: str, browser: Browser, **options: Any) -> None:
        self.url = f"{url}/shopper"
        self.api = PreparedApi()
        self.problems: list[str] = []
        self.context: BrowserContext = browser.new_context(**{**PHONE, "locale": "en-US", **options})
        self.context.route("**/shopper/api/**", self.api.answer)
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("console", lambda message: self._note(message.type, message.text))
        self.page: Page = self.context.new_page()

    def open(self, path: str = "/today") -> None:
        """Open a screen, and wait for its heading."""
        self.page.goto(f"{self.url}#{path}")
        self.page.get_by_role("heading", level=1).wait_for()

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def kept(self, store: str) -> list[Any]:
        """All rows of a store of the app's database."""
        script = """(name) => new Promise((resolve, reject) => {
            const opening = indexedDB.open('handcart-shopper');
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const reading = opening.result.transaction(name).objectStore(name).getAll();
                reading.onsuccess = () => { opening.result.close(); resolve(reading.result); };
            };
        })"""
        return list(self.page.evaluate(script, store))

    def close(self) -> None:
        self.context.close()

    def _note(self, kind: str, text: str) -> None:
        # Chromium reports each call that fails or that the server refuses; the app shows these itself.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.problems.append(text)
