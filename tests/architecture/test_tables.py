"""Each table belongs to one domain, whose `__init__` says so after the word "Owns"."""

import ast
import re
from pathlib import Path

HANDCART = Path(__file__).resolve().parents[2] / "handcart"


def migrated() -> list[str]:
    """The tables after all migrations. Reads the migrations, without a database."""
    tables: set[str] = set()
    for file in sorted((HANDCART / "migrations" / "versions").glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda one: one.lineno):
            match call.func, call.args:
                case ast.Attribute(attr="create_table"), [ast.Constant(value=str(name)), *_]:
                    tables.add(name)
                case ast.Attribute(attr="drop_table"), [ast.Constant(value=str(name)), *_]:
                    tables.remove(name)
                case ast.Attribute(attr="rename_table"), [ast.Constant(value=str(old)), ast.Constant(value=str(new))]:
                    tables.remove(old)
                    tables.add(new)
    return sorted(tables)


def owned() -> list[str]:
    """The tables that the domains own, each as often as a domain says so."""
    found: list[str] = []
    for file in HANDCART.glob("*/__init__.py"):
        said = re.search(r"\bOwns ([^.]*)\.", ast.get_docstring(ast.parse(file.read_bytes())) or "")
        found += re.findall(r"`(\w+)`", said[1]) if said else []
    return sorted(found)


def test_tables_are_migrated_then_each_belongs_to_exactly_one_domain() -> None:
    assert "accounts" in migrated()
    assert owned() == migrated()
