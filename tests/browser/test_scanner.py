"""The scanner of the shopper's app reads a real picture: Chromium's camera plays a film of a barcode."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.browser import SWITCHES, find_chromium
from tests.support.phone import Phone
from tests.support.server import LiveServer, on_sqlite

LOAF = "0036000291452"
WIDTH, HEIGHT = 1280, 720
#: GS1 General Specifications 5.2: how each digit is drawn, and which digits of the left half are drawn mirrored.
LEFT = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"]
PARITY = ["000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"]


def bars(code: str) -> str:
    """EAN-13 as modules: 1 is a bar."""
    odd = [LEFT[int(digit)] for digit in code[1:7]]
    even = ["".join("10"[int(one)] for one in reversed(pattern)) for pattern in odd]
    left = [even[place] if is_even == "1" else odd[place] for place, is_even in enumerate(PARITY[int(code[0])])]
    right = ["".join("10"[int(one)] for one in LEFT[int(digit)]) for digit in code[7:]]
    return "101" + "".join(left) + "01010" + "".join(right) + "101"


def film(path: Path, code: str) -> Path:
    """Write a film of one picture: the barcode in the middle of a light grey page (YUV4MPEG2, 4:2:0)."""
    module = 6
    left = (WIDTH - 95 * module) // 2
    row = bytearray([220] * WIDTH)
    for place, is_bar in enumerate(bars(code)):
        if is_bar == "1":
            row[left + place * module : left + (place + 1) * module] = bytes([30] * module)
    light = bytes([220] * WIDTH)
    picture = light * 260 + bytes(row) * 200 + light * 260 + bytes([128] * (WIDTH * HEIGHT // 2))
    path.write_bytes(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT) + (b"FRAME\n" + picture) * 2)
    return path


@pytest.fixture
def phone(server: LiveServer, tmp_path: Path) -> Iterator[Phone]:
    film(tmp_path / "loaf.y4m", LOAF)
    switches = [f"--{switch}" for switch in SWITCHES]
    switches += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    switches += [f"--use-file-for-fake-video-capture={tmp_path / 'loaf.y4m'}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=switches)
        phone = Phone(server.url, browser, permissions=["camera"])
        phone.api.run["batches"][0]["state"] = "picking"
        phone.api.run["batches"][0]["orders"][0]["lines"][0]["product"]["upc"] = LOAF
        yield phone
        browser.close()


@on_sqlite
def test_camera_sees_a_barcode_then_the_list_opens_its_product(phone: Phone) -> None:
    phone.open("/list/market/1")
    assert not phone.page.evaluate(
        "performance.getEntriesByName(new URL('/shopper/vendor/zxing_reader.wasm', location).href).length"
    )
    phone.press("Scan with the camera")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Country loaf")
    # The scan counts once, although the camera opens again on the next screen with the same loaf before it.
    expect(phone.page.get_by_role("group", name="Pieces found").locator("output")).to_have_text("1")
    phone.press("Close the camera")
    assert phone.page.locator("video").count() == 0
    assert phone.problems == []
