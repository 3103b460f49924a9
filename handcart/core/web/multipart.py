"""Read a form that a browser posts with a file in it (RFC 7578)."""

import re
from collections.abc import Mapping

from msgspec import Struct

_BOUNDARY = re.compile(r"multipart/form-data\s*;.*\bboundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE)
_NAME = re.compile(rb"form-data\s*;.*?\bname=\"([^\"\r\n]{1,100})\"", re.IGNORECASE)
_FILE = re.compile(rb";\s*filename\*?=", re.IGNORECASE)
_MOST_PARTS = 20
_MOST_HEADER = 2000


class NotAForm(ValueError):
    """The body is not a form of this type."""


class Parts(Struct, frozen=True):
    """The fields and the files of a form by their names. The names of files are not kept."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]


def parse(content_type: str, body: bytes) -> Parts:
    """The parts of a body; raises `NotAForm`."""
    found = _BOUNDARY.match(content_type)
    if found is None or not content_type.isascii():
        raise NotAForm("there is no boundary")
    mark = b"--" + (found[1] or found[2]).encode("ascii")
    # The body is a mark, the parts between marks, and a mark with two more dashes.
    start, *pieces = (b"\r\n" + body).split(b"\r\n" + mark, _MOST_PARTS + 2)
    if start or not pieces or pieces[-1].rstrip() != b"--":
        raise NotAForm("the body is not whole, or has too many parts")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for piece in pieces[:-1]:
        header, separator, content = piece.partition(b"\r\n\r\n")
        # A search takes time that grows with the square of the length.
        name = _NAME.search(header) if len(header) <= _MOST_HEADER else None
        if not separator or name is None:
            raise NotAForm("a part has no name")
        try:
            if _FILE.search(header):
                files[name[1].decode()] = content
            else:
                fields[name[1].decode()] = content.decode()
        except UnicodeDecodeError:
            raise NotAForm("a text is not UTF-8") from None
    return Parts(fields, files)
