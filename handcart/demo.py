"""The demo: server, worker and reference storefront on one machine, with sample customers."""

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handcart import running
from handcart.accounts import ops as accounts
from handcart.callbacks import webhooks
from handcart.callbacks.errors import UnknownWebhook
from handcart.core import clock
from handcart.core.db import Tx, Unavailable, migrate
from handcart.core.db.connect import connect
from handcart.core.secret import Keys
from handcart.core.settings import Settings, is_origin
from handcart.core.web.sockets import browser_url, listen, own_url
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.sandbox import state as sandbox
from handcart.sign_in import passwords
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import items, samples
from handcart.stores import ops as stores
from handcart.stores.models import KINDS
from handcart.upkeep.safety import DEMO_RETAILER

CALLBACK_PATH = "/account/link/callback"
EVENTS_PATH = "/callbacks"
TOKEN_PATH = "/callbacks/token"  # noqa: S105  a path
_READY_SECONDS = 30
_STOP_SECONDS = 15
_SAMPLES = (("member@example.com", True), ("guest@example.com", False))
# From Monday: hours whose windows are full until the day itself, so that the shop can show full windows. They are far
# from midnight: the first window of a list is never full.
_BUSY_HOURS = ((17, 18), (18,), (17,), (17, 18), (16, 17, 18), (9, 10, 11), (10, 11, 17))
_FEW = 1000
LIVELY = Plan(
    weekly=[[_FEW if hour in busy else 2 * _FEW for hour in range(24)] for busy in _BUSY_HOURS], same_day_only=_FEW
)


class DemoFailed(Exception):
    """The demo cannot start, or has ended. The text says why."""


@dataclass(frozen=True)
class Sockets:
    """The demo's listening sockets. Bound before anything starts, so that every URL is known."""

    api: socket.socket
    storefront: socket.socket


@dataclass(frozen=True)
class Urls:
    """URLs of API and storefront for browsers and clients, and for the demo's own processes (`own_*`)."""

    api: str
    storefront: str
    own_api: str
    own_storefront: str


def urls_of(sockets: Sockets, host: str, public_url: str | None, storefront_public_url: str | None) -> Urls:
    """The demo's URLs. A storefront without a public URL of its own is at the public URL's host, on its own port.

    Raises `DemoFailed` for what is no such URL, and for an https URL alone: its proxy serves no second port.
    """
    for option, url in (("--public-url", public_url), ("--storefront-public-url", storefront_public_url)):
        if url and not is_origin(url):
            raise DemoFailed(f"{option} {url!r} must be http://host, http://host:port, or the same with https")
    api = (public_url or browser_url(sockets.api, host)).rstrip("/")
    storefront = storefront_public_url or browser_url(sockets.storefront, host)
    if public_url and not storefront_public_url:
        parts = urlsplit(api)
        if parts.scheme != "http":
            raise DemoFailed("--public-url is https: give the storefront's own URL too, with --storefront-public-url")
        host_part = parts.netloc.removesuffix(f":{parts.port}")
        storefront = f"http://{host_part}:{sockets.storefront.getsockname()[1]}"
    return Urls(api, storefront.rstrip("/"), own_url(sockets.api), own_url(sockets.storefront))


def run(
    data: Path,
    *,
    host: str,
    port: int,
    storefront_port: int,
    public_url: str | None,
    storefront_public_url: str | None,
    info_file: Path | None,
    as_json: bool,
) -> None:
    """Start all servers, print their URLs, and stop all at Ctrl-C. Raises `DemoFailed`."""
    if importlib.util.find_spec("storefront") is None:
        raise DemoFailed("the demo needs the storefront: run it in a checkout, after `make setup`")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [data / running.INFO, *([info_file] if info_file else [])]
    try:
        with running.claim(data), _removed(files):
            _run(
                data,
                files,
                host=host,
                port=port,
                storefront_port=storefront_port,
                public_url=public_url,
                storefront_public_url=storefront_public_url,
                as_json=as_json,
            )
    except running.AlreadyRuns as error:
        raise DemoFailed(str(error)) from None


def _run(
    data: Path,
    files: Sequence[Path],
    *,
    host: str,
    port: int,
    storefront_port: int,
    public_url: str | None,
    storefront_public_url: str | None,
    as_json: bool,
) -> None:
    for file in files:
        tempfile.TemporaryFile(dir=file.parent).close()  # fails before anything starts if the directory is not writable
    sockets = Sockets(listen(host, port), listen(host, storefront_port))
    urls = urls_of(sockets, host, public_url, storefront_public_url)
    chosen = running.settings_of(data, urls.api, callback_address=sockets.storefront.getsockname()[0])
    keys = migrate.keys_for(chosen)
    info, webhook, notes = _prepare(chosen, keys, data / "demo.json", urls)
    with _children(chosen, sockets, urls, info, webhook) as children:
        _wait_until_ready(children, (f"{urls.own_api}/ready", urls.own_storefront))
        print(json.dumps(info) if as_json else _announcement(info, chosen, notes), flush=True)
        for file in files:
            running.write_private(file, info)
        _watch(children)


@contextlib.contextmanager
def _removed(files: Sequence[Path]) -> Iterator[None]:
    """Remove files now and when the block ends: they describe a running demo."""
    for file in files:
        file.unlink(missing_ok=True)
    try:
        yield
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _prepare(chosen: Settings, keys: Keys, file: Path, urls: Urls) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Make schema, retailer, client, sample customers and the storefront's webhook. Keep those of an earlier start.

    The database has only hashes, so the demo's secrets are kept in a private file beside it. Returns the content of
    the info file, the webhook, and sentences about what an earlier start left switched on.
    """
    kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    kept, left = asyncio.run(_fill(chosen, keys, kept, urls))
    running.write_private(file, kept)
    info = {
        "api_url": chosen.issuer,
        "own_url": urls.own_api,
        "authorize_url": f"{chosen.issuer}/oauth/authorize",
        "client_id": kept["client_id"],
        "client_secret": kept["client_secret"],
        "retailer": DEMO_RETAILER,
        "redirect_uri": urls.storefront + CALLBACK_PATH,
        "storefront_url": urls.storefront,
        "accounts": kept["accounts"],
        "data": chosen.data,
        "database": chosen.database_url,
        "pid": os.getpid(),
    }
    return info, kept["webhook"], left


async def _fill(chosen: Settings, keys: Keys, kept: dict[str, Any], urls: Urls) -> tuple[dict[str, Any], list[str]]:
    try:
        database = await connect(chosen.database_url, keys)
        await database.read(migrate.check_schema)
    except Unavailable:
        await asyncio.to_thread(migrate.migrate, chosen.database_url, keys)
        database = await connect(chosen.database_url, keys)
    try:
        if not kept:
            samples = [
                {"email": email, "password": secrets.token_urlsafe(9), "instacartplus_member": is_member}
                for email, is_member in _SAMPLES
            ]
            hashes = [await asyncio.to_thread(passwords.hash_new, str(sample["password"])) for sample in samples]
            kept = await database.write(make_samples, samples, hashes)
        await database.write(clients.set_scopes, kept["client_id"], ALL)  # an earlier release may have had fewer
        await database.write(stock, LIVELY)
        redirect_uris = [urls.storefront + CALLBACK_PATH]
        await database.write(clients.register_redirect_uris, kept["client_id"], redirect_uris, plain_http=True)
        kept["webhook"] = await database.write(register_webhook, chosen, kept.get("webhook"), urls.own_storefront)
        return kept, await database.read(_left_on)
    finally:
        await database.close()


async def _left_on(tx: Tx) -> list[str]:
    """What an earlier start left switched on: one sentence each, with the command that switches it off."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    state = await sandbox.load(tx, retailer.id)
    found = []
    if state.is_virtual:
        how = "is stopped at" if state.frozen_at is not None else "was set, and now shows"
        found.append(f"The sandbox's clock {how} {clock.to_wire(state.now)}: `{{}} sandbox clock release`")
    if state.faults:
        found.append(f"Faults are switched on ({len(state.faults)}): `{{}} sandbox faults off`")
    if state.robot is not None:
        found.append(f"The robot shopper serves every new order ({state.robot.scenario}): `{{}} sandbox robot off`")
    return found


async def make_samples(tx: Tx, samples: list[dict[str, Any]], hashes: list[str]) -> dict[str, Any]:
    if await retailers.retailer_by_slug(tx, DEMO_RETAILER) is None:
        await retailers.create_retailer(
            tx, slug=DEMO_RETAILER, name="Sample Market", is_lenient=True, serves_everywhere=True
        )
    client = await clients.create(tx, retailer=DEMO_RETAILER, scopes=ALL)
    for sample, password_hash in zip(samples, hashes, strict=True):
        account = await accounts.find(tx, sample["email"])
        if account is not None:
            await accounts.change_password(tx, account.id, password_hash, "")
            continue
        account = await accounts.create(tx, sample["email"], password_hash)
        if sample["instacartplus_member"]:
            await accounts.grant_membership(tx, account.id, clock.now() + 365 * clock.DAY)
    return {"client_id": client.client_id, "client_secret": client.client_secret, "accounts": samples}


async def register_webhook(
    tx: Tx, chosen: Settings, kept: dict[str, Any] | None, storefront_url: str
) -> dict[str, Any]:
    """Make the storefront's webhook, or update that of an earlier start to the storefront's current URL."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    policy = webhooks.read_policy(chosen, trust=True)
    urls = {"callback_url": storefront_url + EVENTS_PATH, "auth_uri": storefront_url + TOKEN_PATH}
    if kept is not None:
        with contextlib.suppress(UnknownWebhook):
            await webhooks.update(tx, retailer.id, kept["id"], urls, policy)
            # It may have been disabled while the storefront was stopped.
            await webhooks.enable(tx, retailer.id, kept["id"])
            return kept
    credentials = {"client_id": "handcart", "client_secret": secrets.token_urlsafe(32)}
    wanted = webhooks.Configuration(name="Storefront", **urls, **credentials)
    made = await webhooks.create(tx, retailer.id, wanted, policy)
    return {"id": made.webhook.id, **credentials, "signing_secret": made.signing_secret}


async def stock(tx: Tx, plan: Plan = Plan(capacity=1000)) -> None:  # noqa: B008 (frozen)
    """Import the sample retailer's stores and items, once. `plan`: the plan of every store."""
    retailer = await retailers.retailer_by_slug(tx, DEMO_RETAILER)
    assert retailer is not None
    if not await stores.stores(tx, retailer.id):
        await retailers.change(tx, DEMO_RETAILER, {"offers_eta": True})
        for kind in KINDS:
            await plans.set_plan(tx, retailer.id, plans.EVERY_STORE, kind, plan)
        await stores.save(tx, retailer.id, await samples.stores(tx))
        await items.save(tx, retailer.id, samples.items())


@contextlib.contextmanager
def _children(
    chosen: Settings, sockets: Sockets, urls: Urls, info: dict[str, Any], webhook: dict[str, Any]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start server, worker and storefront. They always end with this process, even after SIGKILL."""
    environment = {
        **running.environment(),
        **running.variables(chosen),
        "STOREFRONT_CLIENT_SECRET": info["client_secret"],
        "STOREFRONT_CALLBACK_CLIENT_ID": webhook["client_id"],
        "STOREFRONT_CALLBACK_CLIENT_SECRET": webhook["client_secret"],
        "STOREFRONT_CALLBACK_SIGNING_SECRET": webhook["signing_secret"],
    }
    api, storefront = sockets.api.fileno(), sockets.storefront.fileno()
    shop = ["-m", "storefront", "--api-url", urls.own_api, "--issuer", chosen.issuer, "--allow-plain-http"]
    shop += ["--authorize-url", info["authorize_url"], "--client-id", info["client_id"]]
    shop += ["--fd", str(storefront), "--public-url", urls.storefront]
    shop += ["--brand", chosen.brand, "--membership", chosen.membership, "--data", chosen.data]
    # The children's standard input: nothing is written, and it ends with this process.
    alive, held = os.pipe()
    commands = {
        "server": (["-m", "handcart", "serve", "--fd", str(api)], (api,)),
        "worker": (["-m", "handcart", "worker"], ()),
        "storefront": (shop, (storefront,)),
    }
    children: dict[str, subprocess.Popen[bytes]] = {}
    with _raise_on_signals():
        try:
            for name, (arguments, descriptors) in commands.items():
                with (Path(chosen.data) / f"{name}.log").open("ab") as log_file:
                    children[name] = subprocess.Popen(  # noqa: S603 (our own commands)
                        [sys.executable, *arguments, "--end-with-stdin"],
                        env=environment,
                        pass_fds=descriptors,
                        stdin=alive,
                        stdout=log_file,
                        stderr=log_file,
                        start_new_session=True,
                    )
            sockets.api.close()
            sockets.storefront.close()
            yield children
        except KeyboardInterrupt:
            pass
        finally:
            _stop(children)
            os.close(alive)
            os.close(held)


@contextlib.contextmanager
def _raise_on_signals() -> Iterator[None]:
    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts the demo in the background has it ignored.
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_until_ready(children: dict[str, subprocess.Popen[bytes]], urls: tuple[str, ...]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    for address in urls:
        while not _answers(address):
            _raise_if_ended(children)
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"{address} did not answer in {_READY_SECONDS} seconds: see the logs in the data directory"
                )
            time.sleep(0.02)


def _answers(url: str) -> bool:
    # Without the environment's proxy: it could not reach this machine's own addresses.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        _raise_if_ended(children)
        time.sleep(0.3)


def _raise_if_ended(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise DemoFailed(f"the {name} ended with status {child.returncode}: see {name}.log in the data directory")


def _announcement(info: dict[str, Any], chosen: Settings, left: Sequence[str]) -> str:
    member, guest = info["accounts"]
    own = _own_name()
    stop = running.stop_command(own, Path(chosen.data))
    is_default = Path(chosen.data) == running.default_directory().resolve()
    named = "" if is_default else f"\n                 after `export SANDBOX_INFO={shlex.quote(chosen.data)}`"
    notes = "  Still on from an earlier start\n" if left else ""
    notes += "".join(f"    {line.format(own)}\n" for line in left)
    return f"""
{chosen.brand} is running.

  Storefront     {info["storefront_url"]}   start here: sign in, link an account, check out
  API            {info["api_url"]}
  API reference  {info["api_url"]}/reference
  Account page   {info["api_url"]}/account

  Customers of {chosen.brand}
    {member["email"]:<20} {member["password"]:<14} with {chosen.membership}
    {guest["email"]:<20} {guest["password"]:<14} without

  Retailer {info["retailer"]}
    client_id      {info["client_id"]}
    client_secret  {info["client_secret"]}
    redirect_uri   {info["redirect_uri"]}

  Data and logs  {chosen.data}
  Commands       {own} sandbox order   places a sample order; `{own} --help` lists all commands{named}
{notes}
{"Ctrl-C, or " if _has_terminal() else ""}`{stop}`{"," if _has_terminal() else ""} stops everything.
"""


def _has_terminal() -> bool:
    """Whether Ctrl-C reaches this process; not with `--detach`."""
    return sys.stdin is not None and sys.stdin.isatty()


def _own_name() -> str:
    """The command that runs this `handcart` in a shell here: its name if the PATH has this one, else its path."""
    own, known = Path(sys.executable).with_name("handcart"), shutil.which("handcart")
    if known is not None and Path(known).resolve() == own.resolve():
        return "handcart"
    if not own.exists():
        return f"{shlex.quote(sys.executable)} -m handcart"
    here = os.path.relpath(own)
    return shlex.quote(str(own) if here.startswith("..") else here)
