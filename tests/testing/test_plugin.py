"""The plugin as other projects use it: a separate pytest run in its own directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.process import ROOT, START_SECONDS, environment
from tests.support.snippets import snippets

# Pages with tests among their snippets.
GUIDES = (ROOT / "docs" / "testing.md", ROOT / "README.md")

INI = """
[pytest]
filterwarnings = error
handcart_options =
    brand = Sample Connect
"""

CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def note(tmp_path_factory, worker_id):
    file = open(f"{pytest.notes}/{worker_id}", "a")
    yield lambda text: print(text, file=file, flush=True)
    file.close()

def pytest_configure(config):
    pytest.notes = config.rootpath / "notes"
"""

SUITE = """
import handcart_client
import httpx
import pytest
from handcart.testing.server import CallRefused

@pytest.mark.parametrize("client", ["httpx", "handcart_client", "helper"] * 2)
def test_user_is_there_in_this_test_alone(handcart_sandbox, handcart_server, note, client):
    sandbox, address = handcart_sandbox, {"address_line_1": "1 Main St", "postal_code": "94105"}
    users, path = "/v2/fulfillment/users", "/v2/fulfillment/lastmile/users/one/validate_address"
    user = {"user_id": "one", "first_name": "Sample"}
    note(f"{handcart_server.pid} {sandbox.base_url}")
    if client == "httpx":
        with httpx.Client(base_url=sandbox.base_url, headers=sandbox.headers) as http:
            assert http.post(path, json=address).status_code == 400
            assert http.post(users, json=user).status_code == 200
            assert http.post(path, json=address).status_code == 200
    elif client == "handcart_client":
        with handcart_client.Client(sandbox.base_url, sandbox.client_id, sandbox.client_secret) as connect:
            with pytest.raises(handcart_client.BadRequest):
                connect.users.validate_address("one", **address)
            connect.users.create(**user)
            connect.users.validate_address("one", **address)
    else:
        with pytest.raises(CallRefused) as refused:
            sandbox.call("POST", path, address)
        assert (refused.value.status, refused.value.rule) == (400, "users.ops.missing")
        assert str(refused.value).startswith(f"POST {path}: 400 {{")
        assert str(refused.value).endswith("refused by users.ops.missing")
        assert sandbox.call("POST", users, user) == user
        sandbox.call("POST", path, address)

def test_sample_orders_are_placed_and_their_callbacks_come(handcart_sandbox, handcart_callbacks):
    order = handcart_sandbox.place_order("pickup", member=True)
    assert (order.kind, order.status) == ("pickup", "brand_new")
    done = handcart_sandbox.place_order(user_id=order.user_id, scenario="replaced", seed=7)
    assert (done.kind, done.user_id, done.status) == ("delivery", order.user_id, "completed")
    handcart_callbacks.wait_for("delivered", done.order_id, timeout=50)
    with pytest.raises(TimeoutError, match=r"picking of ORD-1 did not come in 0.1 s; what came: brand_new of ORD-"):
        handcart_callbacks.wait_for("picking", "ORD-1", timeout=0.1)

class TestOptions:
    @pytest.fixture
    def handcart_options(self, handcart_options):
        return {**handcart_options, "is_lenient": False}

    def test_options_hold(self, handcart_sandbox):
        with httpx.Client(base_url=handcart_sandbox.base_url) as http:
            assert "Sample Connect" in http.get("/login").text

@pytest.mark.xfail(raises=ValueError, strict=True)
class TestUnknownOption:
    @pytest.fixture
    def handcart_options(self):
        return {"nonsense": 1}

    def test_it_is_refused(self, handcart_sandbox):
        pass

def test_clock_stands_and_moves(handcart_clock, handcart_sandbox):
    noon = handcart_clock.freeze()
    assert handcart_clock.now() == noon
    assert (handcart_clock.advance(days=40) - noon).days == 40
    with pytest.raises(CallRefused, match="expired"):
        handcart_sandbox.call("POST", "/v2/fulfillment/users", {"user_id": "one"})
    assert (handcart_clock.release() - noon).days == 0

async def test_asynchronous_tests_can_use_it(handcart_sandbox):
    async with httpx.AsyncClient(base_url=handcart_sandbox.base_url, headers=handcart_sandbox.headers) as http:
        assert (await http.get("/v2/handcart_sandbox/clock")).json()["state"] == "real"
"""

UNRELATED = """
import subprocess, sys

def test_nothing_was_loaded(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("handcart")
    assert not [name for name in sys.modules if name.startswith("handcart.") and "testing" not in name]
    assert "handcart.testing.server" not in sys.modules
"""

# By name, since our own tests bring a dozen more plugins, which take longer to load than these tests to run.
ALONE = ("--disable-plugin-autoload", "-p", "handcart")
PARALLEL = (*ALONE, "-p", "xdist", "-n", "4")
ASYNCIO = ("-p", "asyncio", "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")

ENDLESS = """
import time

def test_it_goes_on(handcart_sandbox, handcart_server):
    with open("pid", "w") as file:
        file.write(str(handcart_server.pid))
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def examples() -> dict[str, str]:
    """The tests that the documents show, each snippet as a file of tests."""
    shown = [one.text for guide in GUIDES for one in snippets(guide) if one.is_test]
    return {f"test_example_{number}.py": text for number, text in enumerate(shown)}


def start(directory: Path, cache: Path, files: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    for name, source in files.items():
        (directory / name).write_text(source)
    (directory / "pytest.ini").write_text(INI)
    (directory / "notes").mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env=environment() | {"XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ends(pid: int) -> bool:
    """Whether a process is gone, or will be soon."""
    deadline = time.monotonic() + START_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


def notes(directory: Path) -> Sequence[tuple[int, str]]:
    """Process and address of the server of every test that noted it."""
    lines = [line.split() for file in (directory / "notes").iterdir() for line in file.read_text().splitlines()]
    return [(int(pid), url) for pid, url in lines]


def test_workers_run_tests_at_once_then_each_test_has_a_clean_server(tmp_path: Path, cache: Path) -> None:
    files = {"conftest.py": CONFTEST, "test_suite.py": SUITE, **examples()}
    running = start(tmp_path, cache, files, *PARALLEL, *ASYNCIO)
    printed, _ = running.communicate(timeout=2 * START_SECONDS)

    assert running.returncode == 0, printed
    shown = sum(example.count("\ndef test_") + example.startswith("def test_") for example in examples().values())
    assert f"{10 + shown} passed, 1 xfailed" in printed
    noted = notes(tmp_path)
    assert len(noted) == 6
    assert len({pid for pid, _ in noted}) == len({url for _, url in noted}) > 1
    assert all(ends(pid) for pid, _ in noted)
    cached = sorted(path.suffix for path in (cache / "handcart/testing").iterdir())
    assert cached == ["", ".db"]  # the lock, and one template, though four wanted to make it


def test_test_run_is_killed_then_its_server_ends(tmp_path: Path, cache: Path) -> None:
    running = start(tmp_path, cache, {"test_endless.py": ENDLESS}, *ALONE)
    deadline = time.monotonic() + START_SECONDS
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    assert Path(f"/proc/{pid}").exists()

    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()

    assert ends(pid)


def test_no_test_asks_then_nothing_is_loaded_or_made(tmp_path: Path) -> None:
    running = start(tmp_path, tmp_path / "cache", {"test_unrelated.py": UNRELATED}, "-p", "no:asyncio")
    printed, _ = running.communicate(timeout=START_SECONDS)

    assert running.returncode == 0, printed
    assert not (tmp_path / "cache").exists()
