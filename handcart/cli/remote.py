"""Calls to a running server by HTTP, with the credentials of an API client."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

import click

from handcart.cli.options import SANDBOX_INFO, fail, info_option, json_option
from handcart.core.web.sockets import is_this_machine
from handcart.demo import running

SANDBOX = "/v2/handcart_sandbox"
_SCOPE = "connect:fulfillment"
_LOCAL = "http://127.0.0.1:8080"
_TIMEOUT_SECONDS = 60


def opener_of(url: str) -> OpenerDirector:
    """An opener for a URL. For a URL of this machine, it ignores the environment's proxy."""
    return build_opener(ProxyHandler({})) if is_this_machine(urlsplit(url).hostname or "") else build_opener()


class Remote:
    """The operations under one path of a running server, for one retailer, with a token for one scope.

    `info`: the server and its client, as `access` returns them. Without a scope, the token has all of the client's
    scopes.
    """

    def __init__(self, info: Mapping[str, Any], banner: str | None, path: str, scope: str | None) -> None:
        self.info = info
        self._url = str(info["api_url"]).rstrip("/")
        self._path = path
        self._opener = opener_of(self._url)
        asked = {"client_id": info["client_id"], "client_secret": info["client_secret"], "scope": scope}
        # Marks the command's own calls: they meet no faults and are not logged.
        self._headers = {"Handcart-Sandbox": "control", **({"X-Retailer-Id": banner} if banner else {})}
        given = {name: value for name, value in asked.items() if value is not None}
        answer = self._send("POST", "/v2/oauth/token", {"grant_type": "client_credentials", **given})
        self.token: str = answer["access_token"]
        self._headers["Authorization"] = f"Bearer {self.token}"

    def ask(self, method: str, path: str, body: Any = None, *, missing: str | None = None, **query: Any) -> Any:
        """The answer to a call. A refusal ends the command with its message; `missing` says what was not found."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send(method, f"{self._path}/{path}" + (f"?{urlencode(given)}" if given else ""), body, missing)

    def _send(self, method: str, path: str, body: Any = None, missing: str | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers} if content else self._headers
        request = Request(self._url + path, content, headers, method=method)  # noqa: S310 (http or https: see _url)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                sentence = _sentence_of(refused, path)
                fail(missing if missing and sentence == "Resource not found" else sentence)
        except (URLError, OSError) as error:
            fail(f"{self._url} does not answer: {getattr(error, 'reason', error)}")


def _sentence_of(refused: HTTPError, path: str) -> str:
    try:
        body = json.load(refused)
        if refused.code == 404 and body["error"]["message"] == "Not found" and path.startswith(SANDBOX):
            return "this server has no sandbox: start it with HANDCART_ENVIRONMENT=sandbox"
        if "error_description" in body:
            return f"{body['error']}: {body['error_description']}"
        return "; ".join(map(_told, body["error"].get("errors") or [body]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the server answered {refused.code}"


def _told(error: Any) -> str:
    """One refusal as a sentence, with the known names if a name is unknown."""
    meta = error["meta"]
    told = ": ".join(filter(None, (meta.get("key"), error["error"]["message"])))
    if meta.get("nearest"):
        told += f", did you mean {meta['nearest']}?"
    for name, words in (("known", "known names:"), ("kinds", "it is for orders of the kind")):
        if meta.get(name):
            told += f"; {words} {', '.join(meta[name])}"
    return told


def _url(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise click.BadParameter("write it as http://host:port or https://host")
    return value


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which server a command talks to, and as which client."""
    for option in (
        click.option("--banner", metavar="SLUG", help="Slug of the retailer, for a client of an organization."),
        click.option(
            "--client-secret",
            metavar="SECRET",
            envvar="SANDBOX_CLIENT_SECRET",
            help="Secret of the API client. Other processes can see it: prefer SANDBOX_CLIENT_SECRET.",
        ),
        click.option(
            "--client-id",
            metavar="ID",
            envvar="SANDBOX_CLIENT_ID",
            help="Id of the API client. Default: SANDBOX_CLIENT_ID, else the demo's client.",
        ),
        click.option(
            "--server",
            "url",
            metavar="URL",
            envvar="SANDBOX_URL",
            callback=_url,
            help="URL of the server. Default: SANDBOX_URL, else the demo on this machine.",
        ),
        info_option(envvar=SANDBOX_INFO),
        json_option,
    ):
        command = option(command)
    return command


def open_sandbox(
    info_file: Path | None,
    url: str | None,
    client_id: str | None,
    client_secret: str | None,
    banner: str | None,
    path: str = SANDBOX,
    scope: str | None = _SCOPE,
) -> Remote:
    """The retailer's sandbox, or another part of the server that `path` and `scope` name."""
    return Remote(access(info_file, url, client_id, client_secret), banner, path, scope)


def access(
    info_file: Path | None, url: str | None, client_id: str | None, client_secret: str | None
) -> Mapping[str, Any]:
    """The server and its client: `api_url`, `client_id`, `client_secret`; for a demo all fields of its info file.

    The demo on this machine is used only if no other server is named.
    """
    given = {"api_url": url, "client_id": client_id, "client_secret": client_secret}
    given = {name: value for name, value in given.items() if value}
    known: Mapping[str, Any] = {}
    if info_file is not None:
        known = running.read(info_file)
    elif not given:
        known = running.find(running.default_directory()) or {}
    if "data" in known and running.find(Path(known["data"])) == known:  # it runs on this machine
        known = {**known, "api_url": known["own_url"]}
    info = {"api_url": _LOCAL, **known, **given}
    if "client_id" not in info or "client_secret" not in info:
        fail(
            "no demo runs on this machine: start one by `handcart demo`, or name a server"
            if not given
            else "the client is missing: give --client-id and --client-secret",
            "--info names a demo by its info file or data directory,",
            "--server with --client-id and --client-secret any other server",
        )
    return info
