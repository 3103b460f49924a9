"""The commands of docs/operations/outgrow-sqlite.md, as an operator types them."""

import subprocess
import sys
from pathlib import Path

from tests.support import process
from tests.support.server import make_data, migrated_database
from tests.support.snippets import snippets


def test_guide_is_followed_then_an_installation_moves_and_returns(postgres_cluster: str, tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    sqlite, postgresql = f"sqlite:///{tmp_path}/data/handcart.db", migrated_database(postgres_cluster)
    (move,) = (
        one for one in snippets(process.ROOT / "docs/operations/outgrow-sqlite.md") if "handcart copy" in one.text
    )
    for name, old, new in (("move", sqlite, postgresql), ("back", postgresql, f"sqlite:///{tmp_path}/back.db")):
        commands = [line for line in move.text.splitlines() if name == "move" or "handcart backup" not in line]
        done = subprocess.run(
            ["bash", "-euc", "\n".join(commands)],
            cwd=tmp_path,
            env={
                **process.environment(),
                "OLD": old,
                "NEW": new,
                "KEY": str(tmp_path / "data/secret.key"),
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "the counts and digests of all tables are equal" in done.stdout
        assert done.stdout.rstrip().endswith("checks passed.")
