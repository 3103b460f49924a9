"""The console on a listener of its own, in real processes: which paths each listener has, and hosts and origins."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.console import forms
from tests.support.process import Server, server
from tests.support.server import make_data

# At the public listener, and at the console's.
PATHS = {
    "/console/sign-in": (404, 200),
    "/console": (404, 303),
    "/console/orders": (404, 303),
    "/account/sign-in": (200, 404),
    "/shopper": (200, 404),
    "/v2/oauth/token": (405, 404),
    "/openapi.json": (200, 404),
    "/reference": (200, 404),
    "/ready": (200, 200),
    "/live": (200, 200),
}


@pytest.fixture(scope="module", params=[1, 2])
def running(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with a number of processes, and the URL of its console."""
    data = tmp_path_factory.mktemp("listeners")
    make_data(data)
    options = ("--workers", str(request.param))
    with server(f"sqlite:///{data}/handcart.db", data, *options, console="127.0.0.1:0") as started:
        yield started, started.lines("listening")[0]["console_url"]


def test_each_path_at_each_listener_then_only_the_listeners_own_are_there(running: tuple[Server, str]) -> None:
    public, console = running[0].url, running[1]
    assert public != console
    for _ in range(4):  # of several processes, each takes some
        found = {path: tuple(httpx.get(url + path).status_code for url in (public, console)) for path in PATHS}
        assert found == PATHS
    home = httpx.get(console)
    assert (home.status_code, home.headers["location"]) == (303, "/console")
    style = re.search(r'href="(/static/[^"]+)"', httpx.get(f"{console}/console/sign-in").text)
    assert style
    assert httpx.get(console + style[1]).status_code == 200


def test_console_asked_by_a_name_of_another_site_then_refused(running: tuple[Server, str]) -> None:
    answer = httpx.get(f"{running[1]}/console/sign-in", headers={"host": "evil.example.com"})
    assert answer.status_code == 421


def test_form_posted_from_the_public_site_then_refused(running: tuple[Server, str]) -> None:
    public, console = running[0].url, running[1]
    with httpx.Client(base_url=console) as browser:
        form = forms(browser.get("/console/sign-in").text).found[0]
        fields = {**form, "email": "a@example.org", "password": "wrong password"}
        answers = {
            origin: browser.post(form.action, data=fields, headers={"origin": origin}).status_code
            for origin in (public, console)
        }
    assert answers == {public: 403, console: 401}


def test_console_has_an_https_url_then_its_cookies_and_links_have_it(tmp_path: Path) -> None:
    make_data(tmp_path)
    settings = {"console": "127.0.0.1:0", "console_url": "https://console.example.org"}
    with server(f"sqlite:///{tmp_path}/handcart.db", tmp_path, **settings) as started:
        # Bound to a free port: the address is in the log.
        port = started.lines("listening")[0]["console_port"]
        headers = {"host": "console.example.org"}
        answer = httpx.get(f"http://127.0.0.1:{port}/console/sign-in", headers=headers)
        assert answer.status_code == 200
        assert "strict-transport-security" in answer.headers
        assert "; Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" not in httpx.get(f"{started.url}/live").headers
