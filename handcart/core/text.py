"""Texts of strangers, made safe to show: without characters that nobody sees, or that turn the order of others."""

import unicodedata

# Of the category Cf these stay: joiners, which emoji, Persian and Hindi need.
_JOINERS = "\u200c\u200d"
_REMOVED = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def visible(text: str, most: int, *, lines: bool = False) -> str:
    """At most `most` characters of a text, without control, bidirectional and invisible characters.

    `lines`: line feeds and tabs stay; without it the text becomes one line, with single spaces.
    """
    cut = text[: 4 * most]
    if cut.isascii() and cut.isprintable():
        return (cut if lines else " ".join(cut.split()))[:most].rstrip()
    if lines:
        cut = cut.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(one for one in cut if one in "\n\t" or _stays(one))[:most].rstrip()
    return " ".join("".join(one for one in cut if one.isspace() or _stays(one)).split())[:most].rstrip()


def _stays(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _REMOVED
