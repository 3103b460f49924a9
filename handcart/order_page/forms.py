"""The forms of the page. Each is a plain post; afterwards the page says what was done, or why not and what is true."""

from collections.abc import Awaitable, Callable, Mapping

from handcart.core.web import multipart
from handcart.core.web.body import media_type, read_body
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Call, Handler, Reply
from handcart.order_page import chat
from handcart.order_page.browser import OrderBrowser, of_link
from handcart.order_page.page import Refusal, show

# Does what a form asks for; returns None, or why not: a key of the texts `order_page.refused`.
Op = Callable[[OrderBrowser, Mapping[str, str]], Awaitable[str | None]]
_PICTURE_SECONDS = 60
_FORM_BYTES = 16 << 10


def form(name: str, op: Op, section: str) -> Handler:
    """A route's handler for the form `name` in a section of the page."""

    async def handle(call: Call) -> Reply:
        browser = await of_link(call)
        fields = await browser.posted(name)
        return await _answer(browser, name, section, fields, await op(browser, fields))

    return handle


async def say(call: Call) -> Reply:
    """Take the form of the chat, which may have a picture."""
    browser = await of_link(call)
    if media_type(call)[0] != "multipart/form-data":
        fields: Mapping[str, str] = await browser.posted("chat")
        return await _answer(browser, "chat", "chat", fields, await chat.post(browser, fields, b""))
    browser.check_origin()
    sent = await read_body(call, chat.MOST_PICTURE_BYTES + _FORM_BYTES, _PICTURE_SECONDS)
    try:
        parts = multipart.parse(call.header(b"content-type") or "", sent)
    except multipart.NotAForm:
        raise PageRefused(400, "invalid_request") from None
    browser.check_form(parts.fields, "chat")
    why = await chat.post(browser, parts.fields, parts.files.get("picture", b""))
    return await _answer(browser, "chat", "chat", parts.fields, why)


async def read(call: Call) -> Reply:
    """Take the news that the customer has seen the chat."""
    browser = await of_link(call)
    return await chat.read(browser, await browser.posted("read"))


async def _answer(browser: OrderBrowser, name: str, section: str, fields: Mapping[str, str], why: str | None) -> Reply:
    if why is None:
        return browser.done(name, section)
    return await show(browser, Refusal(name, why, fields))
