"""`demo`, `serve`, `worker`, `migrate`, `check` as processes: what they print, write, refuse and leave behind."""

import json
import os
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from handcart.cli import handcart
from handcart.core.secret import Keys
from tests.support.process import start_server
from tests.support.server import SECRET_KEY, make_data

COMMAND = [sys.executable, "-m", "handcart"]
# Runs a command with a low soft limit of open files.
LOW = (
    sys.executable,
    "-c",
    "import os, resource as r, sys; hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (256, hard));"
    "os.execv(sys.argv[1], sys.argv[1:])",
)
SECONDS = 60
KEYS = {
    "api_url",
    "own_url",
    "authorize_url",
    "client_id",
    "client_secret",
    "retailer",
    "redirect_uri",
    "storefront_url",
    "accounts",
    "console_url",
    "staff",
    "shopper_app_url",
    "shoppers",
    "data",
    "database",
    "pid",
}


# Takes the powers of root from a command, so that the modes of files count for it as well.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


def run(*arguments: str, prefix: Sequence[str] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HANDCART_")}
    clean["HANDCART_CONSOLE"] = "127.0.0.1:0"  # another server of this machine may have the default port
    return subprocess.run(
        [*prefix, *COMMAND, *arguments], env={**clean, **environment}, capture_output=True, text=True, timeout=SECONDS
    )


@contextmanager
def demo(tmp_path: Path, *options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running demo and what it wrote."""
    info = tmp_path / "info.json"
    info.unlink(missing_ok=True)
    ports = ("--port", "0", "--storefront-port", "0")
    process = subprocess.Popen(
        [*COMMAND, "demo", *ports, "--data", str(tmp_path / "data"), "--info", str(info), *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + SECONDS
        while not info.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the demo did not start"
            time.sleep(0.05)
        yield process, json.loads(info.read_text())
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=SECONDS)


def children_of(process: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_ended(pids: Sequence[int]) -> None:
    for _ in range(int(SECONDS / 0.05)):
        if not any(map(is_running, pids)):
            break
        time.sleep(0.05)
    assert [pid for pid in pids if is_running(pid)] == []


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal yet."""
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_demo_started_then_info_file_and_everything_answers(tmp_path: Path) -> None:
    with demo(tmp_path) as (_, info):
        assert set(info) == KEYS
        assert stat.S_IMODE((tmp_path / "info.json").stat().st_mode) == 0o600
        assert {account["instacartplus_member"] for account in info["accounts"]} == {True, False}
        assert all(set(account) == {"email", "password", "instacartplus_member"} for account in info["accounts"])
        assert (tmp_path / "data" / "handcart.db").exists()
        for url in (f"{info['api_url']}/ready", info["storefront_url"], f"{info['api_url']}/reference"):
            assert httpx.get(url, timeout=SECONDS).status_code == 200
        token = {name: info[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        assert httpx.post(f"{info['api_url']}/v2/oauth/token", json=token, timeout=SECONDS).status_code == 200
        made = run(
            "client", "create", "--retailer", info["retailer"], "--redirect-uri", "https://shop.example/cb", "--json",
            "--database", f"sqlite:///{tmp_path / 'data' / 'handcart.db'}",
        )  # fmt: skip
        client = json.loads(made.stdout)
        assert client["authorize_url"] == info["authorize_url"]
        token |= {name: client[name] for name in ("client_id", "client_secret")}
        assert httpx.post(f"{info['api_url']}/v2/oauth/token", json=token, timeout=SECONDS).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_stopped_then_everything_it_started_is_gone(tmp_path: Path, number: signal.Signals) -> None:
    make_data(tmp_path / "data")
    with demo(tmp_path) as (process, _):
        children = children_of(process)
        assert len(children) == 3
        process.send_signal(number)
        process.wait(SECONDS)
        assert process.returncode == 0
        assert not (tmp_path / "info.json").exists()
        assert not (tmp_path / "data" / "info.json").exists()
        assert not [pid for pid in children if is_running(pid)]


def test_demo_killed_then_everything_it_started_ends(tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    with demo(tmp_path) as (process, _):
        children = children_of(process)
        process.kill()
        process.wait(SECONDS)
        wait_until_ended(children)


def test_second_demo_on_the_same_data_then_it_says_where_the_first_one_is(tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    with demo(tmp_path) as (_, info):
        webhooks = run("callbacks", "list", "--info", str(tmp_path / "info.json"), "--json")
        second = run("demo", "--port", "0", "--storefront-port", "0", "--data", str(tmp_path / "data"))
        assert (second.returncode, second.stderr) == (
            1,
            f"handcart: a demo already runs in {tmp_path}/data, at {info['api_url']}:"
            f" stop it by `handcart demo --stop --data {tmp_path}/data`\n",
        )
        assert json.loads((tmp_path / "data" / "info.json").read_text()) == info
        assert run("callbacks", "list", "--info", str(tmp_path / "info.json"), "--json").stdout == webhooks.stdout


START = ("demo", "--detach", "--port", "0", "--storefront-port", "0")
FREEZE = ("sandbox", "clock", "freeze", "--at", "2030-06-12T17:00:00Z")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has the data of a demo, which does not run."""
    (tmp_path / "handcart").mkdir()
    make_data(tmp_path / "handcart" / "demo")
    return {"XDG_DATA_HOME": str(tmp_path)}


def test_demo_in_the_background_then_every_command_finds_it_until_stopped(home: dict[str, str]) -> None:
    """Started again, it says that its clock is still stopped."""
    started = run(*START, "--json", **home)
    try:
        info = json.loads(started.stdout)
        assert run(*FREEZE, **home).returncode == 0
        made = run(
            *("callbacks", "create", "--url", "http://127.0.0.1:9/c", "--auth-uri", "http://127.0.0.1:9/t"),
            *("--client-id", "handcart", "--json"),
            **home,
            CALLBACKS_CLIENT_SECRET="a secret",
        )
        assert json.loads(made.stdout)["environment"] == "development"
        clients = json.loads(run("client", "list", "--json", **home).stdout)["clients"]
        assert [client["client_id"] for client in clients] == [info["client_id"]]
        again = run(*START, **home)
        assert again.returncode == 1
        assert f"at {info['api_url']}: stop it by `handcart demo --stop`" in again.stderr
    finally:
        stopped = run("demo", "--stop", **home)
    assert stopped.stdout == f"The demo at {info['api_url']} has stopped.\n"
    assert "no demo runs on this machine" in run("sandbox", "clock", "show", **home).stderr
    banner = run(*START, **home).stdout
    try:
        assert "The sandbox's clock is stopped at 2030-06-12T17:00:00Z" in banner
        assert "demo --stop` stops everything." in banner
        assert "Ctrl-C" not in banner
        assert f"{Path(sys.executable).with_name('handcart').name} sandbox clock release`" in banner
    finally:
        assert run("demo", "--stop", **home).returncode == 0


def test_no_demo_runs_then_commands_say_how_to_name_an_installation(home: dict[str, str], tmp_path: Path) -> None:
    assert "no demo runs" in run("demo", "--stop", **home).stderr
    assert "no demo runs on this machine" in run("sandbox", "clock", "show", **home).stderr
    for command in ("list", "events"):
        refused = run("callbacks", command, **home)
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
        assert "no demo runs on this machine: start one by `handcart demo`, or name a server;" in refused.stderr
        assert "for an installation, name the retailer with --retailer" in refused.stderr
    assert "Missing option '--retailer'" in run("callbacks", "list", "--data", str(tmp_path), **home).stderr
    both = {**home, "HANDCART_DATA": str(tmp_path), "SANDBOX_INFO": str(tmp_path)}
    assert "or the demo with --info" in run("callbacks", "list", **both).stderr


def test_demo_that_cannot_start_in_the_background_then_its_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("demo", "--detach", "--port", port, "--storefront-port", "0", "--data", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.startswith(f"handcart: cannot listen on 127.0.0.1 port {port}")


def test_demo_started_again_then_it_keeps_its_data(tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    with demo(tmp_path) as (_, first):
        token = {name: first[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        access = httpx.post(f"{first['api_url']}/v2/oauth/token", json=token, timeout=SECONDS).json()["access_token"]
        user = {"user_id": "customer-1", "first_name": "Sample"}
        bearer = {"Authorization": f"Bearer {access}"}
        httpx.post(
            f"{first['api_url']}/v2/fulfillment/users", json=user, headers=bearer, timeout=SECONDS
        ).raise_for_status()
    with demo(tmp_path) as (_, second):
        for name in ("client_id", "client_secret", "accounts", "retailer"):
            assert second[name] == first[name]
        answer = httpx.get(f"{second['api_url']}/v2/fulfillment/users/customer-1/link", headers=bearer, timeout=SECONDS)
        assert answer.json()["error"]["message"] == "User Not Linked"


def test_demo_on_all_addresses_behind_a_proxy_then_its_public_url_is_named(tmp_path: Path) -> None:
    """The demo reaches its own processes without the environment's proxy, and without its public URL."""
    make_data(tmp_path / "data")
    nobody = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    with demo(tmp_path, "--host", "::", "--public-url", "http://demo.test:9999", **nobody) as (_, info):
        assert info["api_url"] == "http://demo.test:9999"
        storefront, port = info["storefront_url"].rsplit(":", 1)
        assert storefront == "http://demo.test"
        for host in ("127.0.0.1", "[::1]"):
            page = httpx.get(f"http://{host}:{port}/", trust_env=False, timeout=SECONDS)
            assert page.status_code == 200
            assert "form-action 'self' http://demo.test:9999;" in page.headers["content-security-policy"]


def test_demo_on_a_taken_port_then_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("demo", "--port", port, "--storefront-port", "0", "--data", str(tmp_path))
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_migrate_then_private_files_and_a_second_time_is_fine(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'handcart.db'}"
    for _ in range(2):
        result = run("migrate", "--database", url, "--json")
        assert result.returncode == 0, result.stderr
        assert set(json.loads(result.stdout)) == {"schema"}
    for name in ("handcart.db", "secret.key"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (("client", "list", "--database", "mysql://user:s3cr3t@host/x"), {}, "cannot use this database URL"),
        (("client", "list", "--database", "sqlite:///{tmp}/none.db"), {}, "no installation at {tmp} (no secret.key)"),
        (("serve", "--database", "postgresql://127.0.0.1:1/x", "--data", "{tmp}"), {}, "no secret key at {tmp}/"),
        (("migrate", "--database", "postgresql://127.0.0.1:1/x", "--data", "{tmp}"), {}, "cannot migrate"),
        (("migrate", "--database", "postgresql://h:port/x", "--data", "{tmp}"), {}, "the database URL cannot be read"),
        (("backup", "{tmp}/copy.db", "--data", "{tmp}/none"), {}, "no installation at {tmp}/none (no handcart.db)"),
        (("backup", "{tmp}/copy.db", "--database", "postgresql://h/x"), {}, "see docs/operations/backup.md"),
        (("restore", "{tmp}/text", "--database", "postgresql://h/x"), {}, "see docs/operations/backup.md"),
        (("restore", "{tmp}/text", "--data", "{tmp}"), {}, "the file cannot be copied"),
        (("migrate", "--database", "postgresql://127.0.0.1:65536/x", "--data", "{tmp}"), {}, "cannot migrate"),
        (("migrate", "--database", "sqlite:///{tmp}/text"), {}, "cannot migrate"),
        (("migrate", "--data", "{tmp}/text"), {}, "{tmp}/text: "),
        (("migrate", "--data", "{tmp}"), {"HANDCART_SECRET_KEY_FILE": "/"}, "/: Is a directory"),
        (("demo", "--data", "{tmp}", "--port", "0", "--info", "{tmp}/none/info.json"), {}, "No such file or directory"),
        (("demo", "--data", "{tmp}", "--host", "nowhere.invalid"), {}, "no address 'nowhere.invalid'"),
        (("serve", "--data", "{tmp}", "--public-url", "https://shop/?x"), {}, "must be https://host"),
        (("migrate", "--data", "{tmp}"), {"HANDCART_TRUSTED_PROXIES": "proxy"}, "write addresses or networks"),
        (("migrate", "--data", "{tmp}"), {"HANDCART_METRICS_PORT": "70000"}, "must be at most 65535"),
        (("migrate", "--data", "{tmp}"), {"HANDCART_NAME": "x"}, "there is no setting HANDCART_NAME"),
        (("migrate", "--data", "{tmp}"), {"HANDCART_POOL_SIZE": "many"}, "must be a whole number"),
        (("migrate", "--data", "{tmp}"), {"HANDCART_SECRET_KEY": "short"}, "the secret key is too short"),
    ],
)
def test_what_cannot_be_done_then_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    (tmp_path / "text").write_text("no database")
    result = run(*[argument.replace("{tmp}", str(tmp_path)) for argument in arguments], **environment)
    assert result.returncode == 1
    assert sentence.replace("{tmp}", str(tmp_path)) in result.stderr
    assert "Traceback" not in result.stderr
    assert "s3cr3t" not in result.stderr


def test_data_not_writable_then_a_sentence_and_reading_commands_work(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_data(data)
    for file in data.iterdir():
        file.chmod(0o400)
    data.chmod(0o500)
    arguments = ("--data", str(data))
    for written in (("serve", "--environment", "sandbox", "--port", "0"), ("worker",), ("demo", "--port", "0")):
        refused = run(*written, *arguments, prefix=POWERLESS)
        assert refused.returncode == 1, refused
        assert "cannot write" in refused.stderr or "Permission denied" in refused.stderr, refused.stderr
        assert refused.stderr.count("\n") <= 2, refused.stderr
    assert run("client", "list", *arguments, prefix=POWERLESS).returncode == 0
    made = run("account", "create", "--email", "a@example.com", *arguments, prefix=POWERLESS)
    assert (made.returncode, made.stdout) == (1, "")
    assert "cannot write" in made.stderr
    checked = run("check", *arguments, prefix=POWERLESS, HANDCART_PUBLIC_URL="http://connect.example.org")
    assert "is not encrypted" in checked.stdout
    assert sorted(file.name for file in data.iterdir()) == ["handcart.db", "secret.key"]


def test_another_key_then_a_sentence(tmp_path: Path) -> None:
    make_data(tmp_path)
    result = run("client", "list", "--data", str(tmp_path), HANDCART_SECRET_KEY="another key, another key, another key")
    assert result.returncode == 1
    assert "the secret key does not belong to this database" in result.stderr


# Each has a character that should have been encoded, and so a part of the password where another part is expected.
MALFORMED = (
    "postgres://u:s3cr3t#@127.0.0.1:1/x",
    "postgres://u:s3cr3t/@127.0.0.1:1/x",
    "postgres://u:s3cr3t?@127.0.0.1:1/x",
    "postgres://u:s3cr3t?s3cr3t=1@127.0.0.1:1/x",
    "postgres://u:[s3cr3t@127.0.0.1:1/x",
    "postgres://u:1/s3cr3t@127.0.0.1:1/x",
    "postgres://u:s3cr3t@s3cr3t#@127.0.0.1:1/x",
)


@pytest.mark.parametrize("url", MALFORMED)
def test_database_url_malformed_then_no_part_of_the_password_is_printed(url: str) -> None:
    for command in (["migrate"], ["check"], ["check", "--data"], ["client", "list"]):
        arguments = [*command, "--database", url]
        result = CliRunner().invoke(handcart, arguments, env={"HANDCART_SECRET_KEY": SECRET_KEY})
        told = f"{result.output} {result.exception!r}"
        assert "the database URL cannot be read" in told
        assert "s3cr3t" not in told


def test_serve_with_a_malformed_database_url_then_no_password_is_shown(tmp_path: Path) -> None:
    result = run("serve", "--port", "0", "--database", MALFORMED[0], HANDCART_SECRET_KEY=SECRET_KEY)
    assert result.returncode == 1
    assert "the database URL cannot be read" in result.stderr
    assert "s3cr3t" not in result.stderr


def test_migrate_without_the_databases_key_then_no_key_is_made(tmp_path: Path) -> None:
    make_data(tmp_path)
    (tmp_path / "secret.key").unlink()
    fingerprint = Keys(SECRET_KEY.encode()).fingerprint
    for command in (["migrate"], ["demo", "--port", "0", "--storefront-port", "0"]):
        refused = run(*command, "--data", str(tmp_path))
        assert refused.returncode == 1
        assert f"a secret key that is not at {tmp_path}/secret.key: copy that key there" in refused.stderr
        assert fingerprint in refused.stderr
    assert not (tmp_path / "secret.key").exists()


def test_serve_on_unsafe_settings_then_refused_with_every_reason(tmp_path: Path) -> None:
    make_data(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    unsafe = {"HANDCART_PUBLIC_URL": "http://connect.example.org", "HANDCART_TRUSTED_PROXIES": "*"}
    refused = run("serve", "--data", str(tmp_path), "--port", "0", **unsafe)
    assert refused.returncode == 1
    checked = run("check", "--data", str(tmp_path), "--json", **unsafe)
    assert checked.returncode == 1
    problems = json.loads(checked.stdout)["problems"]
    assert len(problems) == 3
    for problem in problems:
        assert problem in refused.stderr


def test_serve_killed_then_its_workers_end_and_the_port_is_free(tmp_path: Path) -> None:
    """Also: every line of the log is JSON, those of the HTTP server included, and the limit of open files is raised."""
    make_data(tmp_path)
    running = start_server(f"sqlite:///{tmp_path}/handcart.db", tmp_path, "--workers", "2", command=(*LOW, *COMMAND))
    try:
        running.wait_until_ready()
        children = children_of(running.process)
        host, _, port = running.url.removeprefix("http://").partition(":")
        for _ in range(3):
            with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
                connection.sendall(b"no request at all\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for pid in (running.process.pid, *children):
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        running.kill()
    wait_until_ended(children)
    socket.create_server((host, int(port))).close()
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert {line["descriptors"] for line in lines if line["event"] == "listening"} == {hard}
    assert [line["logger"] for line in lines if line["event"] == "Invalid HTTP request received."]


def test_check_on_safe_settings_then_no_problem(tmp_path: Path) -> None:
    make_data(tmp_path)
    with sqlite3.connect(tmp_path / "handcart.db") as database:
        database.execute(
            "INSERT INTO staff (id, email, name, role, password_hash, created_at)"
            " VALUES (1, 'ada@example.com', 'Ada', 'operator_admin', 'a hash', 1)"
        )
    safe = {"HANDCART_PUBLIC_URL": "https://connect.example.org", "HANDCART_TRUSTED_PROXIES": "127.0.0.1"}
    result = run("check", "--data", str(tmp_path), **safe)
    assert (result.returncode, result.stdout.splitlines()[0]) == (0, "No problem found.")
    assert "warning" not in result.stdout
    warned = run("check", "--data", str(tmp_path), **safe, HANDCART_CALLBACK_HTTP="on")
    assert (warned.returncode, warned.stdout.splitlines()[0]) == (0, "No problem found.")
    assert warned.stdout.splitlines()[1].startswith("- warning: Callbacks and the credentials")


def test_worker_once_then_it_ends(tmp_path: Path) -> None:
    make_data(tmp_path)
    assert run("worker", "--once", "--data", str(tmp_path)).returncode == 0


def test_worker_stopped_then_it_ends_cleanly(tmp_path: Path) -> None:
    make_data(tmp_path)
    process = subprocess.Popen([*COMMAND, "worker", "--data", str(tmp_path)], stderr=subprocess.PIPE, text=True)
    while not catches(process.pid, signal.SIGTERM):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, printed = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, printed
