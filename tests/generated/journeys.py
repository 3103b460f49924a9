"""Clients that openapi-generator makes from docs/openapi.json place an order: `make generated-clients`.

Four languages, each with one journey written by hand: a token, a list of slots, a hold, an order, the order read back.
Nothing is downloaded: Jackson is inside the generator's JAR, the rest comes from the locked packages and from Debian.
Not part of `make test`, because making and compiling the clients takes longer than a test may.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openapi_generator_cli
import pytest

from tests.support.orders import Market
from tests.support.server import LiveServer

HERE = Path(__file__).parent
DESCRIPTION = HERE.parents[1] / "docs" / "openapi.json"
JAR = Path(openapi_generator_cli.__file__).parent / "openapi-generator.jar"
ANNOTATIONS = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
GO_PACKAGES = Path("/usr/share/gocode")
OPTIONS = {
    "java": {"library": "native", "openApiNullable": False},
    "typescript-fetch": {"importFileExtension": ".js"},
    "python": {"packageName": "connect"},
    "go": {"packageName": "connect"},
}
NO_EXTRAS = dict.fromkeys(("apiDocs", "modelDocs", "apiTests", "modelTests"), "false")


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    ended = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ended.returncode == 0, f"{command[0]}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a generated client for each language, all made by one start of Java."""
    made = tmp_path_factory.mktemp("clients")
    files = []
    for name, options in OPTIONS.items():
        files.append(made / f"{name}.json")
        wanted = {"generatorName": name, "inputSpec": str(DESCRIPTION), "outputDir": str(made / name)}
        files[-1].write_text(json.dumps({**wanted, "additionalProperties": options, "globalProperties": NO_EXTRAS}))
    # One after the other: generators that run at once have answered with each other's descriptions.
    run("java", "-Dlog.level=error", "-jar", JAR, "batch", "--fail-fast", "--threads", "1", *files)
    return made


def java(clients: Path, **environment: str) -> str:
    classpath = f"{JAR}:{ANNOTATIONS}:{clients / 'classes'}"
    sources = sorted((clients / "java" / "src" / "main").rglob("*.java"))
    run("javac", "-nowarn", "-proc:none", "-cp", classpath, "-d", clients / "classes", HERE / "Journey.java", *sources)
    return run("java", "-cp", classpath, "Journey", **environment)


def typescript(clients: Path, **environment: str) -> str:
    project = clients / "typescript"
    shutil.copytree(HERE / "typescript", project, symlinks=True)
    shutil.copytree(clients / "typescript-fetch", project / "client")
    options = ("--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--types", "node")
    run("node", "node_modules/typescript/bin/tsc", *options, "journey.ts", cwd=project)
    return run("node", "journey.js", cwd=project, **environment)


def python(clients: Path, **environment: str) -> str:
    return run(sys.executable, HERE / "journey.py", PYTHONPATH=str(clients / "python"), **environment)


def go(clients: Path, **environment: str) -> str:
    """Debian's packages of Go lie in a GOPATH, so the client is laid into one, too."""
    package = clients / "gopath" / "src" / "connect"
    package.mkdir(parents=True)
    for file in (clients / "go").glob("*.go"):
        shutil.copy(file, package)
    path = {
        "GO111MODULE": "off",
        "GOPATH": f"{clients / 'gopath'}:{GO_PACKAGES}",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
    }
    run("go", "vet", "connect", **path)
    run("go", "build", "-o", clients / "journey", HERE / "journey.go", **path)
    return run(clients / "journey", **environment)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize("journey", [java, typescript, python, go], ids=lambda journey: journey.__name__)
def test_client_is_generated_then_it_places_an_order(
    server: LiveServer, clients: Path, journey: Callable[..., str]
) -> None:
    market = Market(server)
    user_id = market.customer()
    credentials = {"CLIENT_ID": market.credentials["client_id"], "CLIENT_SECRET": market.credentials["client_secret"]}
    printed = journey(clients, BASE_URL=server.url, USER_ID=user_id, **credentials)
    option_id, order_id, upc = printed.split()
    assert int(option_id) > 2**31
    assert order_id.partition("-")[0] == journey.__name__
    assert upc == "400000000015"
    assert market.read(user_id, order_id).json()["status"] == "brand_new"
