"""What commands may do: print by `echo`, and call operations."""

import ast

from tests.support.process import ROOT


def test_command_prints_then_it_does_so_by_echo_which_cleans_the_text() -> None:
    for file in (ROOT / "handcart" / "cli").glob("*.py"):
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        direct = [name for name in calls if name in ("click.echo", "click.secho", "print")]
        assert len(direct) == (file.name == "options.py"), f"{file.name}: use handcart.cli.options.echo"


def test_command_needs_data_then_it_calls_an_operation() -> None:
    for file in (ROOT / "handcart" / "cli").glob("*.py"):
        text = file.read_text()
        assert "SELECT " not in text, f"{file.name}: put the statement into a query"
        assert "tx." not in text, f"{file.name}: put the statements into an operation"
        # They find the retailer, then call one operation; `recorded.py` adds its row of the audit log.
        may_join = file.name in ("options.py", "events.py", "recorded.py")
        assert may_join or "(tx: Tx" not in text, f"{file.name}: put the transaction into an operation"
