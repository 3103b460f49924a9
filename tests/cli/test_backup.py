"""`backup`, `restore` and `key` as an operator runs them: what they print."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from handcart.cli import handcart, progress
from handcart.core.db.connect import BadCopy
from handcart.core.db.migrate import WrongKey
from handcart.core.secret import Keys
from handcart.migrations import SCHEMA_VERSION
from tests.support.server import SECRET_KEY, make_data

KEY = Keys(SECRET_KEY.encode()).fingerprint


def run(*arguments: Any) -> str:
    result = CliRunner().invoke(handcart, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result.output


def test_backup_and_restore_then_the_output_says_what_was_done(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    make_data(data)
    said = run("backup", copy, "--data", data)
    assert f"Backed up {data}/handcart.db to {copy}: " in said
    assert f"The secret key {data}/secret.key (fingerprint {KEY}) is not in the backup" in said
    restored = json.loads(run("restore", copy, "--data", data, "--json"))
    assert (restored["database"], restored["schema"]) == (f"{data}/handcart.db", SCHEMA_VERSION)
    assert Path(restored["replaced"]).exists()
    (entry,) = json.loads(run("audit", "list", "--data", data, "--json"))["entries"]
    assert (entry["operation"], entry["actor_kind"]) == ("handcart restore", "command")
    (data / "secret.key").unlink()
    with pytest.raises(BadCopy, match=f"copy the key with the fingerprint {KEY}"):
        run("restore", copy, "--data", data)


def test_key_show_then_its_fingerprint_and_whose_it_is(tmp_path: Path) -> None:
    make_data(tmp_path)
    assert f"fingerprint  {KEY}\ndatabase     belongs to this key\n" in run("key", "show", "--data", tmp_path)
    (tmp_path / "secret.key").write_text("another key, another key, another key")
    shown = json.loads(run("key", "show", "--data", tmp_path, "--json"))
    assert shown["database_fingerprint"] == KEY
    assert shown["fingerprint"] != KEY


def test_step_takes_long_then_a_bar_and_a_quick_one_then_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.Progress() as quick:
        quick("Copying", 1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0)
    with progress.Progress() as slow:
        for done in range(3):
            slow("Copying", done, 2)
        slow("Checking the copy", 1, 0)
    assert capsys.readouterr().err.split("\n")[:2] == ["Copying", "Checking the copy ..."]


def test_key_rotated_then_it_says_what_ended_and_an_old_backup_its_key(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    make_data(data)
    run("backup", copy, "--data", data)
    said = run("key", "rotate", "--data", data)
    assert "0 sessions have ended, known browsers are forgotten" in said
    assert f"The old key is {data}/secret.key.{KEY}: earlier backups need it." in said
    with pytest.raises(WrongKey, match=f"its fingerprint is {KEY}"):
        run("restore", copy, "--data", data)
    (data / "secret.key").write_text((data / f"secret.key.{KEY}").read_text())
    run("restore", copy, "--data", data)
    assert "belongs to this key" in run("key", "show", "--data", data)
