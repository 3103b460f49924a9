"""A retailer's part of a running server, by HTTP and with the client's own credentials."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import click

from handcart.cli.options import fail, json_option

SANDBOX = "/v2/handcart_sandbox"
_SCOPE = "connect:fulfillment"
_TIMEOUT_SECONDS = 60


class Remote:
    """The operations under one path of a running server, for one retailer, with a token for one scope."""

    def __init__(self, url: str, client_id: str, client_secret: str, banner: str | None, path: str, scope: str) -> None:
        self._url = url.rstrip("/")
        self._path = path
        credentials = {"client_id": client_id, "client_secret": client_secret, "scope": scope}
        # The command's own calls meet no faults, and are no calls of the integration's.
        self._headers = {"Handcart-Sandbox": "control", **({"X-Retailer-Id": banner} if banner else {})}
        answer = self._send("POST", "/v2/oauth/token", {"grant_type": "client_credentials", **credentials})
        self._headers["Authorization"] = f"Bearer {answer['access_token']}"

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer to a call; ends the command with what was refused."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send(method, f"{self._path}/{path}" + (f"?{urlencode(given)}" if given else ""), body)

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers} if content else self._headers
        request = Request(self._url + path, content, headers, method=method)  # noqa: S310 (http or https: see _url)
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                fail(_sentence_of(refused, path))
        except (URLError, OSError) as error:
            fail(f"{self._url} does not answer: {getattr(error, 'reason', error)}")


def _sentence_of(refused: HTTPError, path: str) -> str:
    try:
        body = json.load(refused)
        if refused.code == 404 and body["error"]["message"] == "Not found" and path.startswith(SANDBOX):
            return "this server has no sandbox: start it with HANDCART_ENVIRONMENT=sandbox"
        if "error_description" in body:
            return f"{body['error']}: {body['error_description']}"
        errors = body["error"].get("errors") or [body]
        return "; ".join(": ".join(filter(None, (one["meta"].get("key"), one["error"]["message"]))) for one in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the server answered {refused.code}"


def _url(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise click.BadParameter("write it as http://host:port or https://host")
    return value


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--banner", metavar="SLUG", help="Whose, for a client of several banners."),
        click.option(
            "--client-secret", metavar="SECRET", envvar="SANDBOX_CLIENT_SECRET", help="Or SANDBOX_CLIENT_SECRET."
        ),
        click.option("--client-id", metavar="ID", envvar="SANDBOX_CLIENT_ID", help="Or SANDBOX_CLIENT_ID."),
        click.option("--url", metavar="URL", envvar="SANDBOX_URL", callback=_url, help="The server; or SANDBOX_URL."),
        click.option(
            "--info",
            "info_file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            envvar="SANDBOX_INFO",
            help="All three, from the file that `handcart demo --info` wrote; or SANDBOX_INFO.",
        ),
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
    scope: str = _SCOPE,
) -> Remote:
    """The retailer's sandbox, or another part of the server that `path` and `scope` name."""
    info: dict[str, str] = {}
    if info_file is not None:
        try:
            info = json.loads(info_file.read_text())
        except ValueError:
            fail(f"{info_file} is not what `handcart demo --info` writes")
    url, client_id = url or info.get("api_url") or "http://127.0.0.1:8080", client_id or info.get("client_id")
    client_secret = client_secret or info.get("client_secret")
    if not client_id or not client_secret:
        fail("the client is missing: give --client-id and --client-secret, or --info with the demo's file")
    return Remote(url, client_id, client_secret, banner, path, scope)
