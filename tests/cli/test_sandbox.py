"""`handcart sandbox`: each command once against a running server, and its error messages."""

import json
import signal
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handcart.cli import handcart
from tests.support.orders import Market
from tests.support.process import HANDCART, ROOT, environment
from tests.support.server import LiveServer, live_server
from tests.support.shop import Shop

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Only SQLite, because the commands use HTTP and no database."""
    data = tmp_path_factory.mktemp("data")
    with live_server(f"sqlite:///{data}/handcart.db", data) as running:
        yield running


@pytest.fixture
def shop(server: LiveServer) -> Shop:
    return Shop(server)


@pytest.fixture
def run(shop: Shop) -> Run:
    """`run("clock", "show")` with the credentials of the test's shop."""

    def invoke(*arguments: str, **changed: str) -> Result:
        access = {"SANDBOX_URL": shop.server.url, "SANDBOX_CLIENT_ID": shop.client.client_id}
        access["SANDBOX_CLIENT_SECRET"] = shop.client.client_secret
        return CliRunner().invoke(handcart, ["sandbox", *arguments], env={**access, **changed})

    return invoke


def said(result: Result) -> str:
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.stdout


def test_proxy_in_the_environment_then_this_machine_is_reached_without_it(run: Run) -> None:
    nobody = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")
    assert "the real time" in said(run("clock", "show", **nobody))


def test_clock_set_then_the_command_prints_its_time(run: Run) -> None:
    assert said(run("clock", "freeze", "--at", "2030-06-12T17:00:00Z")) == "2030-06-12T17:00:00Z, frozen\n"
    assert said(run("clock", "advance", "90")) == "2030-06-12T17:01:30Z, frozen\n"
    assert json.loads(said(run("clock", "show", "--json"))) == {"now": "2030-06-12T17:01:30Z", "state": "frozen"}
    assert said(run("clock", "next", "hold_expiry")) == "nothing is due\n2030-06-12T17:01:30Z, frozen\n"
    assert said(run("clock", "next")).startswith("token_expiry\n2030-06-1")
    assert "from the time it was set to" in said(run("clock", "set", "--at", "2030-01-01T00:00:00Z"))
    assert said(run("clock", "release")).endswith("the real time\n")


def test_calls_logged_then_the_refused_one_shows_its_rule(shop: Shop, run: Run) -> None:
    shop.user("user-1")
    shop.get_link("user-1")
    shop.get("/v2/fulfillment/user")
    lines = said(run("log")).splitlines()
    assert [line.split()[0] for line in lines if not line.startswith("       ")] == ["1", "2", "3", "4"]
    assert "       user_id: User Not Linked  (linking.ops.membership)" in lines
    assert "       did you mean POST /v2/fulfillment/users" in lines
    calls = [json.loads(line) for line in said(run("log", "--json", "--refused", "--after", "3")).splitlines()]
    assert [(call["number"], call["status"]) for call in calls] == [(4, 404)]


def test_log_followed_then_calls_appear_as_they_come_and_after_a_reset(shop: Shop, run: Run) -> None:
    access = ["--server", shop.server.url, "--client-id", shop.client.client_id]
    process = subprocess.Popen(
        [*HANDCART, "sandbox", "log", "--follow", "--json", *access],
        cwd=ROOT,
        env={**environment(), "SANDBOX_CLIENT_SECRET": shop.client.client_secret, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        shop.user("user-1")
        numbers = [json.loads(process.stdout.readline())["number"] for _ in range(2)]
        assert said(run("reset")).startswith("Removed: ")
        shop.get_link("user-1")
        assert json.loads(process.stdout.readline())["operation"] == "get_user_link"
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
    assert numbers == [1, 2]


def test_faults_added_then_they_stand_beside_each_other_until_they_are_off(shop: Shop, run: Run) -> None:
    assert said(run("faults", "list")) == "No faults.\n"
    run("faults", "add", "slow", "--slow-ms", "1", "--times", "2")
    text = said(run("faults", "add", "unavailable", "--operation", "create_user"))
    assert [line.split()[0] for line in text.splitlines()] == ["fault", "slow", "unavailable"]
    assert shop.token  # that was a slow one
    assert shop.get_link("user-1").status_code == 400  # and that the other
    assert shop.post("/v2/fulfillment/users", {"user_id": "user-1", "first_name": "Sample"}).status_code == 503
    (left,) = json.loads(said(run("faults", "add", "rate_limited", "--json")))["faults"][1:]
    assert left["fault"] == "rate_limited"
    assert said(run("faults", "off")) == "No faults.\n"


def test_user_linked_then_the_steps_are_printed(shop: Shop, run: Run) -> None:
    user_id = shop.user()
    lines = said(run("link", user_id, "--membership-days", "30")).splitlines()
    assert lines[-1] == 'link endpoint: 200 {"success": true}'
    assert shop.get_link(user_id).json()["instacartplus_member"] is True
    assert "error=access_denied" in said(run("link", user_id, "--outcome", "denied"))


def test_robot_serves_an_order_then_its_steps_are_printed(server: LiveServer) -> None:
    market = Market(server)
    order_id = market.order("pickup")["id"]

    def run(*arguments: str) -> str:
        access = ("--server", server.url, "--client-id", market.client.client_id)
        secret = {"SANDBOX_CLIENT_SECRET": market.client.client_secret}
        return said(CliRunner().invoke(handcart, ["sandbox", *arguments, *access], env=secret))

    names = [line.split()[0] for line in run("scenarios").splitlines()]
    assert {"happy_path", "replaced"} <= set(names)
    lines = run("run", order_id, "--seed", "7").splitlines()
    assert lines[0] == f"{order_id}: happy_path, seed 7, instantly"
    assert len(lines) > 5
    assert run("robot", "order", order_id).splitlines() == lines
    assert run("robot", "show") == "New orders wait for a shopper.\n"
    assert run("robot", "on", "--seed", "3") == "Every new order follows happy_path, seed 3, x60.\n"
    assert run("robot", "off") == "New orders wait for a shopper.\n"


def test_no_order_named_then_a_sample_order_is_placed(server: LiveServer) -> None:
    market = Market(server, capacity=100)
    access = {"SANDBOX_URL": server.url, "SANDBOX_CLIENT_ID": market.client.client_id}
    access["SANDBOX_CLIENT_SECRET"] = market.client.client_secret

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(handcart, arguments, env=access)

    waiting = said(run("sandbox", "order")).strip()
    assert (market.row(waiting)["kind"], market.row(waiting)["status"]) == ("delivery", "brand_new")
    member = json.loads(said(run("sandbox", "order", "--kind", "pickup", "--member", "--json")))
    assert (member["kind"], member["run"]) == ("pickup", None)
    again = said(run("sandbox", "order", "--user", member["user_id"], "--scenario", "replaced", "--seed", "7")).strip()
    assert (market.row(again)["user_id"], market.row(again)["status"]) == (member["user_id"], "completed")
    lines = said(run("sandbox", "run", "--scenario", "runner_not_found")).splitlines()
    assert lines[0].startswith("ORD-")
    assert lines[0].endswith(": runner_not_found, seed 0, instantly")
    triggered = json.loads(said(run("callbacks", "trigger", "late_pickup", "--json")))
    assert market.row(triggered["order_id"])["kind"] == "pickup"
    orders = market.orders
    unknown = run("callbacks", "trigger", "late_delivry")
    assert "event_name: is unknown, did you mean late_delivery?; known names: acknowledged, " in unknown.stderr
    assert (
        "it is for orders of the kind pickup" in run("callbacks", "trigger", "late_pickup", "--order", waiting).stderr
    )
    assert "leave out ORDER_ID" in run("sandbox", "run", waiting, "--member").stderr
    assert market.orders == orders


def test_shell_asks_for_its_environment_then_it_can_call_and_read(server: LiveServer, tmp_path: Path) -> None:
    market = Market(server)
    secret = {"SANDBOX_CLIENT_SECRET": market.client.client_secret}
    access = ["--server", server.url, "--client-id", market.client.client_id]
    printed = CliRunner().invoke(handcart, ["sandbox", "env", *access], env=secret)
    lines = """
        call POST /v2/fulfillment/users '{"user_id": "user-1", "first_name": "It'\\''s me"}' | field first_name
        call GET /v2/fulfillment/users/user-1/link | field error code
        call GET /v2/handcart_sandbox/scenarios | field scenarios 0 name
        call GET /v2/handcart/callbacks | field webhooks
        call GET /v2/fulfillment/users/user-1/link | field access_token || echo "status $?"
        echo "$SANDBOX_CLIENT_ID"
    """
    bash = subprocess.run(
        ["bash", "-uc", said(printed) + textwrap.dedent(lines)],
        env={**environment(), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    client_id = market.client.client_id
    assert bash.stdout.splitlines() == ["It's me", "1001", "happy_path", "[]", "status 1", client_id], bash.stderr
    assert 'field: no access_token in {"error":{"message":"User Not Linked"' in bash.stderr
    variables = json.loads(said(CliRunner().invoke(handcart, ["sandbox", "env", "--json", *access], env=secret)))
    assert (variables["API"], variables["SANDBOX_URL"]) == (server.url, server.url)


def test_server_is_waited_for_then_it_ends_either_way(server: LiveServer, tmp_path: Path) -> None:
    wait = ["sandbox", "wait", "--seconds", "1"]
    assert said(CliRunner().invoke(handcart, [*wait, "--server", server.url])) == f"{server.url} answers.\n"
    for arguments in (["--server", "http://127.0.0.1:9"], ["--info", str(tmp_path / "info.json")], []):
        result = CliRunner().invoke(handcart, [*wait, *arguments], env={"XDG_DATA_HOME": str(tmp_path)})
        assert (result.exit_code, "did not answer in 1 seconds" in result.stderr) == (1, True)


def test_ctrl_c_during_the_log_then_it_ends_quietly(shop: Shop) -> None:
    access = ["--server", shop.server.url, "--client-id", shop.client.client_id]
    process = subprocess.Popen(
        [*HANDCART, "sandbox", "log", "--follow", *access],
        cwd=ROOT,
        env={**environment(), "SANDBOX_CLIENT_SECRET": shop.client.client_secret, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    shop.user("user-1")
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_info_file_of_a_demo_then_no_other_option_is_needed(shop: Shop, tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    info.write_text(json.dumps({"api_url": shop.server.url, **shop.credentials}))
    answered = CliRunner().invoke(handcart, ["sandbox", "clock", "show", "--info", str(info)])
    assert said(answered).endswith("the real time\n")


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, str], int, str]] = {
    "a time": (("clock", "freeze", "--at", "tomorrow"), {}, 2, "such as 2030-06-12T17:00:00Z"),
    "backwards": (("clock", "advance", "--", "-5"), {}, 2, "-5 is not in the range"),
    "an operation": (("faults", "add", "slow", "--slow-ms", "5", "--operation", "x"), {}, 1, "faults[0].operation"),
    "an order": (("run", "nothing"), {}, 1, "there is no order 'nothing'"),
    "a scenario": (
        ("robot", "on", "--scenario", "nothing"),
        {},
        1,
        "scenario: is unknown; known names: alcohol_refused, ",
    ),
    "a user": (("link", "nobody"), {}, 1, "user_id: User Not Found"),
    "the secret": (("clock", "show"), {"SANDBOX_CLIENT_SECRET": "wrong"}, 1, "invalid_client: "),
    "no secret": (("clock", "show"), {"SANDBOX_CLIENT_SECRET": ""}, 1, "the client is missing"),
    "no server": (("clock", "show"), {"SANDBOX_URL": "http://127.0.0.1:9"}, 1, "does not answer"),
    "no URL": (("clock", "show"), {"SANDBOX_URL": "file:///etc/passwd"}, 2, "write it as http://host:port"),
    "no HTTP": (("clock", "show"), {"SANDBOX_URL": "http://"}, 1, "does not answer"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_command_impossible_then_a_sentence_says_why(run: Run, row: str) -> None:
    arguments, changed, status, sentence = REFUSED[row]
    result = run(*arguments, **changed)
    assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_server_for_production_then_it_says_that_there_is_no_sandbox(tmp_path: Path) -> None:
    with live_server(f"sqlite:///{tmp_path}/handcart.db", tmp_path, environment="production") as production:
        shop = Shop(production)
        arguments = ["sandbox", "clock", "show", "--server", production.url, "--client-id", shop.client.client_id]
        result = CliRunner().invoke(handcart, [*arguments, "--client-secret", shop.client.client_secret])
    assert (result.exit_code, "this server has no sandbox" in result.output) == (1, True)
