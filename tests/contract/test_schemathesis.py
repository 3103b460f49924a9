"""Schemathesis drives the server by its description, with all its checks on, and finds nothing.

SCHEMATHESIS_EXAMPLES=2000 asks for more examples of each operation, made up anew each time; a failing run prints its
seed, and SCHEMATHESIS_SEED repeats it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from handcart.core import clock
from tests.contract.operations import OPERATIONS
from tests.support.server import LiveServer
from tests.support.shop import Shop

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
SEED = os.environ.get("SCHEMATHESIS_SEED")


def schemathesis(shop: Shop, document: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run its command line on a description of the server, from a file or a URL."""
    user_id = shop.user()
    shop.link(user_id, shop.linking_token(shop.account(member_for=clock.DAY))).raise_for_status()
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
        "TOKEN": shop.token,
        "CLIENT_ID": shop.client.client_id,
        "CLIENT_SECRET": shop.client.client_secret,
        "LINKED_USER": user_id,
    }
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", document]
    command += ["--url", shop.server.url, "--warnings", "off", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_when_the_description_is_explored_then_nothing_is_found(shop: Shop) -> None:
    options = ["--max-examples", EXAMPLES or "50", "--continue-on-failure"]
    if SEED:
        options += ["--seed", SEED]
    elif EXAMPLES is None:
        options += ["--generation-deterministic"]
    run = schemathesis(shop, f"{shop.server.url}/openapi.json", *options)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in run.stdout


def test_when_the_description_lies_then_it_is_found(server: LiveServer, shop: Shop, tmp_path: Path) -> None:
    document = server.http().get("/openapi.json").json()
    properties = document["components"]["schemas"]["ServerMetadata"]["properties"]
    del properties["issuer"]
    document["components"]["schemas"]["ServerMetadata"]["required"].remove("issuer")
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    run = schemathesis(shop, str(file), "--max-examples", "5", "--include-operation-id", "get_server_metadata")
    assert run.returncode == 1
    assert "Response violates schema" in run.stdout
