"""Files of other projects are as their projects released them, and the list says where they come from."""

import tomllib
from hashlib import sha256

from tests.support.process import ROOT

VENDOR = ROOT / "handcart" / "shopper_app" / "vendor"
LISTED = tomllib.loads((VENDOR / "vendored.toml").read_text())["file"]
EVERY = [
    (path.parent, file)
    for path in sorted((ROOT / "handcart").glob("**/vendored.toml"))
    for file in tomllib.loads(path.read_text())["file"]
]


def test_file_is_vendored_then_its_hash_is_the_listed_one() -> None:
    assert {folder.parent.name for folder, _ in EVERY} == {"shopper_app", "order_page", "web", "console"}
    for folder, file in EVERY:
        assert sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"], file["name"]


def test_folder_is_read_then_every_file_is_listed() -> None:
    ours = {"vendored.toml", *(path.name for path in VENDOR.glob("*.d.ts"))}  # types for files that have none
    assert {path.name for path in VENDOR.iterdir()} - ours == {file["name"] for file in LISTED}


def test_package_is_vendored_then_its_licence_is_there_and_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for _, file in EVERY:
        licence = f"LICENSE-{file['package'].removeprefix('@').replace('/', '-')}"
        assert licence in {one["name"] for _, one in EVERY}, file["package"]
        assert file["package"] in notice, file["package"]


def test_package_has_no_licence_file_then_the_list_says_where_it_is_from() -> None:
    assert [file["name"] for _, file in EVERY if "path" not in file] == ["LICENSE-pmtiles"]
    source = next(file["source"] for _, file in EVERY if "path" not in file)
    assert source.startswith("https://github.com/protomaps/PMTiles/blob/")


def test_scanner_is_vendored_then_its_two_halves_are_of_one_release() -> None:
    wasm = next(file for file in LISTED if file["name"] == "zxing_reader.wasm")
    assert wasm["sha256"] in (VENDOR / "zxing-exported.js").read_text()
