"""Answers that are compressed, and not sent again to browsers that have them."""

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from handcart.core.web.call import Call, Header, Reply

_ACCEPTED = ("gzip", "*")
_GZIP = (b"content-encoding", b"gzip")
# Shorter answers fit into one packet anyway.
_LEAST_COMPRESSED = 1 << 10


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
    if _has(call, packed.tag):
        return Reply(304, b"", common, is_private=False)
    if _takes_gzip(call):
        return Reply(200, packed.compressed, [*common, _GZIP, *headers], is_private=False)
    return Reply(200, packed.plain, [*common, *headers], is_private=False)


def private_reply(call: Call, content: bytes, version: str, headers: Sequence[Header]) -> Reply:
    """Content for one person only, or 304 for a browser that has this version of it."""
    common = [(b"etag", f'W/"{version}"'.encode()), (b"vary", b"Accept-Encoding")]
    if _has(call, f'W/"{version}"'):
        return Reply(304, b"", common)
    if len(content) < _LEAST_COMPRESSED or not _takes_gzip(call):
        return Reply(200, content, [*common, *headers])
    import gzip  # loaded when it is asked for: start-up time

    return Reply(200, gzip.compress(content, compresslevel=6, mtime=0), [*common, _GZIP, *headers])


def _has(call: Call, tag: str) -> bool:
    known = {one.strip() for one in (call.header(b"if-none-match") or "").split(",")}
    return tag in known or "*" in known


def _takes_gzip(call: Call) -> bool:
    for item in (call.header(b"accept-encoding") or "").lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";")
        if coding in _ACCEPTED:
            return weight.removeprefix("q=").rstrip("0") not in ("0.", "0", "") or weight == ""
    return False
