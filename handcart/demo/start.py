"""Start the demo and stop it."""

import asyncio
import contextlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handcart.core.db import migrate
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.web.sockets import listen
from handcart.demo import processes, running, samples, settings
from handcart.demo.announcement import announcement
from handcart.demo.errors import DemoFailed
from handcart.demo.urls import Sockets, Urls, urls_of
from handcart.upkeep.safety import DEMO_RETAILER


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
    chosen = settings.load(data, urls.api, callback_address=sockets.storefront.getsockname()[0])
    keys = migrate.keys_for(chosen)
    info, webhook, notes = _prepare(chosen, keys, data / "demo.json", urls)
    with processes.start(chosen, sockets, urls, info, webhook) as children:
        processes.wait_until_ready(children, (f"{urls.own_api}/ready", urls.own_storefront))
        print(json.dumps(info) if as_json else announcement(info, chosen, notes), flush=True)
        for file in files:
            running.write_private(file, info)
        processes.watch(children)


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
    kept, left = asyncio.run(samples.fill(chosen, keys, kept, urls))
    running.write_private(file, kept)
    info = {
        "api_url": chosen.issuer,
        "own_url": urls.own_api,
        "authorize_url": f"{chosen.issuer}/oauth/authorize",
        "client_id": kept["client_id"],
        "client_secret": kept["client_secret"],
        "retailer": DEMO_RETAILER,
        "redirect_uri": urls.storefront + samples.CALLBACK_PATH,
        "storefront_url": urls.storefront,
        "accounts": kept["accounts"],
        "console_url": f"{chosen.console_origin}/console",
        "staff": kept["staff"],
        "shopper_app_url": f"{chosen.issuer}/shopper",
        "shoppers": kept["shoppers"],
        "data": chosen.data,
        "database": chosen.database_url,
        "pid": os.getpid(),
    }
    return info, kept["webhook"], left
