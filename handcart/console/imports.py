"""Import stores or items from a file: send it, see what would change, then import it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core.errors import Refused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.staff import roles
from handcart.stores import files as store_files
from handcart.stores import uploads
from handcart.stores.errors import StoreRefused
from handcart.stores.uploads import ITEMS, NEEDS, STORES, Upload

PATHS = {STORES: "/console/stores", ITEMS: "/console/catalog"}
_COLUMNS = {STORES: store_files.STORE_COLUMNS, ITEMS: store_files.ITEM_COLUMNS}
_MOST_SHOWN = 100
_MOST_CHARACTERS = 60


def _handlers(what: str) -> Sequence[Route]:
    """The routes for one kind of file."""
    path = f"{PATHS[what]}/import"

    async def show(browser: PersonBrowser) -> Reply:
        _require(browser, what)
        wanted = dict(browser.query).get("upload", "")
        upload = await _upload(browser, what, wanted) if wanted else None
        if wanted and upload is None:
            return await _start(browser, what, error="gone", status=404)
        return await _start(browser, what) if upload is None else await _preview(browser, upload)

    async def send(browser: PersonBrowser) -> Reply:
        fields, content = await files.posted(browser, "import", what, file="file", most_bytes=uploads.MOST_BYTES)
        _require(browser, what)
        if not fields.get("retailer") or not content:
            error = "retailer" if not fields.get("retailer") else "no_file"
            return await _start(browser, what, error=error, status=400)
        retailer = await scope.retailer_of(browser, NEEDS[what], fields["retailer"])
        try:
            await asyncio.to_thread(uploads.rows, what, content)
        except Refused as refused:
            return await _start(browser, what, sentence=str(refused), status=400)
        made = await browser.write(uploads.keep, retailer.id, what, content)
        return browser.see_other(f"{path}?upload={made}")

    async def save(browser: PersonBrowser) -> Reply:
        form = await browser.posted("import", what, "save")
        _require(browser, what)
        upload = await _upload(browser, what, form.get("upload", ""))
        if upload is None:
            return await _start(browser, what, error="gone", status=409)
        found = await asyncio.to_thread(uploads.rows, what, upload.content)
        try:
            await browser.write(uploads.save, upload, found, form.get("version", ""))
        except StoreRefused as refused:
            return await _start(browser, what, error=refused.reason, status=409)
        except Changed:
            return await _preview(browser, upload, error="stale")
        return browser.see_other(f"{PATHS[what]}?done=imported")

    return (
        Route(method="GET", path=path, handler=signed_in(show)),
        Route(method="POST", path=path, handler=signed_in(send)),
        Route(method="POST", path=f"{path}/save", handler=signed_in(save)),
    )


def _require(browser: PersonBrowser, what: str) -> None:
    roles.require(browser.actor, NEEDS[what], browser.actor.retailer_id, browser.actor.store_number)


async def _upload(browser: PersonBrowser, what: str, upload_id: str) -> Upload | None:
    """The person's own file; its retailer's clock is used from now on."""
    found = await browser.call.app.database.read(uploads.find, browser.actor, upload_id, what)
    if found is not None:
        roles.require(browser.actor, NEEDS[what], found.retailer_id, browser.actor.store_number)
    return found


async def _start(
    browser: PersonBrowser, what: str, *, error: str | None = None, sentence: str | None = None, status: int = 200
) -> Reply:
    """The form for a file. `sentence`: why a file was refused, in English, as the command says it."""
    return browser.page(
        "console/import.html",
        status,
        what=what,
        path=f"{PATHS[what]}/import",
        back=PATHS[what],
        error=error,
        sentence=sentence,
        retailers=await scope.known_retailers(browser),
        columns=_COLUMNS[what],
        most_rows=uploads.MOST_ROWS,
        most_megabytes=uploads.MOST_BYTES >> 20,
        form_token=browser.form_token("import", what),
    )


async def _preview(browser: PersonBrowser, upload: Upload, error: str | None = None) -> Reply:
    """What the import of a file would change, and the button that imports it."""
    found = await asyncio.to_thread(uploads.rows, upload.what, upload.content)
    changes = await browser.call.app.database.read(uploads.differences, upload.retailer_id, upload.what, found)
    new = sum(one.is_new for one in changes)
    return browser.page(
        "console/import_preview.html",
        200 if error is None else 409,
        what=upload.what,
        path=f"{PATHS[upload.what]}/import",
        back=PATHS[upload.what],
        error=error,
        upload=upload.id,
        counts={"new": new, "changed": len(changes) - new, "same": len(found.good) - len(changes)},
        refused=found.refused[:_MOST_SHOWN],
        refused_rows=found.refused_rows,
        rows=[
            (one, [(name, _short(before), _short(after)) for name, (before, after) in one.values.items()])
            for one in changes[:_MOST_SHOWN]
        ],
        left_out=max(0, len(changes) - _MOST_SHOWN),
        version=uploads.version(changes),
        form_token=browser.form_token("import", upload.what, "save"),
    )


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


ROUTES: Sequence[Route] = (*_handlers(STORES), *_handlers(ITEMS))
