"""`handcart sandbox env` and `wait`: set up a shell to call a running sandbox, and wait for the server."""

import shlex
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import click

from handcart.cli.options import SANDBOX_INFO, fail, show
from handcart.cli.remote import access_options, open_sandbox, opener_of
from handcart.core.web.sockets import is_this_machine
from handcart.demo import running

_PAUSE_SECONDS = 0.1
_ASK_SECONDS = 5
_FIELD = """import json, sys
text = sys.stdin.read()
try:
    value = json.loads(text)
    for key in sys.argv[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
except (ValueError, LookupError, TypeError):
    sys.exit("field: no " + " ".join(sys.argv[1:]) + " in " + text)
print(value if isinstance(value, str) else json.dumps(value))"""
# curl reaches this machine without the proxy that the environment may name.
_NO_PROXY = 'export no_proxy="localhost,127.0.0.1,::1,%s,${no_proxy:-${NO_PROXY-}}"'
_CALL = """call() {  # call METHOD PATH [JSON]
  curl -sS -X "$1" "$API$2" -w '\\n' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    ${3:+--data-raw} ${3:+"$3"}
}"""


@click.command("env", short_help='Print what a shell needs: eval "$(handcart sandbox env)".')
@access_options
def print_env(as_json: bool, **access: Any) -> None:
    """Print shell commands that set up calls to the server, for `eval "$(handcart sandbox env)"`.

    \b
    API CLIENT_ID CLIENT_SECRET   the server and the API client
    TOKEN                         an access token, valid for a day
    REDIRECT_URI RETAILER         for a demo: the client's redirect URI, its retailer,
    EMAIL PASSWORD                and a customer of the platform who is a member
    call METHOD PATH [JSON]       send a request with the token, print the answer
    field NAME...                 print a part of the JSON on standard input

    Variables are exported. --json prints only the variables. A demo is remembered in SANDBOX_INFO, any other server in
    SANDBOX_URL, SANDBOX_CLIENT_ID and SANDBOX_CLIENT_SECRET, so that later commands need no option.
    """
    server = open_sandbox(**access, scope=None)
    info = server.info
    variables = {
        "API": str(info["api_url"]).rstrip("/"),
        "CLIENT_ID": info["client_id"],
        "CLIENT_SECRET": info["client_secret"],
        "TOKEN": server.token,
    }
    if "accounts" in info:
        member = next(account for account in info["accounts"] if account["instacartplus_member"])
        variables |= {"REDIRECT_URI": info["redirect_uri"], "RETAILER": info["retailer"]}
        variables |= {"EMAIL": member["email"], "PASSWORD": member["password"]}
    named: Path | None = access["info_file"]
    if named is not None or "data" in info:
        variables[SANDBOX_INFO] = str((named or Path(info["data"])).resolve())
    else:
        variables |= {f"SANDBOX_{name}": variables[name] for name in ("CLIENT_ID", "CLIENT_SECRET")}
        variables["SANDBOX_URL"] = variables["API"]
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    host = urlsplit(variables["API"]).hostname or ""
    if is_this_machine(host):
        lines.append(_NO_PROXY % host)
    lines += [f'field() {{ {shlex.quote(sys.executable)} -c {shlex.quote(_FIELD)} "$@"; }}', _CALL]
    show(as_json, variables, "\n".join(lines))


@click.command(short_help="Wait until the server answers.")
@access_options
@click.option(
    "--seconds",
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    metavar="N",
    help="Seconds after which the command gives up, with status 1.",
)
def wait(
    seconds: int,
    as_json: bool,
    info_file: Path | None,
    url: str | None,
    client_id: str | None,
    client_secret: str | None,
    banner: str | None,
) -> None:
    """Wait until the server answers: by default the demo on this machine, which may be starting."""
    deadline = time.monotonic() + seconds
    while True:
        server = url or _url_in(info_file)
        if server is not None and _answers(server):
            show(as_json, {"api_url": server}, f"{server} answers.")
            return
        if time.monotonic() > deadline:
            fail(f"{server or info_file or 'no demo on this machine'} did not answer in {seconds} seconds")
        time.sleep(_PAUSE_SECONDS)


def _url_in(info_file: Path | None) -> str | None:
    """The server of an info file, or of the demo on this machine; None while there is none."""
    if info_file is None:
        info = running.find(running.default_directory())
        return None if info is None else str(info["own_url"])
    try:
        return str(running.read(info_file)["api_url"])
    except FileNotFoundError:
        return None


def _answers(server: str) -> bool:
    try:
        with opener_of(server).open(f"{server.rstrip('/')}/ready", timeout=_ASK_SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False
