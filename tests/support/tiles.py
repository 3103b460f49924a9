"""A small PMTiles file (version 3): one directory, one vector tile of the whole world."""

import gzip
import json
import struct
from collections.abc import Sequence

CREDIT = "© Sample cartographers"


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _vector_tile() -> bytes:
    """A layer `water` with a square: MVT 2.1, move to (0, 0), lines to three corners, close."""
    side = 4096

    def zigzag(step: int) -> int:
        return step << 1 if step >= 0 else (-step << 1) - 1

    steps: Sequence[int] = (1 | 1 << 3, 0, 0, 2 | 3 << 3, *map(zigzag, (side, 0, 0, side, -side, 0)), 7 | 1 << 3)
    feature = _number(3, 3) + _bytes(4, b"".join(map(_varint, steps)))
    return _bytes(3, _number(15, 2) + _bytes(1, b"water") + _bytes(2, feature) + _number(5, side))


def pmtiles(kind: int = 1) -> bytes:
    """The file; `kind` of its tiles: 1 are vector tiles."""
    tile = gzip.compress(_vector_tile())
    # One entry: tile 0, once, its length, and its offset plus one.
    directory = gzip.compress(b"".join(map(_varint, (1, 0, 1, len(tile), 1))))
    about = gzip.compress(json.dumps({"attribution": f'<a href="/x">{CREDIT}</a>', "vector_layers": []}).encode())
    after = 127 + len(directory)
    sections = (127, len(directory), after, len(about), 0, 0, after + len(about), len(tile), 1, 1, 1)
    world = (-1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000)
    head = b"PMTiles\x03" + struct.pack("<11Q", *sections) + bytes((1, 2, 2, kind, 0, 0)) + struct.pack("<4i", *world)
    return head + bytes(1) + struct.pack("<2i", 0, 0) + directory + about + tile
