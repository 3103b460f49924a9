"""The test server's client side. Uses only the standard library, so that it loads fast in any test suite."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

_OWN = "/v2/handcart_sandbox"
_START_SECONDS = 120  # migrating a new template on a busy machine
_CALL_SECONDS = 30
_PAUSE_SECONDS = 0.05
_END_SECONDS = 10


class ServerFailed(Exception):
    """The test server cannot start or has ended; the text has its last output."""


class CallRefused(Exception):
    """A response other than 2xx to a call of `method` to `path`, with its `status` and decoded `body`.

    `rule`: the function in Handcart's source that refused it, from the sandbox's log; None for calls that are not
    logged (the sandbox's own controls, calls with an invalid token).
    """

    def __init__(self, method: str, path: str, status: int, body: Any, rule: str | None) -> None:
        super().__init__(f"{method} {path}: {status} {json.dumps(body)}" + (f", refused by {rule}" if rule else ""))
        self.method = method
        self.path = path
        self.status = status
        self.body = body
        self.rule = rule


@dataclass(frozen=True, kw_only=True)
class Account:
    """A customer of the platform who can sign in and link."""

    email: str
    password: str = field(repr=False)
    instacartplus_member: bool


@dataclass(frozen=True, kw_only=True)
class PlacedOrder:
    """A sample order. `kind`: delivery, pickup, last_mile or dispatch; `user_id` is None for a dispatch order."""

    order_id: str
    user_id: str | None
    kind: str
    status: str
    location_code: str


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A retailer on a fresh server: URL and credentials.

    `token` has the scopes `connect:fulfillment`, `connect:post_checkout`, `Connect::Orders::RatingService` and
    `handcart:callbacks`.

    The URL and the client's credentials are the same for all tests of a process; the token is new for each test.
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    token: str = field(repr=False)
    retailer: str
    redirect_uri: str
    accounts: tuple[Account, ...]

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header, for any client."""
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call with the token; returns the decoded response, None if empty. Raises `CallRefused` unless 2xx."""
        status, decoded, request_id = self._send(method, path, body)
        if not 200 <= status < 300:
            raise CallRefused(method, path, status, decoded, self._rule(request_id))
        return decoded

    def place_order(
        self,
        kind: str | None = None,
        *,
        user_id: str | None = None,
        member: bool = False,
        scenario: str | None = None,
        pace: str | None = None,
        seed: int | None = None,
    ) -> PlacedOrder:
        """Place a sample order, by default a delivery for a new user; the server chooses the rest.

        `member`: the user is linked to a member's account. With `scenario` the robot shopper takes the order, and
        finishes it at once unless a `pace` is given. Raises `CallRefused`.
        """
        asked = {"kind": kind, "user_id": user_id, "instacartplus_member": member}
        placed = self.call("POST", f"{_OWN}/orders", {**asked, "scenario": scenario, "pace": pace, "seed": seed})
        return PlacedOrder(**{name: placed[name] for name in PlacedOrder.__dataclass_fields__})

    def _send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, str | None]:
        """Status, decoded body and request id of the response."""
        connection = HTTPConnection(self.base_url.removeprefix("http://"), timeout=_CALL_SECONDS)
        headers = {**self.headers, "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None, answer.getheader("X-Request-Id")

    def _rule(self, request_id: str | None) -> str | None:
        """The rule that refused a call, from the sandbox's log."""
        _, log, _ = self._send("GET", f"{_OWN}/requests?refused=true&limit=1000")
        for one in (log or {}).get("requests", ()):
            if one.get("request_id") == request_id and one.get("refusal"):
                return str(one["refusal"]["rule"])
        return None


class Clock:
    """The retailer's own clock, used for holds, tokens, codes, memberships and time slots."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._call = sandbox.call

    def now(self) -> datetime:
        """The clock's time, in UTC."""
        return self._shown(self._call("GET", f"{_OWN}/clock"))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Freeze the clock at a time (naive: UTC; default: now); returns its time."""
        return self._set(at, is_frozen=True)

    def move(self, at: datetime) -> datetime:
        """Set the clock to a time (naive: UTC) from which it runs on; returns its time."""
        return self._set(at, is_frozen=False)

    def advance(self, **units: float) -> datetime:
        """Advance the clock by `days`, `hours`, `minutes`, `seconds`; returns its time. A frozen clock stays frozen."""
        seconds = round(timedelta(**units).total_seconds())
        return self._shown(self._call("POST", f"{_OWN}/clock/advance", {"seconds": seconds}))

    def advance_to_next(self, *what: str, timeout: float = 0) -> str | None:
        """Advance the clock to the next due thing, such as `hold_expiry` (default: any); returns what it was.

        None if nothing of these kinds became due within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            due = self._call("POST", f"{_OWN}/clock/next", {"what": list(what)} if what else {}).get("due")
            if due or time.monotonic() >= deadline:
                return str(due["what"]) if due else None
            time.sleep(_PAUSE_SECONDS)

    def release(self) -> datetime:
        """Return the clock to the real time; returns its time."""
        return self._shown(self._call("DELETE", f"{_OWN}/clock"))

    def _set(self, at: datetime | None, *, is_frozen: bool) -> datetime:
        body: dict[str, Any] = {"frozen": is_frozen}
        if at is not None:
            body["at"] = (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
        return self._shown(self._call("PUT", f"{_OWN}/clock", body))

    @staticmethod
    def _shown(answer: Any) -> datetime:
        return datetime.fromisoformat(answer["now"])


class Server:
    """A server process on a free loopback port. It ends when this process ends, also by SIGKILL.

    `python`: the interpreter of the environment that has the server. Default: this one.
    """

    def __init__(self, python: str = "") -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed with the server)
        self._control, control = socket.socketpair()
        self._control.settimeout(_START_SECONDS)
        self._answers = self._control.makefile("rb")
        with control, socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            descriptors = (listener.fileno(), control.fileno())
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [python or sys.executable, "-P", "-m", "handcart.testing", *map(str, descriptors)],
                env={name: value for name, value in os.environ.items() if not name.startswith("HANDCART_")},
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C should reach only the tests
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def reset(self, options: Mapping[str, Any] | None = None) -> Sandbox:
        """Restart from the template with these options. Raises `ValueError` for unknown options."""
        written = {name: _written(value) for name, value in (options or {}).items()}
        try:
            self._control.sendall(json.dumps(written).encode() + b"\n")
            line = self._answers.readline()
        except OSError:
            line = b""
        if not line:
            raise ServerFailed(f"the server beside the tests has ended: {self.log()[-4000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(f"handcart_options: {answer['error']}")
        accounts = tuple(Account(**account) for account in answer.pop("accounts"))
        return Sandbox(**answer, accounts=accounts)

    def log(self) -> str:
        """The server's output: a JSON object per line for each problem."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        """Stop the server."""
        self._answers.close()
        self._control.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _written(value: Any) -> str:
    """A setting in the form of the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)
