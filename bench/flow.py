"""
The whole journey of a customer, with the steps of browser and retailer, over a few connections at once: authorize,
sign in (unless signed in before), allow, exchange the code, link, get link.

Runs in its own process, so that it can be kept off the server's core: `python -m bench.flow` reads an order (JSON)
from standard input and writes JSON to standard output.
"""

import asyncio
import hashlib
import html
import json
import re
import secrets
import statistics
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from bench.candidates import EXPIRED_AT, FlowPlan
from bench.processes import pinned

# The first signs in with a password each time, so argon2 takes nearly all the time; the second shows the rest.
KINDS = ("flow with sign-in", "flow signed in")
CONCURRENCY = 8  # below the limit of concurrent sign-ins from one address
MOST_REDIRECTS = 5
OVERTIME_SECONDS = 60

FORM_ACTION = re.compile(r'<form method="post" action="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class FlowError(RuntimeError):
    """A step with an unexpected result."""


@dataclass(frozen=True)
class Order:
    """`first`: number of the first account to use. Each account is used once, because it can be linked only once."""

    url: str
    plan: FlowPlan
    kind: str
    seconds: float
    first: int


@dataclass(frozen=True)
class Result:
    """`flows` finished in `seconds`; times for one flow in ms."""

    flows: int
    seconds: float
    p50_ms: float
    p99_ms: float


def email_of(number: int) -> str:
    return f"flow-{number}@example.com"


def user_of(number: int) -> str:
    return f"flow-user-{number}"


def session_of(number: int) -> str:
    """The session cookie of an account that is already signed in."""
    return urlsafe_b64encode(hashlib.sha256(f"session {number}".encode()).digest()).decode().rstrip("=")


def run(order: Order, cores: Sequence[int]) -> Result:
    """Carry out an order in a process on `cores`. Raises FlowError with the error of that process."""
    command = pinned([sys.executable, "-m", "bench.flow"], cores)
    result = subprocess.run(
        command,
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        timeout=order.seconds + OVERTIME_SECONDS,
        check=False,
    )
    if result.returncode:
        raise FlowError(result.stderr.strip()[-2000:])
    return Result(**json.loads(result.stdout))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    text: str


class Connection:
    """One keep-alive HTTP/1.1 connection, with only the features that these responses need."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        head = {"Host": self._host, "Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        status, *lines_back = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines_back if line)]
        found = dict(pairs)
        content = await self._reader.readexactly(int(found.get("content-length", "0")))
        cookies = dict(value.partition(";")[0].split("=", 1) for name, value in pairs if name == "set-cookie")
        return Answer(int(status.split()[1]), found, cookies, content.decode())

    async def json(self, method: str, path: str, value: object = None, token: str = "") -> dict[str, Any]:
        """A call by the retailer's backend; any status but 200 is an error."""
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        if value is not None:
            headers["Content-Type"] = "application/json"
        answer = await self.send(method, path, headers, json.dumps(value).encode() if value is not None else b"")
        if answer.status != 200:
            raise FlowError(f"{method} {path}: {answer.status} {answer.text[:300]}")
        decoded: dict[str, Any] = json.loads(answer.text)
        return decoded


class Browser:
    """The customer's browser: keeps cookies, follows redirects, submits forms."""

    def __init__(self, connection: Connection, redirect_uri: str, cookies: dict[str, str]) -> None:
        self._connection, self._redirect_uri, self._cookies = connection, redirect_uri, cookies
        self._path = "/"

    async def open(self, path: str, method: str = "GET", body: bytes = b"") -> Answer:
        """The page after all redirects, or the redirect back to the retailer."""
        for _ in range(MOST_REDIRECTS):
            self._path = path
            headers = {"Accept": "text/html"}
            if self._cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = await self._connection.send(method, path, headers, body)
            self._cookies.update(answer.cookies)
            location = answer.headers.get("location", "")
            if not location or location.startswith(self._redirect_uri):
                return answer
            target = urlsplit(urljoin(path, location))
            method, path, body = "GET", target.path + (f"?{target.query}" if target.query else ""), b""
        raise FlowError(f"more than {MOST_REDIRECTS} redirects, the last to {path}")

    async def submit(self, page: Answer, fields: dict[str, str]) -> Answer:
        """Submit the page's first form."""
        action = FORM_ACTION.search(page.text)
        if page.status != 200 or action is None:
            raise FlowError(f"no form at {self._path}: {page.status} {page.text[:300]}")
        hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(page.text)}
        path = urljoin(self._path, html.unescape(action[1]))
        return await self.open(path, "POST", urlencode({**hidden, **fields}).encode())


async def journey(connection: Connection, order: Order, number: int, token: str) -> None:
    """One customer from the retailer's link button to the membership read back."""
    plan = order.plan
    signed_in = order.kind == KINDS[1]
    browser = Browser(connection, plan.redirect_uri, {"handcart": session_of(number)} if signed_in else {})
    state = secrets.token_urlsafe(16)
    query = {
        "response_type": "code",
        "client_id": plan.client_id,
        "redirect_uri": plan.redirect_uri,
        "scope": "account_linking",
        "state": state,
    }
    page = await browser.open(f"/oauth/authorize?{urlencode(query)}")
    if not signed_in:
        page = await browser.submit(page, {"email": email_of(number), "password": plan.password})
    back = await browser.submit(page, {"decision": "allow"})
    answer = parse_qs(urlsplit(back.headers.get("location", "")).query)
    if answer.get("state") != [state] or "code" not in answer:
        raise FlowError(f"allowed, but no code came back: {back.status} {back.headers.get('location')}")
    exchange = {
        "grant_type": "authorization_code",
        "client_id": plan.client_id,
        "client_secret": plan.client_secret,
        "code": answer["code"][0],
        "redirect_uri": plan.redirect_uri,
    }
    linking_token = (await connection.json("POST", "/v2/oauth/token", exchange))["access_token"]
    path = f"/v2/fulfillment/users/{user_of(number)}/link"
    await connection.json("POST", path, {"linking_token": linking_token}, token)
    link = await connection.json("GET", path, token=token)
    if not link["express_member"] or link["expired_at"] != EXPIRED_AT:
        raise FlowError(f"linked, but the membership reads {link}")


async def carry_out(order: Order) -> Result:
    """Run journeys until the time is over; journeys already started are finished and counted."""
    netloc = urlsplit(order.url).netloc
    host, _, port = netloc.partition(":")
    numbers = iter(range(order.first, order.plan.accounts))
    connections = [Connection(*await asyncio.open_connection(host, int(port)), netloc) for _ in range(CONCURRENCY)]
    grant = {"grant_type": "client_credentials", "scope": "connect:fulfillment"}
    secret = {"client_id": order.plan.client_id, "client_secret": order.plan.client_secret}
    token = (await connections[0].json("POST", "/v2/oauth/token", grant | secret))["access_token"]
    times: list[float] = []
    begun = time.perf_counter()

    async def keep_going(connection: Connection) -> None:
        while (started := time.perf_counter()) < begun + order.seconds:
            number = next(numbers, None)
            if number is None:
                raise FlowError(f"all {order.plan.accounts} accounts are used up")
            await journey(connection, order, number, token)
            times.append((time.perf_counter() - started) * 1000)

    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(keep_going(connection))
    seconds = time.perf_counter() - begun
    cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return Result(len(times), seconds, cuts[49], cuts[98])


def main() -> None:
    import uvloop

    order = json.load(sys.stdin)
    order["plan"] = FlowPlan(**order["plan"])
    json.dump(asdict(uvloop.run(carry_out(Order(**order)))), sys.stdout)


if __name__ == "__main__":
    main()
