"""What pages need in addition to calls and replies: cookies, forms with tokens, locale, HTML responses."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from handcart.core import errors
from handcart.core.errors import ApiError
from handcart.core.secret import matches, new_token
from handcart.core.web import origins, pages
from handcart.core.web.body import media_type, read_body
from handcart.core.web.call import Call, Header, Reply

MOST_FORM_BYTES = 64 * 1024
_COOKIE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_DEVICE_SECONDS = 365 * 86400


class PageRefused(ApiError):
    """An error page; `key` names its texts in the locale files."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(status, key, None)
        self.text_key = key


def form_expired() -> PageRefused:
    """The error for a form without the token of this page, this browser and this step."""
    return PageRefused(403, "form_expired")


class Browser:
    """The browser that sent a call."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.settings = call.app.settings
        self._cookies = _cookies(call)
        given = self._cookies.get(self._name("handcart"), "")
        self.is_known = len(given) == 43 and _COOKIE_CHARACTERS.issuperset(given)
        self.session = given if self.is_known else new_token()
        self.device = self._cookies.get(self._name("handcart_device"), "")
        self.query = _pairs(call.query)
        self.locale = _locale(call, dict(self.query))

    async def form(self) -> dict[str, str]:
        """The posted fields; refuses posts from other sites, and bodies that are not a form."""
        self._check_origin()
        return dict(await self.fields(MOST_FORM_BYTES))

    async def fields(self, most_bytes: int) -> list[tuple[str, str]]:
        """The posted fields, also when another site posted them."""
        if media_type(self.call)[0] != "application/x-www-form-urlencoded":
            raise PageRefused(415, "method_not_allowed")
        return _pairs(await read_body(self.call, most_bytes))

    def credentials(self, form: dict[str, str]) -> dict[str, str]:
        """E-mail, password, address and cookies of a posted sign-in form."""
        return {
            "email": form.get("email", ""),
            "password": form.get("password", ""),
            "address": self.call.address,
            "session": self.session,
            "device": self.device,
        }

    def form_token(self, *subject: str) -> str:
        """The token for a form about `subject` in this session."""
        return self.call.app.keys.form_token(self.session, *subject)

    def check_form(self, form: dict[str, str], *subject: str) -> None:
        """Refuse a form whose token was not made for this session and subject."""
        if not self.brings(form, *subject):
            raise form_expired()

    def brings(self, form: dict[str, str], *subject: str) -> bool:
        """Whether a form has the token made for this session and subject."""
        return self.is_known and matches(form.get("form_token", ""), self.form_token(*subject))

    def page(self, template: str, status: int = 200, form_action: str | None = None, **context: Any) -> Reply:
        """An HTML response. Its forms may post to this site and be redirected to `form_action`'s origin."""
        body = pages.render(
            template,
            self.locale,
            brand=self.settings.brand,
            membership=self.settings.membership,
            **context,
        )
        headers = [*html_headers(form_action), *self._keep_session()]
        return Reply(status, body.encode(), headers)

    def see_other(self, location: str, *, device: str | None = None, clears: bool = False) -> Reply:
        """Redirect with 303, so that a post is never repeated at the target (RFC 9700 section 4.12).

        `clears`: the browser deletes what it has stored for this site, except cookies (ASVS 5.0: 14.3.1).
        """
        headers: list[Header] = [
            (b"location", location.encode("ascii")),
            (b"referrer-policy", b"no-referrer"),
            *self._keep_session(),
        ]
        if clears:
            headers.append((b"clear-site-data", b'"cache", "storage"'))
        if device:
            headers.append(self._cookie("handcart_device", device, _DEVICE_SECONDS))
        return Reply(303, b"", headers)

    def start_session(self, cookie: str) -> None:
        """Set a new session cookie with the response."""
        self.session = cookie
        self.is_known = False

    def _keep_session(self) -> Sequence[Header]:
        return () if self.is_known else (self._cookie("handcart", self.session, None),)

    def _cookie(self, name: str, value: str, seconds: int | None) -> Header:
        cookie = f"{self._name(name)}={value}; Path=/; HttpOnly; SameSite=Lax"
        if self.settings.is_https:
            cookie += "; Secure"
        if seconds:
            cookie += f"; Max-Age={seconds}"
        return b"set-cookie", cookie.encode()

    def _name(self, name: str) -> str:
        # With this prefix, browsers refuse the cookie from a sibling domain or without TLS.
        return f"__Host-{name}" if self.settings.is_https else name

    def _check_origin(self) -> None:
        site = self.call.header(b"sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            raise form_expired()
        origin = self.call.header(b"origin")
        # Our pages send no referrer, so browsers may say "null" for their own posts.
        if origin not in (None, "null") and not origins.is_same(
            origin, self.settings.public_url, self.call.header(b"host")
        ):
            raise form_expired()


def html_headers(form_action: str | None = None) -> list[Header]:
    """The headers of every HTML response."""
    policy = {"Content-Security-Policy": pages.content_security_policy(form_action), **pages.SECURITY_HEADERS}
    fixed = [
        (name.lower().encode(), value.encode()) for name, value in policy.items() if name != "X-Content-Type-Options"
    ]
    return [(b"content-type", b"text/html; charset=utf-8"), *fixed]


def error_page(call: Call, error: ApiError) -> Reply:
    """The page for an error."""
    settings = call.app.settings
    key = error.text_key if isinstance(error, PageRefused) else _text_key(error.status)
    body = pages.render(
        "core/error.html",
        _locale(call, dict(parse_qsl(call.query.decode("latin-1"), errors="replace"))),
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


def _locale(call: Call, query: dict[str, str]) -> str:
    """The language in the URL, else the browser's (`ui_locales`: OpenID Connect Core 3.1.2.1)."""
    wanted = query.get("locale") or query.get("ui_locales", "").partition(" ")[0]
    return pages.choose_locale(call.header(b"accept-language"), wanted)


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
