"""The command, run as its own process."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from storefront.__main__ import Server
from storefront.news import News

OPTIONS = ["--api-url=http://127.0.0.1:1", "--authorize-url=http://127.0.0.1:1/oauth/authorize", "--client-id=shop"]
SECRET = {"STOREFRONT_CLIENT_SECRET": "s3cret"}
WEBHOOK = {"STOREFRONT_CALLBACK_CLIENT_ID": "platform", "STOREFRONT_CALLBACK_CLIENT_SECRET": "callback-secret-value"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SECRET}
ENVIRONMENT["PYTHONPATH"] = os.pathsep.join(sys.path)


@contextmanager
def shop(*options, environment=SECRET, **popen):
    command = [sys.executable, "-m", "storefront", *OPTIONS, *options]
    process = subprocess.Popen(
        command, env=ENVIRONMENT | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def url_of(process):
    line = process.stdout.readline()
    found = re.fullmatch(r"Sample Market is open at (http://127\.0\.0\.1:\d+)\n", line)
    assert found, line + process.stderr.read()
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_sent_then_the_shop_stops_cleanly(number):
    with shop("--port=0") as process:
        assert "Sample Market" in httpx.get(url_of(process)).text
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
        assert process.stdout.read() == ""


def test_all_addresses_then_a_reachable_url_and_closed_stdin_ends_the_shop():
    alive, held = os.pipe()
    with shop("--port=0", "--host=0.0.0.0", "--end-with-stdin", stdin=alive) as process:
        os.close(alive)
        assert "Sample Market" in httpx.get(url_of(process)).text
        os.close(held)
        assert process.wait(20) == 0


async def test_server_stops_then_the_page_that_listens_is_let_go():
    news = News()
    server = Server(uvicorn.Config(app=None), "http://127.0.0.1", news)
    versions = news.versions("SM-1", lambda: 1)
    assert await anext(versions) == 1
    server.handle_exit(signal.SIGTERM, None)
    assert await anext(versions, "over") == "over"


def test_socket_and_webhook_given_then_it_listens_and_issues_tokens():
    asked = {"client_id": "platform", "client_secret": "callback-secret-value", "grant_type": "client_credentials"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        options = {"environment": SECRET | WEBHOOK, "pass_fds": [listening.fileno()]}
        with shop(f"--fd={listening.fileno()}", **options) as process, httpx.Client() as platform:
            url = url_of(process)
            assert url == f"http://127.0.0.1:{listening.getsockname()[1]}"
            answer = platform.post(url + "/callbacks/token", data=asked)
            assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")


def test_second_start_on_the_same_data_then_sessions_are_kept(tmp_path):
    data = tmp_path / "new" / "shop"
    with httpx.Client() as browser:
        for _ in range(2):
            with shop("--port=0", f"--data={data}") as process:
                url = url_of(process)
                if not browser.cookies:
                    page = browser.get(url + "/sign-in").text
                    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
                    browser.post(url + "/sign-in", data={"form_token": token, "customer": "one"})
                assert "Sign out" in browser.get(url).text


def test_platform_not_running_then_the_shop_still_works():
    with shop("--port=0", "--brand=Basket", "--membership=Basket Plus") as process, httpx.Client() as browser:
        url = url_of(process)
        page = browser.get(url + "/sign-in").text
        token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
        response = browser.post(
            url + "/sign-in",
            data={"form_token": token, "customer": "one", "to": "account"},
            follow_redirects=True,
        )
        assert response.status_code == 200
        assert "We cannot reach Basket right now" in response.text


def test_code_and_state_received_then_not_in_the_output():
    with shop("--port=0") as process:
        url = url_of(process)
        httpx.get(url + "/account/link/callback", params={"code": "secret-code", "state": "secret-state"})
        process.send_signal(signal.SIGTERM)
        output = "".join(process.communicate(timeout=20))
        assert "secret" not in output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--api-url=http://platform.example"], "https://"),
        (["--host=203.0.113.1"], "assign"),
        (["--fd=99"], "descriptor"),
    ],
)
def test_impossible_option_then_refused_with_a_sentence(options, said):
    with shop(*options) as process:
        assert process.wait(20) == 2
        error = process.stderr.read()
        assert said in error
        assert "Traceback" not in error


def test_secret_missing_then_the_start_names_the_variable():
    command = [sys.executable, "-m", "storefront", *OPTIONS]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "STOREFRONT_CLIENT_SECRET" in done.stderr


def test_help_asked_for_then_it_names_every_option():
    done = subprocess.run(
        [sys.executable, "-m", "storefront", "--help"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    for option in ("--api-url", "--authorize-url", "--issuer", "--retailer", "--port", "--fd", "--public-url"):
        assert option in done.stdout
    assert "STOREFRONT_CLIENT_SECRET" in done.stdout
