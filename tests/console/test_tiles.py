"""The street map's tiles: ranges of the operator's file, and what the page of the map says of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handcart.console.tiles import MOST_BYTES, PATH
from handcart.core.settings import Settings, SettingsError, check_map_tiles
from tests.support.console import Browser, Person
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.process import ROOT
from tests.support.server import LiveServer, live_server
from tests.support.tiles import pmtiles

LONG = 3 << 20


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tiles") / "streets.pmtiles"
    file.write_bytes(pmtiles().ljust(LONG, b"\1"))
    return file


@pytest.fixture(scope="module")
def with_tiles(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("data")
    with live_server(f"sqlite:///{data / 'a.db'}", data, map_tiles=str(file)) as server, server.clients():
        yield server


@pytest.mark.parametrize(
    ("first", "last"), [(0, 0), (0, 16383), (100, 2000), (LONG - 5, LONG + 90), (0, MOST_BYTES - 1)]
)
def test_range_is_asked_for_then_its_bytes(with_tiles: LiveServer, file: Path, first: int, last: int) -> None:
    answer = Person(with_tiles).http.get(PATH, headers={"Range": f"bytes={first}-{last}"})
    expected = file.read_bytes()[first : last + 1]
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{LONG}"
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', answer.headers["etag"])
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=0-", "bytes=-5", "bytes=5-4", "bytes=0-1,3-4", "bytes=a-b"),
        *("bytes= 0-1", "items=0-1", "bytes=+1-2", "bytes=0x0-0x1", f"bytes={'9' * 400}-{'9' * 401}"),
        *(f"bytes={LONG}-{LONG}", f"bytes=0-{MOST_BYTES}", f"bytes=0-{LONG}", "bytes=0-999999999999999"),
    ],
)
def test_range_is_not_served_then_416_with_the_size(with_tiles: LiveServer, wanted: str) -> None:
    answer = Person(with_tiles).http.get(PATH, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{LONG}"


def test_two_ranges_or_none_then_refused(with_tiles: LiveServer) -> None:
    person = Person(with_tiles)
    assert person.http.get(PATH).status_code == 400
    twice = person.http.get(PATH, headers=[("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
    assert twice.status_code == 416


def test_who_may_not_see_the_map_asks_for_tiles_then_none(with_tiles: LiveServer) -> None:
    some = {"Range": "bytes=0-9"}
    answer = Browser(with_tiles).http.get(PATH, headers=some)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?to=%2Fconsole%2Fmap%2Ftiles")
    market = Market(with_tiles)
    assert Person(with_tiles, "store_associate", market.retailer.id, 1).http.get(PATH, headers=some).status_code == 403


def test_file_is_gone_or_changed_then_404_or_another_etag(with_tiles: LiveServer, file: Path) -> None:
    person, some = Person(with_tiles), {"Range": "bytes=0-9"}
    before = person.http.get(PATH, headers=some).headers["etag"]
    content = file.read_bytes()
    file.unlink()
    assert person.http.get(PATH, headers=some).status_code == 404
    file.write_bytes(content)
    assert person.http.get(PATH, headers=some).headers["etag"] != before


def test_map_has_tiles_then_its_page_alone_has_a_button_and_a_worker(with_tiles: LiveServer) -> None:
    market = Market(with_tiles)
    person = Person(with_tiles)
    page = is_page(person.open("/console/map", retailer=market.slug))
    assert page.headers["content-security-policy"].endswith("; connect-src 'self'; worker-src 'self'")
    assert ("data-street>Street map</button>" in page.text, "<svg viewBox" in page.text) == (True, True)
    assert '"kind": "store"' in page.text
    assert "maplibre-gl.js?v=" in page.text
    assert '<script src="/static/maplibre' not in page.text
    assert "worker-src" not in person.open("/console/orders").headers["content-security-policy"]


def test_map_has_no_tiles_then_only_the_plan(server: LiveServer) -> None:
    person = Person(server)
    page = is_page(person.open("/console/map"))
    assert "street" not in page.text.lower()
    assert "worker-src" not in page.headers["content-security-policy"]
    assert person.http.get(PATH, headers={"Range": "bytes=0-9"}).status_code == 404


@pytest.mark.parametrize(
    "content", [None, b"", b"PMTiles", pmtiles()[:90], b"PMTiles\2" + pmtiles()[8:], pmtiles(kind=2), b"PK" * 99]
)
def test_file_of_tiles_is_none_then_a_sentence_at_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "streets"
    if content is not None:
        file.write_bytes(content)
    for path in (file, tmp_path):
        with pytest.raises(SettingsError, match="HANDCART_MAP_TILES"):
            check_map_tiles(Settings(map_tiles=str(path)))


def test_file_of_tiles_is_one_then_taken(file: Path) -> None:
    check_map_tiles(Settings(map_tiles=str(file)))
    check_map_tiles(Settings())


def test_server_starts_without_its_file_of_tiles_then_it_says_so(tmp_path: Path) -> None:
    environment = {"HANDCART_MAP_TILES": str(tmp_path / "none"), "HANDCART_DATA": str(tmp_path), "PATH": os.defpath}
    command = [sys.executable, "-m", "handcart", "serve", "--environment", "sandbox", "--port", "0"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "HANDCART_MAP_TILES names a file that cannot be read" in ended.stderr
