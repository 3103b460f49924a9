"""The settings of the demo's server, and how its processes get them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handcart.core import settings
from handcart.core.settings import Settings

# The demo sends callbacks to this machine and the networks around it, where people try things out.
_CALLBACKS: Mapping[str, Any] = {
    "callback_http": True,
    "callback_ports": "*",
    "callback_networks": "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
}
# Settings that the demo reads from the environment. Others there belong to another server.
_KEPT = ("HANDCART_BRAND", "HANDCART_MEMBERSHIP", "HANDCART_RATE_LIMIT_PER_SECOND", "HANDCART_ACCESS_LOG")


def load(data: Path, public_url: str, callback_address: str = "") -> Settings:
    """The settings of the demo in a data directory.

    `callback_address`: the address of its storefront, which callbacks may also reach.
    """
    networks = ",".join(filter(None, (_CALLBACKS["callback_networks"], callback_address)))
    return settings.load(
        environment(),
        environment="sandbox",
        data=str(data),
        database=f"sqlite:///{(data / 'handcart.db').resolve()}",
        public_url=public_url,
        self_service=True,
        **{**_CALLBACKS, "callback_networks": networks},
    )


def variables(chosen: Settings) -> Mapping[str, str]:
    """Environment variables that pass the demo's settings to a child process."""
    return {
        "HANDCART_ENVIRONMENT": chosen.environment,
        "HANDCART_DATA": chosen.data,
        "HANDCART_DATABASE": chosen.database_url,
        "HANDCART_PUBLIC_URL": chosen.public_url,
        "HANDCART_SELF_SERVICE": str(chosen.self_service),
        **{f"HANDCART_{name.upper()}": str(getattr(chosen, name)) for name in _CALLBACKS},
    }


def environment() -> dict[str, str]:
    """This process's environment without the settings of another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HANDCART_") or name in _KEPT}
