"""Files of pages: the rows of a list as CSV, and files that people send with a form."""

from collections.abc import Iterable, Sequence
from typing import Any

from handcart.console.browser import PersonBrowser
from handcart.core.web import multipart
from handcart.core.web.body import media_type, read_body
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply
from handcart.stores import tables

# What the other fields of a form with a file may have.
_FORM_BYTES = 16 << 10
# Time to send a form with a file.
_SECONDS = 60


def csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Reply:
    """Rows as a CSV file to save as `name`, in which no cell can run as a formula."""
    disposition = f'attachment; filename="{name}"'.encode("ascii")
    headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", disposition))
    return Reply(200, tables.written(columns, rows).encode("utf-8", "replace"), headers)


async def posted(browser: PersonBrowser, *subject: str, file: str, most_bytes: int) -> tuple[dict[str, str], bytes]:
    """The fields of a posted form about `subject`, and the file in its field `file`; empty if there is none.

    Refuses as `PersonBrowser.posted` does, and with 413 a file that is longer than `most_bytes`.
    """
    if media_type(browser.call)[0] != "multipart/form-data":
        return await browser.posted(*subject), b""
    browser.check_origin()
    body = await read_body(browser.call, most_bytes + _FORM_BYTES, _SECONDS)
    try:
        parts = multipart.parse(browser.call.header(b"content-type") or "", body)
    except multipart.NotAForm:
        raise PageRefused(400, "invalid_request") from None
    fields = dict(parts.fields)
    browser.check_form(fields, *subject)
    return fields, parts.files.get(file, b"")
