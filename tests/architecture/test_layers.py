"""
The walls of the repository.

- A domain imports only domains before it in the order; siblings do not import each other.
- Of another domain it imports only `ops`, `queries`, `errors`, `models` and the modules in that domain's `__all__`.
- No module of the repository is part of a circle of imports.
- Server, client and storefront do not import each other, and none of them imports benches, tools or tests.

Imports inside functions count too.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Domains in one row are siblings. Whatever else lies directly in handcart/ (app, worker, cli) may import every domain.
ORDER = [
    ("migrations",),
    ("core",),
    ("events",),
    ("retailers",),
    ("requests",),
    ("pictures",),
    ("sign_in",),
    ("messages",),
    ("accounts", "staff"),
    ("oauth",),
    ("stores",),
    ("users",),
    ("linking", "slots"),
    ("orders",),
    ("shoppers",),
    ("batches",),
    ("chat",),
    ("acts",),
    ("assignment",),
    ("post_checkout",),
    ("callbacks", "notifications"),
    ("reports",),
    ("money",),
    ("upkeep",),
    ("console", "order_page", "shopper_app", "store_app"),
    ("sandbox",),
]
RANKS = {domain: rank for rank, domains in enumerate(ORDER) for domain in domains}
PUBLIC = {"ops", "queries", "errors", "models"}
# Everything in these is public. `upkeep` and `sandbox` read the tables of every domain.
OPEN, READ_ALL = {"core", "migrations"}, {"upkeep", "sandbox"}
PACKAGES = ("handcart", "storefront", "bench", "tools", "tests")
CLIENT = ("client", "handcart_client")
MAY_IMPORT = {
    "handcart": {"handcart"},
    "handcart_client": {"handcart_client"},
    "storefront": {"storefront", "handcart_client"},
}
CLIENT_LIBRARIES = {"httpx", "msgspec", "standardwebhooks"} | sys.stdlib_module_names


def modules(directory: Path, package: str) -> dict[str, Path]:
    """Every module of the package in the directory, by its dotted name."""
    paths = {path.relative_to(directory).with_suffix(""): path for path in (directory / package).rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}


def imports(module: str, path: Path, known: Iterable[str]) -> Iterator[str]:
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
    return RANKS.get(domain(module), len(ORDER))


def named_public(paths: dict[str, Path]) -> dict[str, set[str]]:
    """The modules that each domain's `__init__` lists in `__all__`."""
    found: dict[str, set[str]] = {}
    for name in RANKS.keys() - OPEN:
        source = paths[f"handcart.{name}"].read_bytes() if f"handcart.{name}" in paths else b""
        lists = [
            ast.literal_eval(node.value)
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        found[name] = {module for one in lists for module in one}
    return found


def fault(module: str, target: str, public: dict[str, set[str]]) -> str | None:
    """The error if a module may not import this."""
    ours, top = module.split(".")[0], target.split(".")[0]
    if top in {"handcart", "handcart_client", *PACKAGES} and top not in MAY_IMPORT.get(ours, {top}):
        return "leaves its package"
    if ours == "handcart_client" and top not in {ours, *CLIENT_LIBRARIES}:
        return "is not a library of the client"
    if ours != "handcart" or top != "handcart" or rank(module) == len(ORDER) != rank(target) or target == "handcart":
        return None
    if rank(target) > rank(module):
        return "goes upward"
    if domain(module) == domain(target) or domain(target) not in public:
        return None
    if rank(target) == rank(module):
        return "is a sibling"
    file = target.split(".")[2] if target.count(".") > 1 else ""
    is_private = file and file not in PUBLIC | public[domain(target)]
    return "is private" if is_private and domain(module) not in READ_ALL else None


def violations(root: Path) -> list[str]:
    paths = modules(root / CLIENT[0], CLIENT[1])
    for package in PACKAGES:
        paths |= modules(root, package)
    graph = {module: list(imports(module, path, paths)) for module, path in paths.items()}
    public = named_public(paths)
    edges = [(module, target) for module, targets in graph.items() for target in targets]
    found = [f"{module} imports {target}: {why}" for module, target in edges if (why := fault(module, target, public))]
    try:
        TopologicalSorter({module: set(targets) - {module} for module, targets in graph.items()}).prepare()
    except CycleError as error:
        found.append("imports in a circle: " + " -> ".join(error.args[1]))
    missing = [f"{name}.{module}" for name, named in public.items() for module in named]
    return found + [f"{name} is in __all__ but missing" for name in missing if f"handcart.{name}" not in paths]


def test_repository_is_read_then_every_import_keeps_the_walls() -> None:
    packages = {name.split(".")[0] for package in PACKAGES for name in modules(ROOT, package)}
    assert packages == set(PACKAGES)
    assert modules(ROOT / CLIENT[0], CLIENT[1])
    domains = {path.parent.name for path in (ROOT / "handcart").glob("*/__init__.py")}
    assert domains - RANKS.keys() == {"cli", "demo", "description", "testing"}
    assert violations(ROOT) == []


LAWFUL = {
    "handcart/core/ids.py": "import json",
    "handcart/retailers/ops.py": "from ..core import ids",
    "handcart/slots/__init__.py": "__all__ = ['windows']",
    "handcart/slots/windows.py": "from handcart.core import ids",
    "handcart/slots/wire.py": "from handcart.core import ids",
    "handcart/slots/ops.py": "from . import windows",
    "handcart/slots/api.py": "from . import ops, wire",
    "handcart/orders/ops.py": "from handcart.slots import ops, windows",
    "handcart/upkeep/safety.py": "from handcart.orders import ops",
    "handcart/app.py": "import handcart.slots.api",
    "client/handcart_client/sync.py": "import httpx",
    "storefront/app.py": "import handcart_client",
    "bench/load.py": "from handcart.slots import wire",
    "tools/sizes.py": "import ast",
    "tests/test_app.py": "import handcart.app, handcart_client, storefront.app, bench.load, tools.sizes",
}


@pytest.mark.parametrize(
    ("path", "planted", "expected"),
    [
        ("handcart/core/ids.py", "import json", None),
        ("handcart/core/db.py", "from handcart.slots import ops", "goes upward"),
        ("handcart/core/db.py", "from ..slots.ops import hold", "goes upward"),
        ("handcart/core/db.py", "def late():\n    import handcart.app", "goes upward"),
        ("handcart/__init__.py", "from .core import ids", "goes upward"),
        ("handcart/orders/ops.py", "from handcart.sandbox import state", "goes upward"),
        ("handcart/core/web/call.py", "from handcart.sandbox.control import hook", "goes upward"),
        ("handcart/upkeep/safety.py", "def late():\n    import handcart.sandbox.robot.ops", "goes upward"),
        ("handcart/orders/ops.py", "from handcart.slots import wire", "is private"),
        ("handcart/orders/ops.py", "from ..slots.api import routes", "is private"),
        ("handcart/users/__init__.py", "__all__ = ['gone']", "missing"),
        ("handcart/slots/wire.py", "from .api import routes", "in a circle"),
        ("bench/load.py", "import tests.test_app", "in a circle"),
        ("tools/sizes.py", "from tools import other", None),
        ("handcart/app.py", "from handcart_client import Client", "leaves its package"),
        ("handcart/app.py", "import storefront.app", "leaves its package"),
        ("handcart/app.py", "from bench import load", "leaves its package"),
        ("handcart/app.py", "from tools import sizes", "leaves its package"),
        ("client/handcart_client/sync.py", "import handcart.core.ids", "leaves its package"),
        ("client/handcart_client/sync.py", "import starlette", "is not a library of the client"),
        ("storefront/app.py", "from handcart.core import ids", "leaves its package"),
    ],
)
def test_import_is_planted_then_it_is_judged(tmp_path: Path, path: str, planted: str, expected: str | None) -> None:
    for name, source in (LAWFUL | {path: planted}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    found = violations(tmp_path)
    assert [expected in violation for violation in found] == [True] if expected else found == []
