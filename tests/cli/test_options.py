"""What commands print."""

import re

from tests.support.process import ROOT


def test_when_a_command_prints_then_it_does_so_by_echo_which_cleans_the_text() -> None:
    for file in (ROOT / "handcart" / "cli").glob("*.py"):
        direct = re.findall(r"click\.(?:echo|secho)\(|\bprint\(", file.read_text())
        assert len(direct) == (file.name == "options.py"), f"{file.name}: use handcart.cli.options.echo"
