"""Pictures as phones send them, and files that only seem to be pictures."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def drawn(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """A picture with another brightness in each quarter, so that turning and mirroring it are seen."""
    picture = Image.new("L", (width, height), 20)
    right, low = width // 2, height // 2
    for brightness, box in (
        (220, (right, 0, width, low)),
        (60, (0, low, right, height)),
        (180, (right, low, width, height)),
    ):
        picture.paste(brightness, box)
    return picture.convert(mode)


def file(kind: str = "JPEG", picture: Image.Image | None = None, **options: Any) -> bytes:
    """A picture as a file."""
    written = io.BytesIO()
    (picture or drawn()).save(written, kind, **options)
    return written.getvalue()


def with_place(orientation: int = 1) -> bytes:
    """A JPEG that says where it was taken, who took it and how the phone was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET MAKER"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 52.0, 41.0), 3: "W", 4: (87.0, 37.0, 46.0)})
    return file(exif=exif.tobytes(), comment=b"SECRET COMMENT", icc_profile=b"SECRET PROFILE")


def huge_png(side: int) -> bytes:
    """A small file that claims to be a square of `side` pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
