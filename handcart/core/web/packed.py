"""Answers that are the same for everybody: compressed once, and not sent again to browsers that have them."""

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from handcart.core.web.call import Call, Header, Reply

_ACCEPTED = ("gzip", "*")


class Packed(Struct, frozen=True):
    """Content as it is, compressed, and the tag that names this version of it."""

    plain: bytes
    compressed: bytes
    tag: str


def pack(content: bytes) -> Packed:
    """Compress content, and name it by its digest."""
    import gzip  # loaded when it is asked for: start-up time

    tag = blake2b(content, digest_size=12).hexdigest()
    return Packed(content, gzip.compress(content, compresslevel=9, mtime=0), f'W/"{tag}"')


def reply(call: Call, packed: Packed, headers: Sequence[Header]) -> Reply:
    """The content, or 304 for a browser that has this version (RFC 9110 sections 12.5.3 and 13.1.2)."""
    common = [
        (b"etag", packed.tag.encode()),
        (b"vary", b"Accept-Encoding"),
        (b"cache-control", b"public, no-cache"),  # kept, and asked for again each time
    ]
    known = {tag.strip() for tag in (call.header(b"if-none-match") or "").split(",")}
    if packed.tag in known or "*" in known:
        return Reply(304, b"", common, is_private=False)
    if _takes_gzip(call):
        return Reply(200, packed.compressed, [*common, (b"content-encoding", b"gzip"), *headers], is_private=False)
    return Reply(200, packed.plain, [*common, *headers], is_private=False)


def _takes_gzip(call: Call) -> bool:
    for item in (call.header(b"accept-encoding") or "").lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";")
        if coding in _ACCEPTED:
            return weight.removeprefix("q=").rstrip("0") not in ("0.", "0", "") or weight == ""
    return False
