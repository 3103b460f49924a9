"""The app's modules in Node.js: what acts change, and how the queue is sent. `modules/` has the tests."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from handcart.acts.bodies import BringBack
from handcart.chat.models import MOST_CHARACTERS, PHRASES, SHOPPER
from handcart.shopper_app import wire

HERE = Path(__file__).parent
SCREENS = HERE.parents[1] / "handcart" / "shopper_app" / "app" / "screens"


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("modules/*.test.js")))
def test_modules_are_run_by_node_then_their_tests_pass(name: str) -> None:
    node = shutil.which("node", path=f"{HERE.parents[1]}/.venv/bin{os.pathsep}{os.environ['PATH']}")
    assert node, "Node.js is missing: `make test` brings it along in .venv/bin"
    ended = subprocess.run([node, "--test", HERE / "modules" / name], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


@pytest.mark.parametrize(("name", "kind"), [("run.json", wire.Run), ("me.json", wire.Me)])
def test_answers_are_prepared_then_the_server_could_have_sent_them(name: str, kind: type) -> None:
    prepared = (HERE / name).read_bytes()
    assert msgspec.to_builtins(msgspec.json.decode(prepared, type=kind)) == msgspec.json.decode(prepared)


def test_app_offers_reasons_to_bring_back_then_the_server_takes_them() -> None:
    listed = re.search(r"REASONS = \[(.*?)\]", (SCREENS / "bring_back.js").read_text())
    assert listed
    offered = {*re.findall(r"'(\w+)'", listed[1]), "alcohol_only"}
    assert offered == set(get_args(get_type_hints(BringBack)["reason"]))


def test_app_offers_phrases_then_they_are_those_that_shoppers_can_say() -> None:
    listed = re.search(r"PHRASES = \{(.*?)\n\};", (SCREENS.parent / "chat.js").read_text(), re.DOTALL)
    assert listed
    assert sorted(re.findall(r"'(\w+)'", listed[1])) == sorted(one for one in PHRASES if SHOPPER in PHRASES[one])
    assert f"MOST_CHARACTERS = {MOST_CHARACTERS};" in (SCREENS / "chat.js").read_text()
