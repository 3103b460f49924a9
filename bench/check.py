"""Check a candidate before measuring it: the right responses, and the right refusals."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bench.candidates import EXPIRED_AT, TOKEN_SECONDS
from bench.databases import Copy
from bench.load import Request

LINK = {"express_member": True, "expired_at": EXPIRED_AT}


class WrongAnswer(RuntimeError):
    """A candidate that does not do the work to be measured."""


class Caller:
    """Sends requests to one server, over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)

    def send(self, request: Request) -> tuple[int, Any]:
        """The status, and the JSON of a 200."""
        self._connection.request(request.method, request.path, request.body or None, request.headers)
        response = self._connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if response.status == 200 else None

    def tokens(self, request: Request, count: int) -> list[str]:
        """`count` freshly issued tokens."""
        return [self.send(request)[1]["access_token"] for _ in range(count)]

    def close(self) -> None:
        self._connection.close()


def read_request(path: str, token: str, user: str) -> Request:
    """The request for one user's link."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    return Request("GET", path.format(user), headers)


def check_linking(name: str, token: Request, wrong_secret: Request, read: str, copy: Copy, caller: Caller) -> None:
    """Raise WrongAnswer unless tokens and reads are answered, stored and refused correctly.

    `token` issues a token, `wrong_secret` must not, `read` is the path of a user's link.
    """

    def expect(what: str, wanted: object, found: object) -> None:
        if wanted != found:
            raise WrongAnswer(f"{name}, {what}: expected {wanted!r}, got {found!r}")

    stored = copy.count() if copy.count else 0
    status, answer = caller.send(token)
    expect("token", (200, "bearer"), (status, answer and answer["token_type"].lower()))
    expect("lifetime", TOKEN_SECONDS, answer["expires_in"])
    expect("the same token twice", False, caller.tokens(token, 1)[0] == answer["access_token"])
    if copy.count:
        expect("rows for 2 tokens", 2, copy.count() - stored)
    # RFC 6749 section 5.2 allows both for credentials in the body.
    expect("wrong secret refused", True, caller.send(wrong_secret)[0] in (400, 401))
    status, link = caller.send(read_request(read, answer["access_token"], "user-7"))
    expect("link", (200, LINK), (status, {key: (link or {}).get(key) for key in LINK}))
    expect("unknown token", 401, caller.send(read_request(read, "x" * 43, "user-7"))[0])
    expect("user without a link", 400, caller.send(read_request(read, answer["access_token"], "nobody"))[0])
