"""Imported packages are declared, declared ones are explained, and lock files name packages but no package index."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKED = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("bench/peers/*/requirements.txt")]
LOCKED_BY_NPM = [
    *ROOT.glob("bench/peers/*/package-lock.json"),
    *ROOT.glob("tests/interop/*/package-lock.json"),
    *ROOT.glob("tests/shopper_app/*/package-lock.json"),
]
OURS = {"handcart", "handcart_client", "storefront"}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def declared(project: str) -> set[str]:
    """The requirements of a distribution, including extras."""
    described = tomllib.loads((ROOT / project / "pyproject.toml").read_text())["project"]
    return names(sum(described.get("optional-dependencies", {}).values(), described["dependencies"]))


def groups() -> dict[str, list[str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def imported(package: Path) -> set[str]:
    """The distributions that a package's modules import from."""
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    brought_by = packages_distributions()
    return {normal(brought_by[name][0]) for name in found - sys.stdlib_module_names - OURS}


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("handcart", declared(".") | {"pytest"}),  # which loads the plugin, and is there when it does
        ("client/handcart_client", declared("client")),
        ("storefront", declared(".") | declared("client") | names(groups()["storefront"])),
    ],
)
def test_package_is_imported_then_it_is_declared(package: str, allowed: set[str]) -> None:
    assert imported(ROOT / package) <= allowed


def test_dependency_is_declared_then_the_docs_say_why() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    everything = declared(".") | declared("client") | names([name for group in groups().values() for name in group])
    for path in ROOT.glob("bench/peers/*/requirements.in"):
        everything |= names(path.read_text().split())
    for path in LOCKED_BY_NPM:
        everything |= json.loads(path.read_text())["packages"][""]["dependencies"].keys()
    first_cells = " ".join(re.findall(r"^\| ([^|]+) \|", explained, re.MULTILINE))
    assert everything <= set(re.findall(r"[\w.@/-]+", first_cells))


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_locked_then_it_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    requirements = re.findall(r"^[\w.-]+==\S+.*?\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(requirements) == len(re.findall(r"^\w", text, re.MULTILINE)) > 0
    assert not re.search(r"://|index-url|find-links|\.(org|com|io|net)\b", text)


@pytest.mark.parametrize("path", LOCKED_BY_NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_npm_locks_then_packages_have_integrity_and_no_address(path: Path) -> None:
    packages = [package for name, package in json.loads(path.read_text())["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)
