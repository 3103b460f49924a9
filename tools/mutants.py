"""
Change the code of a domain in many small ways, one at a time, and check which changes its tests notice.

`make mutants` runs `python -m tools.mutants`: for each domain a sample of changes (mutants) of its modules, drawn by a
seed, and for each mutant the tests in the domain's folder and in those of `ALSO`, on SQLite, until one fails: those
that run the changed function, or all if no function is changed. A mutant that no test notices has survived: either it
changes no visible behavior, or a test is missing. Each runs in a forked process that imports the changed module from
memory: no file is touched, and programs that a test starts run the unchanged code.

Why not mutmut or cosmic-ray: many rules are in tables and in SQL here, which mutmut (only functions) and cosmic-ray
(nothing inside strings) do not change; and a new interpreter for each mutant would take longer than most domains'
tests until the first failure.
"""

import argparse
import ast
import builtins
import copy
import importlib.abc
import importlib.util
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path.cwd()
DOMAINS = ("events", "sign_in", "slots", "orders", "oauth", "linking", "callbacks")
# The folders of `tests` that test a domain besides its own.
ALSO = {
    "events": ("callbacks",),
    "sign_in": ("accounts", "oauth"),
    "slots": ("orders",),
    "orders": ("callbacks",),
    "linking": ("oauth",),
}
BESIDE = ("test_worker.py", "users/test_privacy_request.py")  # the tests of what every domain drops, and when
SAMPLE = 40
SEED = 1
# Imported before the forks, to save time in each fork; only other projects' modules.
WARM = ("anyio", "asyncpg", "httpx", "hypothesis", "jinja2", "msgspec", "starlette.routing", "uvicorn", "uvloop")
IMPORTED_BEFORE = "ignore::pytest.PytestAssertRewriteWarning"
TIMES_LONGER, AT_LEAST_SECONDS = 10, 120  # longer than the unchanged code: such a mutant counts as noticed

# Arguments without an effect that a test could notice.
UNSEEN = ("description", "examples", "extra_json_schema", "frozen", "gc", "kw_only", "repr", "summary", "title")
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
IS_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|FROM|WHERE|AND|OR|ON|SET|JOIN)\b")
SWAPPED_IN_SQL = {
    " = ": " <> ",
    " <= ": " < ",
    " < ": " <= ",
    " >= ": " > ",
    " > ": " >= ",
    " AND ": " OR ",
    " IS NULL": " IS NOT NULL",
    " IS NOT NULL": " IS NULL",
    " + ": " - ",
    " DESC": " ASC",
}


@dataclass(frozen=True)
class Mutant:
    """A change. `place` numbers equal changes in the same function, so that changes elsewhere do not affect it."""

    module: str
    function: str
    before: str
    after: str
    place: int


@dataclass
class Result:
    mutant: Mutant
    line: int
    is_noticed: bool
    seconds: float


def changes_of(node: ast.AST) -> Iterator[ast.AST]:
    """Each way to change one node, as a new node in its place."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPPED:
            yield _with(node, ops=[SWAPPED[type(op)]()])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in SWAPPED:
            yield _with(node, op=SWAPPED[type(op)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield _with(node, body=orelse, orelse=body)
        case ast.If(test=test):
            yield _with(node, test=ast.copy_location(ast.UnaryOp(ast.Not(), test), test))
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value)):
            yield _with(node, value=value + 1)
        case ast.Constant(value=str(value)) if IS_SQL.match(value):
            for found in re.finditer("|".join(map(re.escape, SWAPPED_IN_SQL)), value):
                yield _with(node, value=value[: found.start()] + SWAPPED_IN_SQL[found[0]] + value[found.end() :])
        case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
            yield _with(node, value=ast.copy_location(ast.Constant(None), value))
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.copy_location(ast.Pass(), node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _skipped(node: ast.AST) -> set[int]:
    """Nodes to skip: annotations, `UNSEEN` arguments, and arguments that are only logged."""
    skipped: set[int] = set()
    for each in ast.walk(node):
        parts = [getattr(each, "annotation", None), getattr(each, "returns", None)]
        if isinstance(each, ast.keyword) and each.arg in UNSEEN:
            parts.append(each.value)
        if isinstance(each, ast.Expr) and ast.unparse(each).startswith(("log.", "logger.")):
            parts.append(each)
        for part in parts:
            if isinstance(part, ast.AST):
                skipped |= {id(one) for one in ast.walk(part)}
    return skipped


def mutants_of(path: Path) -> Iterator[tuple[Mutant, int, Callable[[], ast.Module]]]:
    """Each mutant of a module, with its line and a function that makes its tree."""
    tree = ast.parse(path.read_text())
    skipped, places = _skipped(tree), Counter[tuple[str, str, str]]()
    module = module_of(path)

    def walk(node: ast.AST, function: str) -> Iterator[tuple[Mutant, int, Callable[[], ast.Module]]]:
        for field, value in ast.iter_fields(node):
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or id(child) in skipped:
                    continue
                named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                inside = f"{function}.{child.name}".lstrip(".") if named else function  # type: ignore[attr-defined]
                for changed in changes_of(child):
                    before, after = (" ".join(ast.unparse(one).split()) for one in (child, changed))
                    places[inside, before, after] += 1
                    mutant = Mutant(module, inside, before, after, places[inside, before, after])
                    yield mutant, child.lineno, _maker(tree, node, field, index, changed)  # type: ignore[attr-defined]
                yield from walk(child, inside)

    yield from walk(tree, "")


def _maker(tree: ast.Module, node: ast.AST, field: str, index: int, changed: ast.AST) -> Callable[[], ast.Module]:
    def make() -> ast.Module:
        kept = getattr(node, field)
        setattr(node, field, [*kept[:index], changed, *kept[index + 1 :]] if isinstance(kept, list) else changed)
        try:
            return ast.fix_missing_locations(copy.deepcopy(tree))
        finally:
            setattr(node, field, kept)

    return make


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules from changed trees. `trees`: by the module's name, with the file of each."""

    def __init__(self, trees: dict[str, tuple[Path, ast.Module]]) -> None:
        self.trees = trees

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.trees:
            return None
        file = self.trees[name][0]
        package = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, file, loader=self, submodule_search_locations=package)

    def exec_module(self, module: ModuleType) -> None:
        file, tree = self.trees[module.__name__]
        exec(compile(tree, str(file), "exec"), module.__dict__)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        sys.meta_path.insert(0, self)  # before pytest's own, which takes every module of a plugin's package


def recording(paths: Sequence[Path]) -> tuple[dict[str, tuple[Path, ast.Module]], set[str]]:
    """Modules whose functions report each call to `Seen`, and the names of the functions."""
    functions: set[str] = set()

    def tell(node: ast.AST, module: str, inside: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = inside
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{inside}.{child.name}".lstrip(".")
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                at = 1 if ast.get_docstring(child) and len(child.body) > 1 else 0
                child.body[at:at] = ast.parse(f"__seen__({f'{module} {name}'!r})").body
                functions.add(f"{module} {name}")
            tell(child, module, name)

    trees = {}
    for path in paths:
        tree = ast.parse(path.read_text())
        tell(tree, module_of(path), "")
        trees[module_of(path)] = (path, ast.fix_missing_locations(tree))
    return trees, functions


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


class Seen:
    """Which tests run which functions.

    What a fixture runs counts for the whole file, since others may share the fixture; what runs until the first test
    has its server counts for every file.
    """

    def __init__(self, file: Path, every_file: Sequence[str]) -> None:
        self.file = file
        self.every_file: Sequence[str] | None = every_file
        self.now: set[str] = set()
        self.tests: dict[str, list[str]] = {}
        builtins.__seen__ = self.now.add  # type: ignore[attr-defined]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        tests = self.every_file or [report.nodeid.partition("[" if report.when == "call" else "::")[0]]
        for function in self.now:
            self.tests.setdefault(function, []).extend(tests)
        self.now.clear()
        self.every_file = None

    def pytest_sessionfinish(self) -> None:
        self.file.write_text(json.dumps(self.tests))


class FirstFailure:
    """Records a failing test, or a file that cannot be imported: its id in the first line, then the failure."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.keep(report)

    def keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self.file.write_text(f"{report.nodeid}\n{report.longreprtext}")


def run_tests(tests: Sequence[str], plugins: Sequence[object], seconds: float | None) -> bool:
    """Whether all tests pass, in a separate process; a time-out counts as a failure."""
    child = os.fork()
    if not child:
        os.setsid()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.environ["FAST_RUN"] = "1"
        status = 1
        try:
            options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not serial", "-W", IMPORTED_BEFORE]
            status = int(pytest.main([*options, *tests], plugins=plugins))
        finally:
            os._exit(status)
    deadline = time.monotonic() + seconds if seconds else None
    ended = status = 0
    while not ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended and deadline and time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            ended, status = os.waitpid(child, 0)
        time.sleep(0.02)
    return status == 0


def ordered(tests: Sequence[str], kills: Counter[str]) -> list[str]:
    """Whole files in place of their tests, those that noticed most mutants first, to find a failure sooner."""
    files = {test for test in tests if "::" not in test}
    chosen = dict.fromkeys(test for test in tests if test in files or test.partition("::")[0] not in files)
    return sorted(chosen, key=lambda test: -kills[test.partition("::")[0]])


def run(domain: str, sample: int, seed: int, only: list[Mutant] | None) -> list[Result]:
    """Draw mutants of a domain and run its tests against each."""
    paths = sorted((ROOT / "handcart" / domain).glob("*.py"))
    every = [(path, *found) for path in paths for found in mutants_of(path)]
    if only is None:
        drawn = random.Random(seed).sample(every, min(sample, len(every)))
    else:
        drawn = [one for one in every if one[1] in only]
    folders = (domain, *ALSO.get(domain, ()))
    found = [path for folder in folders for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    found += [ROOT / "tests" / file for file in BESIDE]
    files = [str(path.relative_to(ROOT)) for path in found]
    results, kills = [], Counter[str]()
    with tempfile.TemporaryDirectory() as directory:
        seen, failure = Path(directory, "seen.json"), Path(directory, "failure")
        os.environ["TEST_TEMPLATES"] = directory
        failure.touch()
        (trees, functions), begun = recording(paths), time.monotonic()
        if not run_tests(files, [Changed(trees), Seen(seen, files), FirstFailure(failure)], None):
            raise SystemExit(f"{domain}: the tests fail without a change: {failure.read_text()}")
        most = max(AT_LEAST_SECONDS, TIMES_LONGER * (time.monotonic() - begun))
        tests_of = json.loads(seen.read_text())
        print(f"{domain}: {len(drawn)} of {len(every)} mutants", flush=True)
        for path, mutant, line, make in drawn:
            begun, name = time.monotonic(), f"{mutant.module} {mutant.function}"
            tests = ordered(tests_of.get(name, []) if name in functions else files, kills)
            failure.write_text("")
            changed = Changed({mutant.module: (path, make())})
            passes = not tests or run_tests(tests, [changed, FirstFailure(failure)], most)
            kills[failure.read_text().partition("\n")[0].partition("::")[0]] += 1
            results.append(Result(mutant, line, not passes, time.monotonic() - begun))
            if passes:
                print(f"  {path.relative_to(ROOT)}:{line} {mutant.function}: survived {len(tests)} tests or files")
                print(f"    {mutant.before}\n    {mutant.after}", flush=True)
    noticed = sum(result.is_noticed for result in results)
    print(f"{domain}: {noticed} of {len(results)} noticed", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("domains", nargs="*", default=DOMAINS, help="Domains to change. Default: %(default)s.")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="Mutants for each domain. Default: %(default)s.")
    parser.add_argument("--seed", type=int, default=SEED, help="Seed of the sample. Default: %(default)s.")
    parser.add_argument("--only", type=Path, help="Run the mutants that this JSON file names, instead of a sample.")
    parser.add_argument("--list", action="store_true", help="Print every mutant as JSON, and run nothing.")
    parser.add_argument("--results", type=Path, help="Write the results to this JSON file.")
    asked = parser.parse_args()
    if asked.list:
        paths = [path for domain in asked.domains for path in sorted((ROOT / "handcart" / domain).glob("*.py"))]
        print(json.dumps([asdict(mutant) for path in paths for mutant, _, _ in mutants_of(path)]))
        return
    sys.dont_write_bytecode = False  # the tests and the unchanged modules are compiled once
    for name in WARM:
        importlib.import_module(name)
    only = [Mutant(**one) for one in json.loads(asked.only.read_text())] if asked.only else None
    results = []
    for domain in asked.domains:
        results += run(domain, asked.sample, asked.seed, only)
        if asked.results:
            asked.results.write_text(json.dumps([asdict(result) for result in results], indent=1))
    noticed = sum(result.is_noticed for result in results)
    print(f"All: {noticed} of {len(results)} mutants noticed.")


if __name__ == "__main__":
    main()
