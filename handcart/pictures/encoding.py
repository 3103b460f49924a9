"""Make a clean JPEG of what a phone sent: decoded and encoded again, so that only pixels are left.

What a file says about itself, such as its name and type, is not used: only JPEG, PNG and WebP are decoded, recognized
by their content. Pillow is imported when the first picture comes, for a faster start.
"""

import asyncio
import io
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from handcart.core.db import Unavailable
from handcart.pictures import errors
from handcart.pictures.errors import PictureRefused
from handcart.pictures.models import Encoded

if TYPE_CHECKING:
    from PIL.Image import Image

# A JPEG is decoded at a fraction of its size. Others are decoded as they are: 16 megapixels of a WebP need 250 MB.
MOST_PIXELS = 40_000_000
MOST_PIXELS_OF_OTHERS = 16_000_000
LONGEST_SIDE = 1600
LEAST_SIDE = 32
_QUALITY = 80
# Pictures that wait for the one thread. Each may have 4 MiB.
MOST_WAITING = 16
# Of these, pictures of one person, with the one that is decoded: a phone cannot fill the queue.
MOST_WAITING_OF_ONE = 2

_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_decoding = ThreadPoolExecutor(1, "pictures")  # one at a time, because each needs so much memory
_waiting: Counter[int] = Counter()  # by person


async def encode(sent: bytes, person_id: int) -> Encoded:
    """Decode and encode a picture of a person, in a thread.

    Raises `PictureRefused`; `Unavailable` while many pictures wait, or two of this person.
    """
    if _waiting.total() >= MOST_WAITING or _waiting[person_id] >= MOST_WAITING_OF_ONE:
        raise Unavailable("too many pictures wait to be decoded")
    _waiting[person_id] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_decoding, encode_now, sent)
    finally:
        _waiting[person_id] -= 1
        if not _waiting[person_id]:
            del _waiting[person_id]


def encode_now(sent: bytes) -> Encoded:
    """As `encode`, in this thread and at once."""
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(sent), formats=_FORMATS) as opened:
            _check(opened)
            upright = _shrunk_upright(opened)
    except PictureRefused:
        raise
    except Exception:  # decoders raise errors of many kinds for broken files
        raise errors.not_a_picture() from None
    # A new picture has nothing but pixels: no position, comment, colour profile or thumbnail.
    clean = pillow.new("RGB", upright.size, "white")
    clean.paste(upright, mask=upright.getchannel("A") if "A" in upright.getbands() else None)
    written = io.BytesIO()
    clean.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return Encoded(written.getvalue(), *clean.size)


def _check(opened: "Image") -> None:
    """Refuse a picture by its header, before its pixels are decoded."""
    width, height = opened.size
    is_jpeg = opened.format in ("JPEG", "MPO")  # an MPO is a JPEG with further pictures, such as its own thumbnail
    most = MOST_PIXELS if is_jpeg else MOST_PIXELS_OF_OTHERS
    if width * height > most:
        raise errors.too_many_pixels(most)
    if min(width, height) < LEAST_SIDE:
        raise errors.too_small(LEAST_SIDE)
    if not is_jpeg and getattr(opened, "is_animated", False):
        raise errors.is_animated()


def _shrunk_upright(opened: "Image") -> "Image":
    """The picture in RGB or RGBA, turned as the phone was held."""
    orientation = None
    with suppress(Exception):  # broken metadata are no reason to refuse the pixels
        orientation = opened.getexif().get(_ORIENTATION)
    opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded at a fraction of its size
    has_alpha = opened.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in opened.info
    pixels = opened.convert("RGBA" if has_alpha else "RGB")
    turn = _turns().get(orientation)
    turned = pixels if turn is None else pixels.transpose(turn)
    if min(turned.size) < 1:
        raise errors.too_small(LEAST_SIDE)
    return turned


@cache
def _turns() -> dict[Any, Any]:
    """What makes each orientation of Exif (tag 274) upright."""
    from PIL.Image import Transpose

    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }


@cache
def _pillow() -> Any:
    from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # start-up time

    assert {plugin.__name__ for plugin in (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)}  # they register formats
    Image.MAX_IMAGE_PIXELS = None  # `_check` refuses large pictures, without a warning
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about broken metadata, which nobody reads
    return Image
