"""Schemathesis tests the server against its description, with all checks on, and finds nothing.

SCHEMATHESIS_EXAMPLES=500 runs every phase with 500 new examples of each operation; a
failing run prints its seed, and SCHEMATHESIS_SEED repeats it. Without it, the same few examples of each operation but
the deprecated twins are sent to each store: the first of them to SQLite, with those of the description.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from handcart.core import clock
from tests.contract.operations import CALLBACKS, DOCUMENT, OPERATIONS, RECEIVER
from tests.support.orders import ADDRESS, KINDS, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
SEED = os.environ.get("SCHEMATHESIS_SEED")
# What succeeds only with holds and orders that are there.
DEEP = {"get_order", "update_order", "update_order_last_mile", "update_tip", "stage_order", "cancel_order"}
DEEP |= {"generate_batch", "advance_batch"}
DEEP |= {"handcart_callbacks_update_webhook", "handcart_callbacks_get_event", "handcart_callbacks_replay"}
# Needs an order that is being picked, which a short run does not always meet.
RARE = {"create_shopper_order_item"}
# Resets, clocks and faults would pull the ground from under all the others.
OWN = "^handcart_sandbox_"
SHORT = {
    "sqlite": ["--max-examples", "2", "--phases", "examples,fuzzing"],
    "postgresql": ["--max-examples", "6", "--phases", "fuzzing"],
}


@pytest.fixture
def market(server: LiveServer) -> Market:
    """A retailer whose places never run out."""
    return Market(server, capacity=1_000_000)


def schemathesis(market: Market, document: str, answered: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run its command line on a description of the server, from a file or a URL."""
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
        "TOKEN": market.token,
        "CLIENT_ID": market.client.client_id,
        "CLIENT_SECRET": market.client.client_secret,
        "KNOWN": json.dumps(known(market)),
        "ANSWERED": str(answered),
    }
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", document]
    command += ["--exclude-operation-id-regex", OWN]
    command += ["--url", market.server.url, "--warnings", "off", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def known(market: Market) -> dict[str, object]:
    """What the hooks may name in requests."""
    user_id = market.customer()
    market.link(user_id, market.linking_token(market.account(member_for=clock.DAY))).raise_for_status()
    completed = market.order(user_id=user_id)["id"]
    market.set_status(completed, "completed")
    window = {"starts_at": clock.to_wire(market.at(12)), "ends_at": clock.to_wire(market.at(14))}
    wished = {"postal_code": ADDRESS["postal_code"], "desired_windows": [window]}
    listed = market.post("/v2/fulfillment/service_options/delivery", wished).json()["service_options"]
    webhook = {"callback_url": RECEIVER, "auth_uri": RECEIVER, "client_id": "shop", "client_secret": "secret"}
    return {
        "webhook": str(market.post(CALLBACKS, webhook).raise_for_status().json()["id"]),
        "event": str(market.get(f"{CALLBACKS}/events").json()["last"]),
        "url": market.server.url,
        "user_id": user_id,
        "completed": completed,
        "shopper": Shopping(market).shopper(),
        "window": window,
        "reference": listed[0]["service_option_reference"],
        "address": ADDRESS,
        "options": {kind: market.option(kind) for kind in KINDS if kind != "dispatch"},
        "orders": {kind: market.body(kind) for kind in KINDS},
    }


def test_description_is_explored_then_nothing_is_found(market: Market, tmp_path: Path) -> None:
    is_short = EXAMPLES is None and not SEED
    options = ["--continue-on-failure"]
    if is_short:
        options += ["--generation-deterministic", "--exclude-deprecated", *SHORT[market.server.database]]
    else:
        options += ["--max-examples", EXAMPLES or "4", *(["--seed", SEED] if SEED else [])]
    answered = tmp_path / "answered"
    run = schemathesis(market, f"{market.server.url}/openapi.json", answered, *options)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    explored = {
        name
        for name, operation in OPERATIONS.items()
        if not re.match(OWN, name) and not (is_short and "deprecated" in operation.described)
    }
    assert f"{len(explored)} selected / {len(OPERATIONS)} total" in run.stdout
    assert set(answered.read_text().split()) >= (DEEP if is_short else DEEP | RARE)


@on_sqlite  # that schemathesis sees a lie does not depend on the store
def test_description_lies_then_it_is_found(market: Market, tmp_path: Path) -> None:
    document = json.loads(json.dumps({**DOCUMENT, "servers": [{"url": market.server.url}]}))
    properties = document["components"]["schemas"]["ServerMetadata"]["properties"]
    del properties["issuer"]
    document["components"]["schemas"]["ServerMetadata"]["required"].remove("issuer")
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    options = ["--max-examples", "5", "--include-operation-id", "get_server_metadata"]
    run = schemathesis(market, str(file), tmp_path / "answered", *options)
    assert run.returncode == 1
    assert "Response violates schema" in run.stdout
