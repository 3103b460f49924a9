"""Run commands on the database of a running server, as an operator would."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handcart.cli import handcart
from handcart.core.db.installation import remember_urls
from tests.support.server import SECRET_KEY, LiveServer

Run = Callable[..., Result]


@pytest.fixture
def run(server: LiveServer) -> Run:
    """`run("client", "list")` on the server's database; `--json` answers can be read by `answer`."""

    def invoke(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(
            handcart,
            [*arguments, "--database", server.app.settings.database_url],
            input=stdin,
            env={"HANDCART_SECRET_KEY": SECRET_KEY, "HANDCART_PUBLIC_URL": "", **environment},
        )

    return invoke


def answer(result: Result) -> Any:
    """The decoded output of a command with --json."""
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return json.loads(result.stdout)


def refusal(result: Result) -> str:
    """The sentence that `main` prints for a command's error."""
    assert result.exit_code == 1, result.output
    assert result.exception is not None
    return str(result.exception)


@pytest.fixture
def no_public_url(server: LiveServer) -> Iterator[None]:
    """No server of the database has had a public URL yet."""
    before = server.app.settings
    server.write(remember_urls, replace(before, public_url=""))
    yield
    server.write(remember_urls, before)
