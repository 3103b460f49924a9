"""The demo's processes: server, worker and storefront."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handcart.core.settings import Settings
from handcart.demo import running, settings
from handcart.demo.errors import DemoFailed
from handcart.demo.urls import Sockets, Urls

_READY_SECONDS = 30
_STOP_SECONDS = 15
_PAUSE_SECONDS = 0.05
_STOP_DEMO_SECONDS = 30


def detach(directory: Path, options: Sequence[str]) -> tuple[int, str]:
    """Start `handcart demo` with these options in a session of its own, and wait until all its servers answer.

    Returns its exit status, 0 while it runs, and what it printed.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = directory / "demo.log"
    with log.open("wb") as output:
        started = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "handcart", "demo", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while (running.find(directory) or {}).get("pid") != started.pid:
        if started.poll() is not None:
            return started.returncode or 1, log.read_text().rstrip("\n")
        time.sleep(_PAUSE_SECONDS)
    return 0, log.read_text().rstrip("\n")


def stop_demo(directory: Path) -> str:
    """Stop the demo that runs on a data directory; returns its URL. Raises `DemoFailed`."""
    info = running.find(directory)
    if info is None:
        raise DemoFailed(
            f"no demo runs in {directory}: name another data directory by `handcart demo --stop --data DIR`"
        )
    os.kill(info["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _STOP_DEMO_SECONDS
    while (running.find(directory) or {}).get("pid") == info["pid"]:
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"the demo at {info['api_url']} (process {info['pid']}) did not stop in {_STOP_DEMO_SECONDS} seconds"
            )
        time.sleep(_PAUSE_SECONDS)
    return str(info["api_url"])


@contextlib.contextmanager
def start(
    chosen: Settings, sockets: Sockets, urls: Urls, info: dict[str, Any], webhook: dict[str, Any]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start server, worker and storefront. They always end with this process, even after SIGKILL."""
    environment = {
        **settings.environment(),
        **settings.variables(chosen),
        "STOREFRONT_CLIENT_SECRET": info["client_secret"],
        "STOREFRONT_CALLBACK_CLIENT_ID": webhook["client_id"],
        "STOREFRONT_CALLBACK_CLIENT_SECRET": webhook["client_secret"],
        "STOREFRONT_CALLBACK_SIGNING_SECRET": webhook["signing_secret"],
    }
    api, storefront = sockets.api.fileno(), sockets.storefront.fileno()
    shop = ["-m", "storefront", "--api-url", urls.own_api, "--issuer", chosen.issuer, "--allow-plain-http"]
    shop += ["--authorize-url", info["authorize_url"], "--client-id", info["client_id"]]
    shop += ["--account-url", f"{chosen.issuer}/account"]
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


def wait_until_ready(children: dict[str, subprocess.Popen[bytes]], urls: tuple[str, ...]) -> None:
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


def watch(children: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        _raise_if_ended(children)
        time.sleep(0.3)


def _raise_if_ended(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise DemoFailed(f"the {name} ended with status {child.returncode}: see {name}.log in the data directory")
