"""Files that the processes leave, and what other users of the machine can see, in any environment."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_processes import children_of, demo, run
from tests.support.server import make_data

SHOWN = stat.S_IRWXG | stat.S_IRWXO


@pytest.fixture
def careless() -> Iterator[None]:
    """Files are made for everybody to read and write, unless somebody takes care; a usual umask forbids some of it."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def readable_by_others(directory: Path) -> list[str]:
    """Files that other users could open: neither the file's mode nor a directory protects them."""
    if not directory.stat().st_mode & SHOWN:
        return []
    return [str(file) for file in directory.rglob("*") if file.stat().st_mode & SHOWN]


@pytest.mark.usefixtures("careless")
def test_migrated_then_nothing_is_readable_by_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert run("migrate", "--data", str(tmp_path / "data")).returncode == 0
    assert (tmp_path / "data" / "secret.key").exists()
    assert readable_by_others(tmp_path / "data") == []
    files = [file.name for file in (tmp_path / "data").iterdir() if file.stat().st_mode & SHOWN]
    assert files == []


def command_lines(processes: list[int]) -> str:
    return "\n".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes)


@pytest.mark.usefixtures("careless")
def test_demo_then_nothing_is_readable_by_others_or_in_command_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the environment asks uvicorn for several processes, which only `--workers` may."""
    tmp_path.chmod(0o755)
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    with demo(tmp_path) as (process, info):
        assert_private(tmp_path, process, info)


def assert_private(tmp_path: Path, process: subprocess.Popen[str], info: dict[str, Any]) -> None:
    assert (tmp_path / "data" / "server.log").exists()
    assert readable_by_others(tmp_path / "data") == []
    assert not (tmp_path / "info.json").stat().st_mode & SHOWN
    shown = command_lines([process.pid, *children_of(process)])
    for secret in (info["client_secret"], *(account["password"] for account in info["accounts"])):
        assert secret not in shown


def test_info_file_replaced_by_a_symlink_then_its_target_is_not_written(tmp_path: Path) -> None:
    """In a directory that all may write to, the name of a part of the file must not be foreseen and taken."""
    trap = tmp_path / "trap"
    trap.touch(mode=0o666)
    (tmp_path / "info.json").symlink_to(trap)
    make_data(tmp_path / "data")
    with demo(tmp_path):
        assert trap.read_text() == ""
        assert not (tmp_path / "info.json").is_symlink()
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
