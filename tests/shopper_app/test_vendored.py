"""Files of other projects are as their projects released them, and the list says where they come from."""

import tomllib
from hashlib import sha256

from tests.support.process import ROOT

VENDOR = ROOT / "handcart" / "shopper_app" / "vendor"
LISTED = tomllib.loads((VENDOR / "vendored.toml").read_text())["file"]


def test_file_is_vendored_then_its_hash_is_the_listed_one() -> None:
    hashes = {file["name"]: sha256((VENDOR / file["name"]).read_bytes()).hexdigest() for file in LISTED}
    assert hashes == {file["name"]: file["sha256"] for file in LISTED}


def test_folder_is_read_then_every_file_is_listed() -> None:
    ours = {"vendored.toml", *(path.name for path in VENDOR.glob("*.d.ts"))}  # types for files that have none
    assert {path.name for path in VENDOR.iterdir()} - ours == {file["name"] for file in LISTED}


def test_package_is_vendored_then_its_licence_is_there_and_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for file in LISTED:
        assert f"LICENSE-{file['package']}" in {one["name"] for one in LISTED}, file["package"]
        assert file["package"] in notice, file["package"]


def test_scanner_is_vendored_then_its_two_halves_are_of_one_release() -> None:
    wasm = next(file for file in LISTED if file["name"] == "zxing_reader.wasm")
    assert wasm["sha256"] in (VENDOR / "zxing-exported.js").read_text()
