"""The operator's file of map tiles (PMTiles), sent in ranges of bytes as the street map asks for them."""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import errors
from handcart.core.settings import expanded
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.staff import roles

PATH = "/console/map/tiles"
# Maximum length of a range.
MOST_BYTES = 2 << 20
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})")


async def _serve(browser: PersonBrowser) -> Reply:
    """One range of the file: 206, or 416 for anything but one range with both ends, of at most `MOST_BYTES`."""
    actor, wanted = browser.actor, browser.call.header_values(b"range")
    roles.require(actor, "see_map", actor.retailer_id, actor.store_number)
    if not wanted:
        raise PageRefused(400, "invalid_request")
    if not browser.settings.map_tiles:
        raise errors.not_found()
    try:
        return await asyncio.to_thread(_part, expanded(browser.settings.map_tiles), ", ".join(wanted))
    except OSError:  # the file is gone
        raise errors.not_found() from None


def _part(file: Path, wanted: str) -> Reply:
    with file.open("rb") as opened:
        about = os.fstat(opened.fileno())
        found = _RANGE.fullmatch(wanted)
        first, last = (int(found[1]), int(found[2])) if found else (0, -1)
        if not first <= last < first + MOST_BYTES or first >= about.st_size:
            return Reply(416, headers=((b"content-range", b"bytes */%d" % about.st_size),))
        opened.seek(first)
        body = opened.read(last - first + 1)
    headers = (
        (b"content-type", b"application/octet-stream"),
        (b"content-range", b"bytes %d-%d/%d" % (first, first + len(body) - 1, about.st_size)),
        (b"etag", b'"%x-%x"' % (about.st_mtime_ns, about.st_size)),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    return Reply(206, body, headers)


ROUTES: Sequence[Route] = (Route(method="GET", path=PATH, handler=signed_in(_serve)),)
