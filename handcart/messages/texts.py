"""The texts of messages: the standard ones of every domain, those that an operator or retailer puts in their place.

A domain has its texts in `texts/<language>.toml`: for each template a `title` (the subject of a mail, the head of a
push message) and a `text`; the table `word` has parts of texts. A text has placeholders in braces, such as {link}. An
own text is stored for a template, a locale and a channel; for mail and push its first line is the title.
"""

import functools
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.text import visible
from handcart.core.web.pages import LOCALES_WITH_SPANISH
from handcart.messages.models import CHANNELS, SMS

LOCALES = tuple(LOCALES_WITH_SPANISH)
OPERATOR = 0  # in place of a retailer's id: for all retailers
MOST_CHARACTERS = 2000
# The alphabet of an SMS with 160 characters in a part (3GPP TS 23.038); those of `_TWICE` count as two.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("\f^{}\\[~]|€")
_ONE_PART, _OF_SEVERAL = 160, 153
_ONE_PART_UCS2, _OF_SEVERAL_UCS2 = 70, 67
# Typographic characters, and what an SMS has in their place, so that it does not need twice the parts.
_PLAIN = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{THIN SPACE}": " ",
    }
)
# Where sentences end: without a link, the sentence around it is left out.
_SENTENCE = re.compile(r"(?<=[.!?]) | - ")
_HERE = Path(__file__).parent.parent


class Text(Struct, frozen=True):
    """A title and a text, with placeholders."""

    title: str
    text: str


class OwnText(Struct, frozen=True, kw_only=True):
    """A text in place of a standard one. `retailer_id`: `OPERATOR` for all retailers. `changed_at`: microseconds."""

    retailer_id: int
    template: str
    locale: str
    channel: str
    text: str
    changed_at: int


class Preview(Struct, frozen=True):
    """How a message would look. `parts`: the parts of an SMS; 0 for other channels."""

    title: str
    text: str
    characters: int
    parts: int


@functools.cache
def standard(language: str) -> Mapping[str, Text]:
    """The standard texts of a language (`en`, `fr` or `es`), by template.

    Raises ValueError for a template in two files.
    """
    found: dict[str, Text] = {}
    for table in _tables(language):
        if twice := found.keys() & table.keys():
            raise ValueError(f"two domains have texts of {', '.join(sorted(twice))}")
        found |= {name: Text(one["title"], one["text"]) for name, one in table.items() if name != "word"}
    return found


def word(locale: str, key: str, /, **values: str) -> str:
    """A part of a text."""
    return fill(_words(locale.partition("-")[0])[key], values)


def placeholders(template: str) -> frozenset[str]:
    """The placeholders that a text of a template may have: those of its standard texts."""
    texts = [standard(language)[template] for language in _LANGUAGES]
    return frozenset().union(*(_names(f"{one.title} {one.text}") for one in texts))


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with values in place of its placeholders; raises KeyError if one has no value."""
    return "".join(
        literal + ("" if name is None else values[name]) for literal, name, _, _ in string.Formatter().parse(text)
    )


def parts(text: str) -> int:
    """The number of parts that an SMS has."""
    if all(one in _GSM or one in _TWICE for one in text):
        units, one_part, of_several = sum(2 if one in _TWICE else 1 for one in text), _ONE_PART, _OF_SEVERAL
    else:
        units, one_part, of_several = len(text.encode("utf-16-le")) // 2, _ONE_PART_UCS2, _OF_SEVERAL_UCS2
    return 1 if units <= one_part else -(-units // of_several)


def plain(text: str) -> str:
    """A text with the simple forms of quotes, dashes and spaces, for an SMS."""
    return text.translate(_PLAIN)


async def render(tx: Tx, retailer_id: int, template: str, locale: str, channel: str, values: Mapping[str, str]) -> Text:
    """The message of a template: the retailer's own text, else the operator's, else the standard one.

    `values` has a value for each of the template's placeholders.
    """
    for own in await _own(tx, retailer_id, template, locale, channel):
        try:
            return _finished(channel, _read(template, locale, channel, own), values)
        except KeyError:  # made for placeholders of an earlier release
            continue
    return _finished(channel, standard(locale.partition("-")[0])[template], values)


async def change(tx: Tx, retailer_id: int, template: str, locale: str, channel: str, text: str) -> None:
    """Put an own text in the place of a standard one. Raises `Refused`, with a sentence that says what is wrong."""
    text = text.replace("\r\n", "\n").strip()
    check(template, locale, channel, text)
    await tx.run(
        "INSERT INTO message_texts (retailer_id, template, locale, channel, text, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (retailer_id, template, locale, channel)"
        " DO UPDATE SET text = excluded.text, changed_at = excluded.changed_at",
        *(retailer_id, template, locale, channel, text, clock.of_process()),
    )


async def reset(tx: Tx, retailer_id: int, template: str, locale: str, channel: str) -> bool:
    """Return to the standard text; returns whether there was an own one."""
    return (
        await tx.run(
            "DELETE FROM message_texts WHERE retailer_id = $1 AND template = $2 AND locale = $3 AND channel = $4",
            *(retailer_id, template, locale, channel),
        )
        > 0
    )


async def own(tx: Tx, retailer_id: int) -> Sequence[OwnText]:
    """The own texts of a retailer, or with `OPERATOR` those for all retailers."""
    rows = await tx.all(
        "SELECT retailer_id, template, locale, channel, text, changed_at FROM message_texts WHERE retailer_id = $1"
        " ORDER BY template, locale, channel",
        retailer_id,
    )
    return [OwnText(**dict(row)) for row in rows]


def check(template: str, locale: str, channel: str, text: str) -> None:
    """Raise `Refused` unless a text can take the place of a standard one."""
    require(template)
    if locale not in LOCALES:
        raise Refused(f"{locale!r} is not a language of messages: use one of {', '.join(LOCALES)}")
    if channel not in CHANNELS:
        raise Refused(f"{channel!r} is not a channel: use one of {', '.join(CHANNELS)}")
    if not text:
        raise Refused("the text is empty")
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"the text has {len(text)} characters: use at most {MOST_CHARACTERS}")
    if visible(text, MOST_CHARACTERS, lines=True) != text.rstrip():
        raise Refused("the text has control or invisible characters: remove them")
    known = placeholders(template)
    try:
        unknown = _names(text) - known
    except ValueError as error:
        raise Refused(f"the braces of the text do not fit together ({error}): write {{{{ for a brace") from None
    if unknown:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise Refused(f"the text has the placeholder {{{min(unknown)}}}: this text can have {allowed}")


def require(template: str) -> None:
    """Raise `Refused` unless there is a template with this name."""
    if template not in standard(_LANGUAGES[0]):
        raise Refused(f"there is no text {template!r}: `handcart message texts list` lists them")


def written(template: str, locale: str, channel: str) -> str:
    """The standard text of a template as an own one would be written: for mail and push with its title."""
    one = standard(locale.partition("-")[0])[template]
    return one.text if channel == SMS else f"{one.title}\n\n{one.text}"


def preview(template: str, locale: str, channel: str, text: str | None) -> Preview:
    """How a message of a template looks with sample values. `text` None: the standard text."""
    if text is None:
        read = standard(locale.partition("-")[0])[template]
    else:
        check(template, locale, channel, text)
        read = _read(template, locale, channel, text)
    shown = _finished(channel, read, {name: SAMPLES.get(name, "…") for name in placeholders(template)})
    return Preview(shown.title, shown.text, len(shown.text), parts(shown.text) if channel == SMS else 0)


# Values of previews.
SAMPLES: Mapping[str, str] = {
    "brand": "Handcart",
    "retailer": "Corner Market",
    "shopper": "Ana",
    "store": "Corner Market Lincoln Park",
    "link": "https://connect.example.org/o/AAAAAAAAAAGbW3yqQ0cVd1xY5TzEo8uN",
    "window": "Thu, Jul 9, 3:00 PM - 5:00 PM",
    "when": "Thu, Jul 9, 5:00 PM - 5:30 PM",
    "items": "Oat milk 1 l instead of Almond milk 1 l",
    "credit": "$10.00",
    "message": "They only have the large bag of carrots. Is that all right?",
}
_LANGUAGES = ("en", "fr", "es")


def _finished(channel: str, text: Text, values: Mapping[str, str]) -> Text:
    written = text.text
    if values.get("link") == "":
        written = " ".join(one for one in _SENTENCE.split(written) if "{link}" not in one)
    body = fill(written, values)
    body = body[:1].upper() + body[1:]
    return Text(fill(text.title, values), plain(body) if channel == SMS else body)


def _read(template: str, locale: str, channel: str, text: str) -> Text:
    if channel == SMS:
        return Text(standard(locale.partition("-")[0])[template].title, text)
    title, _, body = text.partition("\n")
    return Text(title.strip(), body.strip() or title.strip())


async def _own(tx: Tx, retailer_id: int, template: str, locale: str, channel: str) -> Sequence[str]:
    rows = await tx.all(
        "SELECT text FROM message_texts WHERE retailer_id IN ($1, $2) AND template = $3 AND locale = $4"
        " AND channel = $5 ORDER BY retailer_id DESC",
        *(retailer_id, OPERATOR, template, locale, channel),
    )
    return [row["text"] for row in rows]


def _names(text: str) -> set[str]:
    """The placeholders of a text; raises ValueError for anything but a plain name in braces."""
    found = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(f"{{{name}}} is not a plain name")
        found.add(name)
    return found


@functools.cache
def _tables(language: str) -> Sequence[Mapping[str, Mapping[str, str]]]:
    import tomllib

    return [tomllib.loads(file.read_text("utf-8")) for file in sorted(_HERE.glob(f"*/texts/{language}.toml"))]


@functools.cache
def _words(language: str) -> Mapping[str, str]:
    return {key: text for table in _tables(language) for key, text in table.get("word", {}).items()}
