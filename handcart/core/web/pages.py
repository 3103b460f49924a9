"""HTML pages: locales, texts, templates and the headers that every page carries.

Modules that only pages need are imported when the first page is rendered, so that the API starts faster.
"""

import functools
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handcart.core.text import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
_PACKAGE = HERE.parent.parent

#: Supported locales with their own names; the first is the default.
LOCALES = {"en-US": "English (US)", "en-CA": "English (Canada)", "fr-CA": "Français (Canada)"}
#: The locales of the few pages that are also in Spanish.
LOCALES_WITH_SPANISH = {**LOCALES, "es-US": "Español"}

#: Headers of every HTML response, besides its `Content-Security-Policy`.
SECURITY_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_ORIGIN = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#]|\Z)")
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_HEADER_LIMIT = 1000
_NAME_LIMIT = 60
_PASSAGE_LIMIT = 4000


def content_security_policy(form_action: str | None = None, pictures_from: Collection[str] = ()) -> str:
    """The policy of one page (CSP Level 3). `pictures_from`: URLs of pictures of other sites that the page shows.

    `form_action`: the redirect URI (or origin) that the page's form leads to, since browsers apply `form-action` to the
    redirect after the post as well. Only a plain http(s) origin is taken from it; otherwise only `'self'` is allowed.
    """
    origin = _ORIGIN.match(form_action or "")
    others = {found[1] for url in pictures_from if (found := _ORIGIN.match(url))}
    pictures = " ".join(("'self'", *sorted(others)))
    return (
        f"default-src 'none'; style-src 'self'; img-src {pictures}; script-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'{f' {origin[1]}' if origin else ''}"
    )


def choose_locale(
    accept_language: str | None, wanted: str | None = None, locales: Collection[str] = tuple(LOCALES)
) -> str:
    """The one of `locales` for a request: `wanted` first, then the header by weight (RFC 9110 section 12.5.4).

    An unsupported locale gets the default of its language (fr: fr-CA), then of its country (CA: en-CA), then en-US.
    """
    tags = [
        subtags.lower().replace("_", "-").split("-")
        for subtags in (wanted or "", *accepted_languages(accept_language or ""))
    ]
    for language, *rest in tags:
        if language == "fr":
            return "fr-CA"
        if language == "en":
            return "en-CA" if "ca" in rest else "en-US"
        if language == "es" and "es-US" in locales:
            return "es-US"
    return "en-CA" if any("ca" in rest for _, *rest in tags) else "en-US"


def accepted_languages(header: str) -> list[str]:
    """Language ranges with a weight above 0, best first; malformed ones are skipped."""
    weighted = []
    for item in header[:_HEADER_LIMIT].split(","):
        tag, _, parameter = item.partition(";")
        weight = _WEIGHT.fullmatch(parameter.strip() or "q=1")
        if weight and float(weight[1]) > 0:
            weighted.append((float(weight[1]), tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


@functools.cache
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted key, read once from the `locales/<language>.toml` of every domain.

    `en` and `fr` have all keys, `es` those of the pages that are also in Spanish.
    Raises ValueError for a key that stands in two files.
    """
    import tomllib

    found: dict[str, str] = {}
    for file in sorted(_PACKAGE.glob(f"**/locales/{language}.toml")):
        read = dict(_flat(tomllib.loads(file.read_text("utf-8"))))
        if twice := found.keys() & read.keys():
            raise ValueError(f"{file} has texts that another file has as well: {', '.join(sorted(twice))}")
        found |= read
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


def text(locale: str, key: str, /, **params: object) -> "Markup":
    """The text `key` with its escaped parameters; an integer `count` picks the `.one` or the `.other` form.

    Raises KeyError for an unknown key or a missing parameter.
    """
    from markupsafe import Markup, escape

    if "count" in params:
        key += ".one" if params["count"] == 1 else ".other"
    # str.format takes a third of the time of Markup.format, and a page has twenty texts.
    written = texts(locale.partition("-")[0])[key].format(**{name: escape(value) for name, value in params.items()})
    return Markup(written)  # noqa: S704 (our own file; params are escaped)


def cleaned(name: str) -> str:
    """An untrusted name on one line, without control or bidirectional characters, cut to 60 characters."""
    printable = "".join(filter(str.isprintable, " ".join(name[:_HEADER_LIMIT].split())))
    return printable if len(printable) <= _NAME_LIMIT else printable[: _NAME_LIMIT - 1].rstrip() + "…"


def isolated(name: str) -> "Markup":
    """An untrusted name, marked up so that it cannot change the markup or the direction of the text around it."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(cleaned(name) or "?")


def passage(text: str) -> "Markup":
    """An untrusted text of several lines, marked up so that it cannot change what stands around it."""
    from markupsafe import Markup

    return Markup('<bdi dir="auto">{}</bdi>').format(visible(text, _PASSAGE_LIMIT, lines=True))


def date(locale: str, unix_microseconds: int, time_zone: str = "UTC") -> str:
    """The date in a time zone in long form, such as July 9, 2025."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from babel.dates import format_date

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=unix_microseconds)
    day = moment.astimezone(ZoneInfo(time_zone))
    written = format_date(day, "long", locale=locale.replace("-", "_"))
    # CLDR lacks the ordinal that French uses for the first of a month.
    return re.sub(r"^1 ", "1er ", written) if locale == "fr-CA" else written


def weekday(locale: str, unix_microseconds: int, time_zone: str = "UTC") -> str:
    """The day in a time zone in short form, such as Wed, Jul 9."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from babel.dates import format_skeleton

    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=unix_microseconds)).astimezone(ZoneInfo(time_zone))
    written: str = format_skeleton("MMMEd", at, locale=locale.replace("-", "_"))
    return written


def decimal(locale: str, number: float) -> str:
    """A number with two decimals, such as 1,234.50."""
    from babel.numbers import format_decimal

    return format_decimal(number, "#,##0.00", locale=locale.replace("-", "_"))


@functools.lru_cache(1 << 12)
def money(locale: str, country: str, cents: int) -> str:
    """An amount in the currency of a country."""
    from babel.numbers import format_currency

    currency = "CAD" if country == "CA" else "USD"
    written: str = format_currency(cents / 100, currency, locale=locale.replace("-", "_"))
    return written


def moment(locale: str, unix_microseconds: int, time_zone: str = "UTC") -> str:
    """Date and time in a time zone with its short name, such as Jul 9, 2025, 3:04:05 PM EDT."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from babel.dates import format_datetime

    at = datetime.fromtimestamp(unix_microseconds // 1_000_000, UTC).astimezone(ZoneInfo(time_zone))
    written = format_datetime(at, "medium", locale=locale.replace("-", "_"))
    return f"{written} {zone_name(locale, unix_microseconds, time_zone)}"


def zone_name(locale: str, unix_microseconds: int, time_zone: str) -> str:
    """The short name of a time zone at a time, such as EDT, or UTC."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from babel.dates import get_timezone_name

    at = datetime.fromtimestamp(unix_microseconds // 1_000_000, UTC).astimezone(ZoneInfo(time_zone))
    return get_timezone_name(at, "short", locale=locale.replace("-", "_"))


@functools.lru_cache(1 << 12)
def window(locale: str, starts_at: int, ends_at: int, time_zone: str = "UTC") -> str:
    """A window in a time zone, such as Thu, Jul 9, 3:00 PM to 5:00 PM with a dash; times in microseconds."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from babel.dates import format_skeleton, format_time

    language, zone = locale.replace("-", "_"), ZoneInfo(time_zone)
    begin, end = (datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone) for at in (starts_at, ends_at))
    times = " \u2013 ".join(format_time(at, "short", locale=language) for at in (begin, end))
    return f"{format_skeleton('MMMEd', begin, locale=language)}, {times}"


def render(template: str, locale: str, /, **context: Any) -> str:
    """Render `<domain>/<file>`; the context must contain `brand` and `membership`, the operator's names for the two.

    Raises jinja2.UndefinedError when the context lacks a variable, jinja2.TemplateNotFound for an unknown template.
    """
    t = functools.partial(text, locale, brand=context["brand"], membership=context["membership"])
    return _environment().get_template(template).render(context, locale=locale, t=t)


@functools.cache
def static_files() -> Mapping[str, Path]:
    """The files of every domain's `static/` by name. Raises ValueError for a name that two domains use."""
    found: dict[str, Path] = {}
    for file in sorted(_PACKAGE.glob("**/static/*")):
        if file.name == "vendored.toml":  # the list of files of other projects
            continue
        if file.name in found:
            raise ValueError(f"{file} has the name of {found[file.name]}")
        found[file.name] = file
    return found


@functools.cache
def static_url(name: str) -> str:
    """URL of a file in a `static/`. It changes with the content, so browsers may cache the file for ever."""
    return f"/static/{name}?v={hashlib.sha256(static_files()[name].read_bytes()).hexdigest()[:12]}"


@functools.cache
def _environment() -> "Environment":
    import json

    from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

    environment = Environment(
        loader=PrefixLoader(
            {path.relative_to(_PACKAGE).parts[0]: FileSystemLoader(path) for path in _PACKAGE.glob("**/templates")}
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.do"],
    )
    environment.globals["static_url"] = static_url
    environment.filters["isolated"] = isolated
    environment.filters["cleaned"] = cleaned
    environment.filters["passage"] = passage
    environment.filters["resolved"] = resolved
    environment.filters["json"] = functools.partial(json.dumps, indent=2, ensure_ascii=False)
    return environment


def resolved(node: Mapping[str, Any], spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The target of a local `$ref` in an OpenAPI document (RFC 6901 pointers); other nodes are returned as they are."""
    for _ in range(8):
        if "$ref" not in node:
            break
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        node = found
    return node
