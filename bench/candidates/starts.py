"""Servers that replace a service in tests, started as their documentation says; and Handcart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import install
from bench.candidates import Candidate, Workshop
from bench.candidates.handcart import launch as launch_handcart
from bench.candidates.handcart import sqlite
from bench.databases import Copy, Database, MemoryDatabase
from bench.processes import HOST, ROOT, Launch
from bench.starting import Starting

PEERS = Path(__file__).parent.parent / "peers"
OPENAPI = ROOT / "docs" / "openapi.json"
METADATA = "/.well-known/oauth-authorization-server"  # the only GET in Handcart's API that needs no token


def handcart(workshop: Workshop, environment: str) -> Candidate:
    """`handcart serve` on an existing database: a sandbox, or with the checks and limits of production."""
    prepared = sqlite(workshop)

    def launch(copy: Copy, port: int) -> Launch:
        return replace(launch_handcart(workshop, prepared.plan, 1, copy, port, environment), live_path=METADATA)

    about = f"handcart serve --environment {environment}, a database with {workshop.scale.links:,} users"
    return _candidate(f"start-handcart-{environment}", "handcart", about, prepared.database, launch, METADATA)


def moto(workshop: Workshop) -> Candidate:
    """moto_server: AWS for tests."""
    return _python_peer(workshop, "moto", "moto_server", ["--host", HOST, "--port", "{port}"], "/moto-api/")


def localstripe(workshop: Workshop) -> Candidate:
    """localstripe: Stripe for tests."""
    return _python_peer(
        workshop, "localstripe", "localstripe", ["--from-scratch", "--port", "{port}"], "/js.stripe.com/v3/"
    )


def prism() -> Candidate:
    """Prism: any OpenAPI description, answered from its examples."""
    arguments = ["mock", "--host", HOST, "--port", "{port}", str(OPENAPI)]
    return _node_peer("prism", "@stoplight/prism-cli", "prism", arguments, METADATA)


def mockoon() -> Candidate:
    """Mockoon: the same."""
    arguments = ["start", "--data", str(OPENAPI), "--hostname", HOST, "--port", "{port}", "--disable-log-to-file"]
    return _node_peer("mockoon", "@mockoon/cli", "mockoon-cli", arguments, METADATA)


def wiremock() -> Candidate:
    """WireMock: configurable responses; it starts with none except its own API."""
    install.debian_tool("java", "default-jre-headless")
    arguments = ["--bind-address", HOST, "--port", "{port}"]
    return _node_peer("wiremock", "wiremock", "wiremock", arguments, "/__admin/health")


def _python_peer(workshop: Workshop, package: str, program: str, arguments: Sequence[str], path: str) -> Candidate:
    binaries = install.python_packages(PEERS / package / "requirements.txt", workshop.directory / "venvs" / package)
    about = f"{package} {install.python_version(binaries, package)}, {program}"
    return _peer(package, about, [str(binaries / program), *arguments], path)


def _node_peer(name: str, package: str, program: str, arguments: Sequence[str], path: str) -> Candidate:
    directory = PEERS / name
    install.node_packages(directory)
    about = f"npm {package} {install.node_version(directory, package)}"
    command = ["node", str(directory / "node_modules" / ".bin" / program), *arguments]
    return _peer(name, about, command, path)


def _peer(name: str, about: str, command: Sequence[str], path: str) -> Candidate:
    def launch(_copy: Copy, port: int) -> Launch:
        filled = [argument.replace("{port}", str(port)) for argument in command]
        return Launch(command=filled, live_path=path, environment={}, directory=ROOT / "build")

    return _candidate(f"start-{name}", "peer", about, MemoryDatabase(), launch, path)


def _candidate(
    name: str, kind: str, about: str, database: Database, launch: Callable[[Copy, int], Launch], path: str
) -> Candidate:
    return Candidate(
        name=name,
        kind=kind,
        about=about,
        workers=1,
        rival="start-handcart-sandbox",
        database=database,
        launch=launch,
        part=Starting(path),
    )
