"""The settings of the server: values, defaults, meanings, what is unsafe, and what is near its limit."""

import re
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from handcart.console.browser import PersonBrowser, signed_in
from handcart.core.settings import PREFIX, Settings
from handcart.core.web.call import Reply, Route
from handcart.staff import roles
from handcart.upkeep import limits, safety

PATH = "/console/settings"
MASK = "•••"
# Names of settings whose values are secret; those of files that hold them are not.
_SECRET = re.compile(r"(?:^|.*_)(?:secret|password|key)")
# The password in the URL of a database or a gateway.
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*(?=@)|((?:^|[?&])password=)[^&]*")


async def _show(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_settings", browser.actor.retailer_id, browser.actor.store_number)
    database, settings = browser.call.app.database, browser.settings
    return browser.page(
        "console/settings.html",
        rows=rows(settings),
        found=await safety.look(settings, database),
        near=await database.read(limits.near, settings),
    )


def rows(settings: Settings) -> Sequence[dict[str, Any]]:
    """Each setting with its value as a page may show it, its default, and whether it has another value."""
    found = []
    for one in fields(settings):
        value, default = getattr(settings, one.name), one.default
        found.append(
            {
                "name": PREFIX + one.name.upper(),
                "about": one.metadata["about"],
                "value": shown(one.name, value),
                "default": "" if default is MISSING else _written(default),
                "is_changed": value != default,
            }
        )
    return found


def shown(name: str, value: Any) -> str:
    """A value as a page may show it: no secret, and no password within a URL."""
    if value and isinstance(value, str) and _SECRET.fullmatch(name):
        return MASK
    return _PASSWORD.sub(
        lambda found: f"{found[1]}:{MASK}" if found[1] is not None else f"{found[2]}{MASK}", _written(value)
    )


def _written(value: Any) -> str:
    """A value in the form in which the environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


ROUTES: Sequence[Route] = (Route(method="GET", path=PATH, handler=signed_in(_show)),)
