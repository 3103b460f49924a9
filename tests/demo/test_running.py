"""Which demo runs in a data directory, and which one a command uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from handcart.cli.options import database_options, demo_of, settings_of
from handcart.core.settings import Settings
from handcart.demo import running


def info_of(data: Path) -> Mapping[str, Any]:
    return {
        "api_url": "http://127.0.0.1:8080",
        "own_url": "http://127.0.0.1:8080",
        "client_id": "id",
        "client_secret": "secret",
        "retailer": "sample-market",
        "data": str(data),
        "database": f"sqlite:///{data}/handcart.db",
    }


def test_demo_holds_its_directory_then_it_is_found_and_no_other_gets_it(tmp_path: Path) -> None:
    with running.claim(tmp_path):
        assert running.find(tmp_path) is None  # not ready yet
        running.write_private(tmp_path / running.INFO, info_of(tmp_path))
        assert running.find(tmp_path) == info_of(tmp_path)
        with pytest.raises(
            running.AlreadyRuns, match=rf"already runs in {tmp_path}, at http://127\.0\.0\.1:8080: .* --data"
        ):
            running.claim(tmp_path).__enter__()


def test_demo_was_killed_then_the_file_that_it_left_counts_for_nothing(tmp_path: Path) -> None:
    running.write_private(tmp_path / running.INFO, info_of(tmp_path))
    assert running.find(tmp_path) is None
    with running.claim(tmp_path):
        pass
    assert running.find(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON"])
def test_file_is_no_info_file_then_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / running.INFO).write_text(text)
    with pytest.raises(running.NotAnInfoFile, match="is not an info file of `handcart demo`"):
        running.read(tmp_path)


@click.command()
@database_options
def which(**database: Any) -> None:
    chosen: Settings = settings_of(**database)
    click.echo(json.dumps([chosen.environment, chosen.database_url, demo_of(database) is not None]))


def ask(tmp_path: Path, *arguments: str, **variables: str) -> Result:
    clean = {"SANDBOX_INFO": "", "HANDCART_DATABASE": None, "HANDCART_DATA": None}
    return CliRunner().invoke(which, arguments, env={**clean, "XDG_DATA_HOME": str(tmp_path), **variables})


def test_demo_runs_then_commands_use_it_unless_another_data_is_named(tmp_path: Path) -> None:
    data, other = tmp_path / "handcart" / "demo", tmp_path / "other"
    data.mkdir(parents=True)
    of_demo = ["sandbox", f"sqlite:///{data}/handcart.db", True]
    of_other = ["production", f"sqlite:///{other}/handcart.db", False]
    default = ["production", f"sqlite:///{tmp_path}/handcart/handcart.db", False]
    (data / "handcart.db").touch()
    assert json.loads(ask(tmp_path).output) == default
    with running.claim(data):
        running.write_private(data / running.INFO, info_of(data))
        rows: list[tuple[tuple[str, ...], dict[str, str], list[Any]]] = [
            ((), {}, of_demo),
            ((), {"HANDCART_BRAND": "Corner"}, of_demo),
            ((), {"HANDCART_SECRET_KEY": "of another installation"}, of_demo),
            (("--info", str(data)), {"HANDCART_DATA": str(other)}, of_demo),
            (("--info", str(data / running.INFO)), {}, of_demo),
            (("--data", str(data)), {}, of_demo),
            (("--database", f"sqlite:///{data}/handcart.db"), {}, of_demo),
            ((), {"HANDCART_DATA": str(data)}, of_demo),
            ((), {"HANDCART_DATA": str(other)}, of_other),
            ((), {"HANDCART_DATA": str(other), "SANDBOX_INFO": str(data)}, of_other),
            (("--data", str(other)), {"SANDBOX_INFO": str(data)}, of_other),
            ((), {"SANDBOX_INFO": str(data), "XDG_DATA_HOME": str(other)}, of_demo),
            ((), {"XDG_DATA_HOME": str(other)}, ["production", f"sqlite:///{other}/handcart/handcart.db", False]),
        ]
        for arguments, variables, expected in rows:
            found = ask(tmp_path, *arguments, **variables)
            assert json.loads(found.output) == expected, (arguments, variables)
        (tmp_path / "handcart" / "handcart.db").touch()
        assert "choose one: a demo runs at http://127.0.0.1:8080, and an installation is in" in ask(tmp_path).output
        assert "leave out --database" in ask(tmp_path, "--info", str(data), "--data", str(other)).output


def test_demo_of_an_info_file_is_on_another_machine_then_a_sentence(tmp_path: Path) -> None:
    running.write_private(tmp_path / running.INFO, info_of(tmp_path / "elsewhere"))
    assert "which is not on this machine" in ask(tmp_path, "--info", str(tmp_path)).output
