"""
Print the sizes of the code beside the project's usual limits: `python tools/sizes.py`. No number fails a build;
reviewers read the table to notice growth.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ["handcart", "client/handcart_client", "storefront"]
WORST = 3  # number of largest ones to list

Sizes = dict[str, int]  # by place
Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.Match


def main() -> None:
    files = {str(path.relative_to(ROOT)): path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))}
    tests = sorted((ROOT / "tests").rglob("*.py"))
    functions = dict(every_function(files))
    print(f"{'unit':20} {'aim':>12} {'talk above':>10} {'count':>6} {'median':>6} {'p90':>5} {'max':>5}  largest")
    row("function, lines", "8, most < 25", 40, {place: lines(node) for place, node in functions.items()})
    row("file, lines", "120", 400, {place: line_count(path) for place, path in files.items()})
    row("test file, lines", "", 600, {str(path.relative_to(ROOT)): line_count(path) for path in tests})
    row("domain, lines", "600-1,500", 2000, per_domain(files))
    row("arguments", "4", 6, {place: len(positional(node)) for place, node in functions.items()})
    row("nesting", "2", 3, {place: nesting(node) for place, node in functions.items()})
    row("public names of ops", "5-12", 15, public_names(files))
    direct = len(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    print(f"\ndirect dependencies of the server: {direct} (aim 10, talk above 14)")
    ratio = sum(map(line_count, tests)) / sum(map(line_count, files.values()))
    print(f"tests : source, by lines: {ratio:.1f} (aim 1.2-2.0)")


def row(unit: str, aim: str, limit: int, sizes: Sizes) -> None:
    values = sorted(sizes.values())
    if not values:
        return
    p90 = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    over = sorted((place for place in sizes if sizes[place] > limit), key=lambda place: -sizes[place])
    largest = ", ".join(f"{place} {sizes[place]}" for place in over[:WORST])
    more = f" and {len(over) - WORST} more" if len(over) > WORST else ""
    print(
        f"{unit:20} {aim:>12} {limit:>10,} {len(values):>6} {median(values):>6.0f} {p90:>5.0f} {values[-1]:>5}"
        f"  {largest or 'none above'}{more}"
    )


def every_function(files: dict[str, Path]) -> Iterator[tuple[str, Function]]:
    for place, path in files.items():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, Function):
                yield f"{place}:{node.lineno} {node.name}", node


def lines(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def line_count(path: Path) -> int:
    return len(path.read_bytes().splitlines())


def positional(node: Function) -> list[str]:
    return [argument.arg for argument in node.args.posonlyargs + node.args.args if argument.arg not in {"self", "cls"}]


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Depth of nested blocks; `elif` is as deep as its `if`, and an inner function as deep as the outer one."""
    deepest = depth
    for field, value in ast.iter_fields(node):
        children = [child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)]
        is_elif = isinstance(node, ast.If) and field == "orelse" and [type(child) for child in children] == [ast.If]
        for child in children:
            if not isinstance(child, Function | ast.Lambda):
                deepest = max(deepest, nesting(child, depth + (isinstance(child, BLOCKS) and not is_elif)))
    return deepest


def per_domain(files: dict[str, Path]) -> Sizes:
    totals: Sizes = {}
    for place, path in files.items():
        if match := re.match(r"handcart/(\w+)/", place):
            totals[match[1]] = totals.get(match[1], 0) + line_count(path)
    return totals


def public_names(files: dict[str, Path]) -> Sizes:
    ops = {place: path for place, path in files.items() if place.endswith("/ops.py") or "/ops/" in place}
    return {
        place: sum(isinstance(node, Function) and node.name[0] != "_" for node in ast.parse(path.read_bytes()).body)
        for place, path in ops.items()
    }


if __name__ == "__main__":
    main()
