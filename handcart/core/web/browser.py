"""What pages need in addition to calls and replies: cookies, forms, locale, HTML responses."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from handcart.core import errors
from handcart.core.errors import ApiError
from handcart.core.web import origins, pages
from handcart.core.web.body import media_type, read_body
from handcart.core.web.call import Call, Header, Reply

MOST_FORM_BYTES = 64 * 1024


# The characters of an address besides letters and digits (RFC 3986); a redirect encodes all others.
_IN_ADDRESSES = "%:/?#[]@!$&'()*+,;=-._~"


class PageRefused(ApiError):
    """An error page; `key` names its texts in the locale files."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(status, key, None)
        self.text_key = key


def form_expired() -> PageRefused:
    """The error for a form without the token of this page, this browser and this step."""
    return PageRefused(403, "form_expired")


class Browser:
    """The browser that sent a call. `set_cookie` sets cookies with the page or redirect that is the response.

    `locales` are those of the page, `policy` is added to its Content-Security-Policy. `pictures_from`: URLs of pictures
    of other sites on the page.
    """

    locales: Mapping[str, str] = pages.LOCALES
    policy = ""
    pictures_from: Collection[str] = ()

    def __init__(self, call: Call) -> None:
        self.call = call
        self.settings = call.app.settings
        self._cookies = _cookies(call)
        self._new_cookies: dict[str, Header] = {}
        self.query = _pairs(call.query)
        self.locale = _locale(call, dict(self.query), self.locales)

    async def form(self) -> dict[str, str]:
        """The posted fields; refuses posts from other sites, and bodies that are not a form."""
        self.check_origin()
        return dict(await self.fields(MOST_FORM_BYTES))

    async def fields(self, most_bytes: int) -> list[tuple[str, str]]:
        """The posted fields, also when another site posted them."""
        if media_type(self.call)[0] != "application/x-www-form-urlencoded":
            raise PageRefused(415, "method_not_allowed")
        return _pairs(await read_body(self.call, most_bytes))

    def cookie(self, name: str, path: str) -> str:
        """The value of a cookie that `set_cookie` has set with this name and path; empty if there is none."""
        return self._cookies.get(cookie_name(name, path, is_https=self.call.is_https), "")

    def set_cookie(self, name: str, value: str, path: str, seconds: int | None = None) -> None:
        """Set a cookie with the response, for `seconds` or until the browser is closed."""
        full_name = cookie_name(name, path, is_https=self.call.is_https)
        cookie = f"{full_name}={value}; Path={path}; HttpOnly; SameSite=Lax"
        if self.call.is_https:
            cookie += "; Secure"
        if seconds:
            cookie += f"; Max-Age={seconds}"
        self._new_cookies[full_name] = (b"set-cookie", cookie.encode())

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response. Its forms may post to this site and be redirected to `form_action`'s origin."""
        body = pages.render(
            template,
            self.locale,
            brand=self.settings.brand,
            membership=self.settings.membership,
            **context,
        )
        policy = pages.content_security_policy(form_action, self.pictures_from) + self.policy
        return Reply(status, body.encode(), [*html_headers(policy=policy), *self._new_cookies.values()])

    def see_other(self, location: str, *, clears: bool = False) -> Reply:
        """Redirect with 303, so that a post is never repeated at the target (RFC 9700 section 4.12).

        `clears`: the browser deletes the pages that it has cached of this site (ASVS 5.0: 14.3.1). Not its storage:
        these pages keep nothing there, but the shopper's app keeps acts that were not sent yet.
        """
        headers: list[Header] = [
            (b"location", quote(location, safe=_IN_ADDRESSES, errors="replace").encode("ascii")),
            (b"referrer-policy", b"no-referrer"),
            *self._new_cookies.values(),
        ]
        if clears:
            headers.append((b"clear-site-data", b'"cache"'))
        return Reply(303, b"", headers)

    def check_origin(self) -> None:
        """Refuse a call that a page of another site makes."""
        site = self.call.header(b"sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            raise form_expired()
        origin = self.call.header(b"origin")
        # Our pages send no referrer, so browsers may say "null" for their own posts.
        if origin not in (None, "null") and not origins.is_same(origin, self.call.url, self.call.header(b"host")):
            raise form_expired()


def cookie_name(name: str, path: str, *, is_https: bool) -> str:
    """The name under which browsers know a cookie: over https, with a prefix that protects it (RFC 6265bis 4.1.3).

    With `__Host-`, browsers refuse the cookie from a sibling domain or without TLS; they accept it only with the path
    `/`. With `__Secure-`, which all paths may have, they refuse it only without TLS.
    """
    if not is_https:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def html_headers(form_action: str | None = None, policy: str | None = None) -> list[Header]:
    """The headers of every HTML response. `policy`: the Content-Security-Policy of a page that needs its own."""
    policy = policy or pages.content_security_policy(form_action)
    fixed = [
        (name.lower().encode(), value.encode())
        for name, value in {"Content-Security-Policy": policy, **pages.SECURITY_HEADERS}.items()
        if name != "X-Content-Type-Options"
    ]
    return [(b"content-type", b"text/html; charset=utf-8"), *fixed]


def error_page(call: Call, error: ApiError) -> Reply:
    """The page for an error."""
    settings = call.app.settings
    key = error.text_key if isinstance(error, PageRefused) else _text_key(error.status)
    is_in_spanish = f"error.{key}.title" in pages.texts("es")
    locales = pages.LOCALES_WITH_SPANISH if is_in_spanish else pages.LOCALES
    body = pages.render(
        "core/error.html",
        _locale(call, dict(parse_qsl(call.query.decode("latin-1"), errors="replace")), locales),
        brand=settings.brand,
        membership=settings.membership,
        status=error.status,
        title_key=f"error.{key}.title",
        message_key=f"error.{key}.message",
        params={},
        request_id=call.request_id,
    )
    extra = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    return Reply(error.status, body.encode(), [*html_headers(), *extra])


async def static_file(call: Call) -> Reply:
    """A stylesheet, script or picture of our own pages."""
    kinds = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8", ".svg": b"image/svg+xml"}
    # Looked up in the list of files: a name from outside never reaches the file system.
    file = pages.static_files().get(call.path["name"])
    if file is None or file.suffix not in kinds:
        raise errors.not_found()
    headers = (
        (b"content-type", kinds[file.suffix]),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    return Reply(200, file.read_bytes(), headers, is_private=False)


def _locale(call: Call, query: dict[str, str], locales: Collection[str] = pages.LOCALES) -> str:
    """The language in the URL, else the browser's (`ui_locales`: OpenID Connect Core 3.1.2.1)."""
    wanted = query.get("locale") or query.get("ui_locales", "").partition(" ")[0]
    return pages.choose_locale(call.header(b"accept-language"), wanted, locales)


def _text_key(status: int) -> str:
    return {
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
        429: "too_many_requests",
        500: "internal_error",
        503: "unavailable",
    }.get(status, "invalid_request")


def _cookies(call: Call) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for value in call.header_values(b"cookie") for pair in value.split(";"))
    return {name: value for name, _, value in pairs}


def _pairs(text: bytes) -> list[tuple[str, str]]:
    """Decoded query or form fields; refuses text that is not UTF-8 or contains NUL, and too many fields."""
    try:
        found = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise PageRefused(400, "invalid_request") from None
    if any("\0" in name or "\0" in value for name, value in found):
        raise PageRefused(400, "invalid_request")
    return found
