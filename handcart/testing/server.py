"""The server beside a test run as the tests see it. The standard library alone: it loads in no time, into any tests."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

_START_SECONDS = 120  # migrating a new template, on a machine that has much else to do
_CALL_SECONDS = 30
_END_SECONDS = 10


class ServerFailed(Exception):
    """The server beside the tests cannot start or go on; the text has what it wrote last."""


class CallRefused(Exception):
    """An answer other than 2xx, with its `status` and decoded `body`."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {json.dumps(body)}")
        self.status = status
        self.body = body


@dataclass(frozen=True, kw_only=True)
class Account:
    """A customer of the platform who can sign in and link."""

    email: str
    password: str = field(repr=False)
    instacartplus_member: bool


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A retailer on a fresh server: where it is, and how to get in.

    `token` is good for `connect:fulfillment` and `handcart:callbacks`.

    The address and the client's credentials are the same for all tests of a process; the token is new for each.
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
        """The decoded answer to a call with the token (None if it is empty). Raises `CallRefused` at any but 2xx."""
        connection = HTTPConnection(self.base_url.removeprefix("http://"), timeout=_CALL_SECONDS)
        headers = {**self.headers, "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        decoded = json.loads(text) if text else None
        if not 200 <= answer.status < 300:
            raise CallRefused(answer.status, decoded)
        return decoded


class Clock:
    """The retailer's own clock: holds, tokens, codes, memberships and time slots go by it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._call = sandbox.call

    def now(self) -> datetime:
        """What it shows, in UTC."""
        return self._shown(self._call("GET", "/v2/handcart_sandbox/clock"))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Let it stand at a time (naive: UTC), or where it is; answers what it shows."""
        return self._set(at, is_frozen=True)

    def move(self, at: datetime) -> datetime:
        """Let it go on from a time (naive: UTC); answers what it shows."""
        return self._set(at, is_frozen=False)

    def advance(self, **units: float) -> datetime:
        """Move it forward by `days`, `hours`, `minutes`, `seconds`; answers what it shows. A frozen one stays so."""
        seconds = round(timedelta(**units).total_seconds())
        return self._shown(self._call("POST", "/v2/handcart_sandbox/clock/advance", {"seconds": seconds}))

    def advance_to_next(self, *what: str) -> str | None:
        """Move it to the next thing due, such as `hold_expiry` (none named: any); answers what that was, if any."""
        due = self._call("POST", "/v2/handcart_sandbox/clock/next", {"what": list(what)} if what else {}).get("due")
        return str(due["what"]) if due else None

    def release(self) -> datetime:
        """Let it go by the real time again; answers what it shows."""
        return self._shown(self._call("DELETE", "/v2/handcart_sandbox/clock"))

    def _set(self, at: datetime | None, *, is_frozen: bool) -> datetime:
        body: dict[str, Any] = {"frozen": is_frozen}
        if at is not None:
            body["at"] = (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
        return self._shown(self._call("PUT", "/v2/handcart_sandbox/clock", body))

    @staticmethod
    def _shown(answer: Any) -> datetime:
        return datetime.fromisoformat(answer["now"])


class Server:
    """A server process on a free loopback port. It ends when this process does, however that happens."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed with the server)
        self._control, control = socket.socketpair()
        self._control.settimeout(_START_SECONDS)
        self._answers = self._control.makefile("rb")
        with control, socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            descriptors = (listener.fileno(), control.fileno())
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-P", "-m", "handcart.testing", *map(str, descriptors)],
                env={name: value for name, value in os.environ.items() if not name.startswith("HANDCART_")},
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is for the tests
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def reset(self, options: Mapping[str, Any] | None = None) -> Sandbox:
        """Begin anew from the template, with these options. Raises `ValueError` for those that there are not."""
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
        """What the server has written: a JSON object a line for what went wrong."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        """End it."""
        self._answers.close()
        self._control.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _written(value: Any) -> str:
    """A setting as the command line takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)
