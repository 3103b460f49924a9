import subprocess
import sys
from pathlib import Path

import handcart_client
import pytest

SCRIPT = Path(handcart_client.__file__).parents[1] / "generate_sync.py"


@pytest.fixture
def copy_of_client(tmp_path: Path) -> Path:
    for kind in ("_async", "_sync"):
        folder = tmp_path / "handcart_client" / kind
        folder.mkdir(parents=True)
        for source in (SCRIPT.parent / "handcart_client" / kind).glob("*.py"):
            (folder / source.name).write_text(source.read_text())
    (tmp_path / SCRIPT.name).write_text(SCRIPT.read_text())
    return tmp_path


def generate(folder: Path, *arguments: str) -> int:
    return subprocess.run([sys.executable, folder / SCRIPT.name, *arguments], check=False).returncode


def test_sync_client_generated_then_it_is_the_committed_one() -> None:
    assert generate(SCRIPT.parent, "--check") == 0


def test_async_client_changed_then_the_check_fails_until_generated(copy_of_client: Path) -> None:
    changed = copy_of_client / "handcart_client" / "_async" / "links.py"
    changed.write_text(changed.read_text() + "\nX = 1\n")
    (copy_of_client / "handcart_client" / "_sync" / "left_over.py").write_text("")
    assert generate(copy_of_client, "--check") == 1
    assert generate(copy_of_client) == 0
    assert generate(copy_of_client, "--check") == 0
    assert not (copy_of_client / "handcart_client" / "_sync" / "left_over.py").exists()


def test_sync_client_read_then_it_awaits_nothing() -> None:
    for source in (SCRIPT.parent / "handcart_client" / "_sync").glob("*.py"):
        assert "async" not in source.read_text().removeprefix("# Generated from ../_async").lower()
        assert "await" not in source.read_text()
