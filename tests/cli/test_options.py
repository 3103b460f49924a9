"""What commands print."""

import ast

from tests.support.process import ROOT


def test_when_a_command_prints_then_it_does_so_by_echo_which_cleans_the_text() -> None:
    for file in (ROOT / "handcart" / "cli").glob("*.py"):
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        direct = [name for name in calls if name in ("click.echo", "click.secho", "print")]
        assert len(direct) == (file.name == "options.py"), f"{file.name}: use handcart.cli.options.echo"
