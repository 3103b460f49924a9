"""T12: the server killed (kill -9) while it redeems codes. After each kill, in the database:

a code that was spent has given exactly one token, a code that was not spent none, and who was told 200 has the token.
"""

import asyncio
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time

import pytest

from handcart.core.db import Tx
from tests.races.test_single_use import free_port, is_up, make_codes
from tests.support.server import SECRET_KEY
from tests.support.shop import REDIRECT_URI, Shop
from tests.support.volley import Connection

pytestmark = pytest.mark.serial

KILLS = {"sqlite": 100, "postgresql": 20}
AT_ONCE = 8
MUST_LAND = 0.3  # this share of the kills must hit open requests, else the run shows nothing


def start(shop: Shop, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "HANDCART_SECRET_KEY": SECRET_KEY,
        "HANDCART_DATABASE": shop.server.app.settings.database_url,
        "HANDCART_ENVIRONMENT": "sandbox",
        "HANDCART_PUBLIC_URL": shop.server.url,
        "HANDCART_ACCESS_LOG": "off",
    }
    command = [sys.executable, "-m", "handcart", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not is_up(f"http://127.0.0.1:{port}"):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


async def redeem_and_kill(shop: Shop, process: subprocess.Popen[bytes], port: int, codes: list[str]) -> list[str]:
    """Redeem all codes at once, kill the server somewhere in between; the tokens that were answered."""
    connections = [await Connection.open(f"http://127.0.0.1:{port}") for _ in codes]
    body = {**shop.credentials, "grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    posts = [
        asyncio.ensure_future(connection.post("/v2/oauth/token", {**body, "code": code}))
        for connection, code in zip(connections, codes, strict=True)
    ]
    await asyncio.sleep(random.uniform(0, 0.008))
    process.send_signal(signal.SIGKILL)
    answers = await asyncio.gather(*posts, return_exceptions=True)
    for connection in connections:
        with contextlib.suppress(OSError):
            await connection.close()
    assert {answer[0] for answer in answers if isinstance(answer, tuple)} <= {200}
    return [answer[1]["access_token"] for answer in answers if isinstance(answer, tuple)]


async def outcome(tx: Tx, codes: list[str]) -> tuple[int, int]:
    """How many of the codes are spent, and how many tokens they gave; each code by itself must be right."""
    spent = given = 0
    for code in codes:
        code_hash = tx.keys.hash(code)
        row = await tx.one("SELECT used_at FROM authorization_codes WHERE code_hash = $1", code_hash)
        issued = await tx.all("SELECT token_hash FROM tokens WHERE code_hash = $1", code_hash)
        assert row is not None
        assert len(issued) == (0 if row["used_at"] is None else 1)
        spent, given = spent + (row["used_at"] is not None), given + len(issued)
    return spent, given


async def is_known(tx: Tx, token: str) -> bool:
    return await tx.one("SELECT 1 AS known FROM tokens WHERE token_hash = $1", tx.keys.hash(token)) is not None


def test_killed_while_codes_are_redeemed_then_all_or_nothing(shop: Shop) -> None:
    account, port = shop.account(), free_port()
    kills, landed = KILLS[shop.server.store], 0
    seed = secrets.randbits(32)
    random.seed(seed)
    for _ in range(kills):
        codes = shop.server.write(make_codes, shop.client.client_id, account.id, AT_ONCE)
        process = start(shop, port)
        answered = asyncio.run(redeem_and_kill(shop, process, port, codes))
        process.wait(30)
        landed += len(answered) < AT_ONCE
        shop.server.read(outcome, codes)
        for token in answered:
            assert shop.server.read(is_known, token), "an acknowledged token is lost"
    print(f"{shop.server.store}: {kills} kills, {landed} with open requests, seed {seed}")
    assert landed >= MUST_LAND * kills


def test_token_that_was_never_stored_then_the_checker_sees_it(shop: Shop) -> None:
    """The canary of the check above."""
    assert not shop.server.read(is_known, secrets.token_urlsafe(32))
