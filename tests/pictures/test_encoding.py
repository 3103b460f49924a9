"""Pictures are decoded and encoded again: what is taken, what is refused, and what is left of it."""

import asyncio
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from handcart.core.db import Unavailable
from handcart.pictures import encoding
from handcart.pictures.errors import PictureRefused
from tests.support.pictures import drawn, file, huge_png, with_place

ALL_MODES = {
    "RGB": file("JPEG"),
    "gray": file("JPEG", drawn(mode="L")),
    "CMYK": file("JPEG", drawn(mode="CMYK")),
    "progressive": file("JPEG", progressive=True),
    "PNG": file("PNG"),
    "palette": file("PNG", drawn(mode="P")),
    "16 bit": file("PNG", drawn(mode="I;16")),
    "1 bit": file("PNG", drawn(mode="1")),
    "transparent": file("PNG", drawn(mode="RGBA")),
    "WebP": file("WEBP"),
    "lossless WebP": file("WEBP", drawn(mode="RGBA"), lossless=True),
}


def decoded(sent: bytes) -> Image.Image:
    """What is left of a picture, decoded."""
    made = encoding.encode_now(sent)
    picture = Image.open(io.BytesIO(made.jpeg))
    picture.load()
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (made.width, made.height))
    return picture


def light(picture: Image.Image, x: float, y: float) -> float:
    """The mean brightness around a place, given in parts of width and height."""
    left, top = int(picture.width * x) - 8, int(picture.height * y) - 8
    mean: float = ImageStat.Stat(picture.convert("L").crop((left, top, left + 16, top + 16))).mean[0]
    return mean


@pytest.mark.parametrize("sent", ALL_MODES.values(), ids=ALL_MODES.keys())
def test_picture_of_any_kind_then_a_jpeg_of_the_same_view(sent: bytes) -> None:
    picture = decoded(sent)
    assert picture.size == (400, 300)
    assert light(picture, 0.25, 0.6) < 100 < 150 < light(picture, 0.75, 0.6)


def test_picture_is_large_then_its_longest_side_is_shortened() -> None:
    assert decoded(file("JPEG", drawn(4000, 3000))).size == (1600, 1200)
    assert decoded(file("PNG", drawn(1000, 3200))).size == (500, 1600)
    assert decoded(file("JPEG", drawn(1600, 32))).size == (1600, 32)


def test_transparent_parts_then_they_are_white() -> None:
    assert light(decoded(file("PNG", Image.new("RGBA", (64, 64), (0, 0, 0, 0)))), 0.5, 0.5) > 250


# For each orientation of Exif, the brightness of the upright picture: above left and right, below left and right.
UPRIGHT = {
    1: (20, 220, 60, 180),
    2: (220, 20, 180, 60),
    3: (180, 60, 220, 20),
    4: (60, 180, 20, 220),
    5: (20, 60, 220, 180),
    6: (60, 20, 180, 220),
    7: (180, 220, 60, 20),
    8: (220, 180, 20, 60),
}
CORNERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_phone_was_held_in_any_way_then_the_picture_is_upright(orientation: int) -> None:
    picture = decoded(with_place(orientation))
    assert picture.size == ((400, 300) if orientation < 5 else (300, 400))
    found = [light(picture, *corner) for corner in CORNERS]
    assert found == pytest.approx(UPRIGHT[orientation], abs=5)


def test_picture_has_a_place_and_comments_then_only_its_pixels_are_left() -> None:
    sent = with_place()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
    made = encoding.encode_now(sent).jpeg
    picture = Image.open(io.BytesIO(made))
    assert dict(picture.getexif()) == {}
    assert not picture.info.keys() & {"exif", "icc_profile", "comment", "xmp"}
    assert not any(secret in made for secret in (b"SECRET", b"Exif", b"ICC_PROFILE"))


def test_file_is_also_a_page_or_an_archive_then_the_rest_is_gone() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("script.js", "alert(1)")
    page = b"<html><script>alert(1)</script></html>"
    for more in (page, archive.getvalue()):
        assert zipfile.is_zipfile(io.BytesIO(file() + more)) == (more != page)
        made = encoding.encode_now(file(comment=page) + more).jpeg
        assert b"script" not in made
        assert not zipfile.is_zipfile(io.BytesIO(made))


def test_further_pictures_in_a_jpeg_then_the_first_one_is_taken() -> None:
    sent = file("MPO", save_all=True, append_images=[drawn(64, 64)])
    assert decoded(sent).size == (400, 300)


def animated(kind: str) -> bytes:
    return file(kind, save_all=True, append_images=[drawn().rotate(180)], duration=100)


REFUSED = {
    "not_a_picture": [
        b"",
        b"not a picture",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>",
        b"%PDF-1.7",
        file("GIF"),
        file("BMP"),
        file("TIFF"),
        file("JPEG")[:2000],
        file("JPEG", drawn(1000, 1000), quality=100)[:-400],
        file("PNG")[:-30],
        file("WEBP")[:-30],
        b"x" + file("JPEG"),
        file("PNG").replace(b"IDAT", b"IDXX"),
    ],
    "too_many_pixels": [
        huge_png(50_000),
        huge_png(4001),
        file("JPEG", Image.new("L", (8000, 5001))),
        file("WEBP", Image.new("RGB", (16383, 1000)), lossless=True, method=0),
    ],
    "too_small": [
        file("JPEG", drawn(1, 1)),
        file("PNG", drawn(31, 300)),
        file("PNG", drawn(300, 31)),
    ],
    "is_animated": [animated("PNG"), animated("WEBP")],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_file_is_no_picture_that_proves_anything_then_it_is_refused(reason: str) -> None:
    for sent in REFUSED[reason]:
        with pytest.raises(PictureRefused) as refused:
            encoding.encode_now(sent)
        assert refused.value.reason == reason, sent[:20]


def test_picture_is_as_large_as_allowed_then_it_is_taken() -> None:
    assert decoded(file("JPEG", Image.new("L", (8000, 5000)))).size == (1600, 1000)
    assert decoded(file("PNG", Image.new("L", (4000, 4000)))).size == (1600, 1600)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_metadata_are_broken_then_the_pixels_are_taken_as_they_are() -> None:
    broken = file(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 50)
    assert decoded(broken).size == (400, 300)


_GOOD = (file("JPEG"), file("PNG"), file("WEBP"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_GOOD), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_any_bytes_are_changed_then_a_picture_or_a_refusal(sent: bytes, changes: list[tuple[float, int]]) -> None:
    changed = bytearray(sent)
    for place, value in changes:
        changed[int(place * (len(changed) - 1))] = value
    try:
        made = encoding.encode_now(bytes(changed))
    except PictureRefused:
        return
    assert max(made.width, made.height) <= encoding.LONGEST_SIDE


async def test_many_pictures_wait_then_further_ones_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = Event()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(goes_on.wait)
        monkeypatch.setattr(encoding, "_decoding", thread)
        waiting = [asyncio.ensure_future(encoding.encode(file(), number)) for number in range(encoding.MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await encoding.encode(file(), encoding.MOST_WAITING)
        goes_on.set()
        assert {made.width for made in await asyncio.gather(*waiting)} == {400}
        assert (await encoding.encode(file(), 1)).width == 400


async def test_two_pictures_of_one_person_wait_then_others_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = Event()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(goes_on.wait)
        monkeypatch.setattr(encoding, "_decoding", thread)
        waiting = [asyncio.ensure_future(encoding.encode(file(), 1)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await encoding.encode(file(), 1)
        waiting.append(asyncio.ensure_future(encoding.encode(file(), 2)))
        await asyncio.sleep(0)
        goes_on.set()
        assert {made.width for made in await asyncio.gather(*waiting)} == {400}
        assert (await encoding.encode(file(), 1)).width == 400
