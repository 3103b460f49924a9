"""Run every snippet of every page as a reader would: one page after the other, on the same demo.

`tests/support/snippets.py` says how to mark snippets that are not run, or that show the output of another.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from handcart.cli import handcart
from tests.support.process import HANDCART, ROOT, START_SECONDS, environment
from tests.support.server import make_data
from tests.support.snippets import ANOTHER_TERMINAL, PAGES, Snippet, commands, indented, snippets

LANGUAGES = {"sh", "python", "json", "text", "yaml", "ini", "mermaid"}
PAGE_SECONDS = 240
BETWEEN = "\x1e"  # what bash prints after each snippet
VENV = Path(sys.executable).parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a user for whom a demo runs, as after `handcart demo --detach`."""
    data = tmp_path_factory.mktemp("home")
    (data / "handcart").mkdir()
    make_data(data / "handcart" / "demo")
    variables = {**environment(), "XDG_DATA_HOME": str(data), "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    variables["PATH"] = f"{VENV / 'bin'}:{os.environ['PATH']}"
    start = [*HANDCART, "demo", "--detach", "--port", "0", "--storefront-port", "0"]
    started = subprocess.run(start, env=variables, capture_output=True, text=True, timeout=START_SECONDS)
    assert started.returncode == 0, started.stderr
    try:
        yield variables
    finally:
        subprocess.run([*HANDCART, "demo", "--stop"], env=variables, check=True, timeout=START_SECONDS)


def test_snippets_of_all_pages_run_on_one_demo_then_they_do_what_is_shown(home: dict[str, str], tmp_path: Path) -> None:
    for program in ("bash", "curl", "python3"):
        assert shutil.which(program), f"the pages need {program}: install it"
    for page in PAGES:
        shown = [one for one in snippets(page) if one.is_run]
        if shown:
            directory = tmp_path / page.relative_to(ROOT).with_suffix("")
            (directory / "handcart").mkdir(parents=True)
            for link in (directory / ".venv", directory / "handcart" / ".venv"):
                link.symlink_to(VENV)
            run_page(shown, directory, home)


def run_page(shown: list[Snippet], directory: Path, home: dict[str, str]) -> None:
    """Run the snippets of a page in one bash; what goes on beside them ends with the page."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with (directory / "printed").open("wb") as output, (directory / "errors").open("wb") as problems:
        process = subprocess.Popen(
            ["bash", "-c", "set -euo pipefail\n" + "".join(map(lines_of, shown))],
            cwd=directory,
            env={**home, "PORT": port},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=problems,
            start_new_session=True,
        )
    try:
        status = process.wait(PAGE_SECONDS)
        printed = (directory / "printed").read_text().split(BETWEEN)
        errors = (directory / "errors").read_text()
        assert status == 0, f"{shown[len(printed) - 1].where}: status {status}, printed {printed[-1]}\n{errors}"
        for snippet, text in zip(shown, printed, strict=False):
            if snippet.mark == ANOTHER_TERMINAL:
                wait_for(snippet, directory / f"terminal-{snippet.line}")
            else:
                assert prints(snippet, text), f"{snippet.where} printed\n{text}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def lines_of(snippet: Snippet) -> str:
    """What bash is told to run. What goes on in another terminal is waited for until it says something."""
    code = snippet.text
    if snippet.language == "python":
        code = f"python - <<'END OF PYTHON'\n{code}END OF PYTHON\n"
    if snippet.mark == ANOTHER_TERMINAL:
        file = f"terminal-{snippet.line}"
        code = f"(\n{code}) > {file} 2>&1 &\n"
        if snippet.expected:
            code += f"for _ in $(seq 600); do grep -q . {file} && break; sleep 0.05; done\n"
    return f"{code}printf '{BETWEEN}'\n"


def wait_for(snippet: Snippet, file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not prints(snippet, file.read_text()):
        assert time.monotonic() < deadline, f"{snippet.where} printed\n{file.read_text()}"
        time.sleep(0.05)


def prints(snippet: Snippet, output: str) -> bool:
    """Whether the output has the form that is shown: JSON with the same keys and types, or the lines before `...`."""
    if snippet.expected is None:
        return True
    language, text = snippet.expected
    if language == "json":
        return bool(output.strip()) and shape(json.loads(output.splitlines()[-1])) == shape(json.loads(text))
    promised = text.split("\n...\n")[0].splitlines()  # what follows is an example
    return set(map(line_shape, promised)) <= set(map(line_shape, output.splitlines())) | {""}


def shape(value: Any) -> Any:
    """Keys and types."""
    return {name: shape(item) for name, item in value.items()} if isinstance(value, dict) else type(value)


def line_shape(line: str) -> str:
    """A line without what differs from run to run: numbers, secrets, the width of columns."""
    line = re.sub(r"whsec_[A-Za-z0-9+/=]+", "whsec_", line)
    return " ".join(re.sub(r"[0-9]+", "0", line).split())


# How the pages are written.


def test_page_shows_code_then_it_is_run_or_says_why_not() -> None:
    for page in PAGES:
        for one in snippets(page):
            assert one.language in LANGUAGES, f"{one.where}: name its language, one of {sorted(LANGUAGES)}"
            assert one.mark != "not run", f"{one.where}: write <!-- not run: REASON -->"
        assert not indented(page), "fence it: ```sh, ```text, ..."


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_names_a_command_then_it_exists_with_these_options(page: Path) -> None:
    for line in commands(page):
        name, *words = line.split()
        command: click.Command = handcart
        while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            found = command.get_command(click.Context(command), words[0])
            assert found, f"{line}: there is no {words[0]!r}"
            command, name, words = found, f"{name} {words[0]}", words[1:]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
        given = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        assert given <= known, f"{line}: {name} has no {given - known}"


def test_snippet_calls_the_server_then_it_shows_a_refusal() -> None:
    for page in PAGES:
        for one in snippets(page):
            hidden = re.search(r"curl -s |^call .*> *(?!/dev/null)\S+$", one.text, re.MULTILINE)
            assert one.language != "sh" or not hidden, f"{one.where}: {hidden}"


def test_page_shows_yaml_or_json_then_it_can_be_read() -> None:
    for page in PAGES:
        for one in snippets(page):
            if one.language == "yaml":
                assert yaml.safe_load(one.text), one.where
            if one.language == "json":
                assert json.loads(one.text), one.where


def test_secret_is_shown_in_use_then_not_on_a_command_line() -> None:
    for page in PAGES:
        for one in snippets(page):
            given = re.search(r"--(client-secret|signing-secret|auth-client-secret|password)[ =]", one.text)
            assert one.language != "sh" or not given, f"{one.where}: {given}"
