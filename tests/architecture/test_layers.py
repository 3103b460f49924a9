"""
Domains import only domains before them in the order, and no private modules of other domains; there are no import
cycles; server, client and storefront do not import each other. Imports inside functions count too.
"""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ["migrations", "core", "retailers", "accounts", "oauth", "users", "linking", "stores", "slots", "callbacks"]
ORDER += ["orders", "batches", "upkeep", "sandbox", "console"]  # migrations, the schema, import nothing
TOP = len(ORDER)  # app, worker, cli and whatever else lies directly in handcart/
PRIVATE = {"api", "routes", "pages", "wire", "jobs", "queries"}  # in every domain but core
CLIENT_MAY_IMPORT = {"handcart_client", "httpx", "msgspec", "standardwebhooks"} | sys.stdlib_module_names


def modules(directory: Path, package: str) -> dict[str, Path]:
    """Every module of the package in the directory, by its dotted name."""
    paths = {path.relative_to(directory).with_suffix(""): path for path in (directory / package).rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}


def imports(module: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Full names of the modules that a module imports, wherever in it the import stands."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            names = (f"{source}.{alias.name}" for alias in node.names)
            yield from (name if name in known else source for name in names)


def domain(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def rank(module: str) -> int:
    if module == "handcart":
        return -1  # all may import it, so it may import nothing
    return ORDER.index(domain(module)) if domain(module) in ORDER else TOP


def fault(module: str, target: str) -> str | None:
    """The error if a module of the server may not import this."""
    top, folder, file = [*target.split("."), "", ""][:3]
    if top != "handcart":
        return "leaves the server" if top in {"handcart_client", "storefront"} else None
    if rank(target) > rank(module):
        return "goes upward"
    is_private = file in PRIVATE and folder != "core"
    return "is private" if is_private and domain(module) != folder and rank(module) < TOP else None


def violations(root: Path) -> list[str]:
    server = modules(root, "handcart")
    graph = {module: list(imports(module, path, server)) for module, path in server.items()}
    edges = [(module, target) for module, targets in graph.items() for target in targets]
    found = [f"{module} imports {target}: {why}" for module, target in edges if (why := fault(module, target))]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append("imports in a circle: " + " -> ".join(error.args[1]))
    client, storefront = modules(root / "client", "handcart_client"), modules(root, "storefront")
    for module, path in (client | storefront).items():
        targets = {target.split(".")[0] for target in imports(module, path, client | storefront)}
        forbidden = targets & {"handcart"} if module in storefront else targets - CLIENT_MAY_IMPORT
        found.extend(f"{module} imports {target}: not over HTTP" for target in sorted(forbidden))
    return found


def test_when_the_repository_is_read_then_every_import_keeps_the_order() -> None:
    assert {"handcart", "handcart.app"} <= modules(ROOT, "handcart").keys()
    assert modules(ROOT / "client", "handcart_client")
    assert modules(ROOT, "storefront")
    assert violations(ROOT) == []


LAWFUL = {
    "handcart/core/jobs.py": "import json",
    "handcart/slots/wire.py": "from handcart.core import jobs",
    "handcart/slots/ops.py": "from ..core import jobs",
    "handcart/slots/api.py": "from . import ops, wire",
    "handcart/orders/ops.py": "from handcart.slots import ops",
    "handcart/app.py": "import handcart.slots.api",
    "client/handcart_client/sync.py": "import httpx",
    "storefront/app.py": "import handcart_client",
}


@pytest.mark.parametrize(
    ("path", "planted", "expected"),
    [
        ("handcart/core/ids.py", "import json", None),
        ("handcart/core/db.py", "from handcart.slots import ops", "goes upward"),
        ("handcart/core/db.py", "from ..slots.ops import hold", "goes upward"),
        ("handcart/core/db.py", "def late():\n    import handcart.app", "goes upward"),
        ("handcart/__init__.py", "from .core import jobs", "goes upward"),
        ("handcart/orders/ops.py", "from handcart.slots import wire", "is private"),
        ("handcart/orders/ops.py", "from ..slots.api import routes", "is private"),
        ("handcart/slots/wire.py", "from .api import routes", "in a circle"),
        ("handcart/app.py", "from handcart_client import Client", "leaves the server"),
        ("handcart/app.py", "import storefront.app", "leaves the server"),
        ("client/handcart_client/sync.py", "import handcart.core.jobs", "not over HTTP"),
        ("client/handcart_client/sync.py", "import starlette", "not over HTTP"),
        ("storefront/app.py", "from handcart.core import jobs", "not over HTTP"),
    ],
)
def test_when_an_import_is_planted_then_it_is_judged(
    tmp_path: Path, path: str, planted: str, expected: str | None
) -> None:
    for name, source in (LAWFUL | {path: planted}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    found = violations(tmp_path)
    assert [expected in violation for violation in found] == [True] if expected else found == []
