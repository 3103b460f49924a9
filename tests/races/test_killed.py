"""The server is killed (SIGKILL) while it redeems codes. No code is usable twice, no token is an orphan.

Claim and token are one transaction, so after a restart a code is either unused and without a token, or used and with
exactly one. Responses that the client received still hold; a request without a response is settled by one retry.
"""

import asyncio
import http.client
import json
import random
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from handcart.core import clock
from handcart.core.db import Tx, connect
from handcart.core.db.migrate import migrate
from handcart.core.secret import Keys
from handcart.oauth import codes as oauth_codes
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.races.rounds import IS_LONG, Report, make_accounts, make_codes
from tests.support import postgres, process
from tests.support.shop import REDIRECT_URI

pytestmark = pytest.mark.serial

RUNS = {"sqlite": 100, "postgresql": 20} if IS_LONG else {"sqlite": 12, "postgresql": 6}
CLIENTS = 4
CODES_PER_RUN = 60
LONGEST_RUN_SECONDS = 0.03
# Servers that start while another one serves; every `COLD_EVERY` kills none, so that the next start is a cold one.
AHEAD, COLD_EVERY = 2, 10
KEY = "a secret key for tests, and for tests alone"
KEYS = Keys(KEY.encode())


@dataclass
class Heard:
    """The responses that the clients received, by code."""

    tokens: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


class Client:
    """The retailer's server: redeems codes on one connection."""

    def __init__(self, url: str, credentials: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._body = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, **credentials}

    def redeem(self, code: str) -> str | None:
        """The token, or None if the code is refused; raises OSError or HTTPException if there is no answer."""
        body = json.dumps({**self._body, "code": code})
        self._connection.request("POST", "/v2/oauth/token", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = json.loads(answer.read())
        assert answer.status in (200, 400), text
        return text["access_token"] if answer.status == 200 else None

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(params=RUNS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/handcart.db"
    return postgres.create_database(request.getfixturevalue("postgres_cluster"))


def test_killed_between_claim_and_answer_then_no_code_twice_no_lost_token(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    monkeypatch.setattr(oauth_codes, "LIFETIME", clock.HOUR)
    runs = RUNS["sqlite" if url.startswith("sqlite") else "postgresql"]
    migrate(url, KEYS)
    credentials, codes = asyncio.run(on(url, prepare, runs * CODES_PER_RUN))
    heard, landed, settled = Heard(), 0, 0
    servers = server_after_server(url, tmp_path)
    random.seed(12)
    for run in range(runs):
        server = next(servers)
        settled += settle(server.url, credentials, heard)
        use_until_killed(server, credentials, codes[run * CODES_PER_RUN : (run + 1) * CODES_PER_RUN], heard)
        landed += bool(heard.unknown)
    server = next(servers)
    settled += settle(server.url, credentials, heard)
    # A code that gave a token gives no second one.
    client = Client(server.url, credentials)
    assert {client.redeem(code) for code in list(heard.tokens)[-50:]} == {None}
    client.close()
    servers.close()
    used, orphans, missing = asyncio.run(on(url, check, codes, heard))
    assert (orphans, missing) == (0, 0)
    assert landed >= 0.3 * runs, "too few kills met an open request"
    assert not heard.refused & set(heard.tokens)
    kind = url.partition(":")[0]
    report(f"{kind}: {runs} kills, {landed} with requests under way; {used} codes used, 0 twice, 0 orphan tokens;")
    report(
        f"{kind}: {settled} requests without an answer, {len(heard.refused)} of them committed, each settled by a retry"
    )


def server_after_server(url: str, data: Path) -> Iterator[process.Server]:
    """Ready servers, one after the other; the next ones start in the background. Closing ends the remaining ones."""
    waiting: deque[process.Server] = deque()
    given = 0
    try:
        while True:
            ahead = 0 if given % COLD_EVERY == COLD_EVERY - 1 else AHEAD
            while len(waiting) <= ahead:
                waiting.append(process.start_server(url, data, secret_key=KEY))
            if given % COLD_EVERY == 0:  # a cold start: no other process has the database open
                while len(waiting) > 1:
                    waiting.pop().kill()
            server = waiting.popleft()
            try:
                server.wait_until_ready()
                given += 1
                yield server
            finally:
                server.kill()
    finally:
        for server in waiting:
            server.kill()


def use_until_killed(server: process.Server, credentials: dict[str, str], codes: list[str], heard: Heard) -> None:
    """Redeem codes on several connections at once, and kill the server meanwhile."""
    queue, first_answer = deque(codes), threading.Event()

    def redeem_all() -> None:
        client = Client(server.url, credentials)
        while queue:
            code = queue.popleft()
            try:
                token = client.redeem(code)
            except (OSError, http.client.HTTPException):
                heard.unknown.append(code)
                break
            finally:
                first_answer.set()
            assert token is not None, "a fresh code was refused"
            heard.tokens[code] = token
        client.close()

    threads = [threading.Thread(target=redeem_all) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    first_answer.wait(30)
    threading.Event().wait(random.uniform(0, LONGEST_RUN_SECONDS))
    server.kill()
    for thread in threads:
        thread.join(30)


def settle(url: str, credentials: dict[str, str], heard: Heard) -> int:
    """Retry each code without a response, twice: the second retry must not get another token."""
    client, settled = Client(url, credentials), len(heard.unknown)
    while heard.unknown:
        code = heard.unknown.pop()
        token = client.redeem(code)
        assert client.redeem(code) is None
        if token is None:
            heard.refused.add(code)
        else:
            heard.tokens[code] = token
    client.close()
    return settled


async def on(url: str, op: Any, *args: Any) -> Any:
    database = await connect.connect(url, KEYS, 1)
    try:
        return await database.write(op, *args)
    finally:
        await database.close()


async def prepare(tx: Tx, count: int) -> tuple[dict[str, str], list[str]]:
    await retailers.create_retailer(tx, slug="shop", name="Sample Market")
    made = await clients.create(tx, retailer="shop", scopes=["account_linking"], redirect_uris=[REDIRECT_URI])
    (account_id,) = await make_accounts(tx, 1)
    codes = await make_codes(tx, made.client_id, account_id, count)
    return {"client_id": made.client_id, "client_secret": made.client_secret}, codes


async def check(tx: Tx, codes: list[str], heard: Heard) -> tuple[int, int, int]:
    """Counts: used codes; codes and tokens that do not match one to one; tokens received by a client, but lost."""
    used = {bytes(row["code_hash"]) for row in await tx.all(USED)}
    tokens = [(bytes(row["code_hash"]), bytes(row["token_hash"])) for row in await tx.all(ISSUED)]
    of_codes = [code_hash for code_hash, _ in tokens]
    orphans = len(used ^ set(of_codes)) + len(of_codes) - len(set(of_codes))
    kept = {token_hash for _, token_hash in tokens}
    missing = sum(tx.keys.hash(token) not in kept for token in heard.tokens.values())
    missing += sum(tx.keys.hash(code) not in used for code in (*heard.tokens, *heard.refused))
    return len(used), orphans, missing


USED = "SELECT code_hash FROM authorization_codes WHERE used_at IS NOT NULL"
ISSUED = "SELECT code_hash, token_hash FROM tokens WHERE code_hash IS NOT NULL"
