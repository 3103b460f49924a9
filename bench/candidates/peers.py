"""Other projects' authorization servers, each in its own environment, configured as their documentation advises."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from bench import install
from bench.candidates import SCOPE, Candidate, Workshop
from bench.databases import Copy, MemoryDatabase, SqliteDatabase
from bench.linking import Linking
from bench.load import Request
from bench.processes import HOST, Launch, bare_environment

PEERS = Path(__file__).parent.parent / "peers"
CLIENT_ID = "bench"
CLIENT_SECRET = "a secret that guards nothing but made-up rows"
RIVAL = "handcart-sqlite-{}"


def oidc_provider(workshop: Workshop, cores: int) -> Candidate:
    """npm oidc-provider. Always one process, because its in-memory tokens cannot be shared. `cores`: its cores."""
    directory = PEERS / "oidc_provider"
    install.node_packages(directory)

    def launch(_copy: Copy, port: int) -> Launch:
        arguments = [HOST, str(port), CLIENT_ID, CLIENT_SECRET, str(workshop.scale.links)]
        return Launch(
            command=["node", "server.mjs", *arguments],
            live_path="/.well-known/openid-configuration",
            environment={"NODE_ENV": "production"},
            directory=directory,
        )

    return Candidate(
        name=f"oidc-provider-{cores}",
        kind="peer",
        about=f"npm oidc-provider {install.node_version(directory, 'oidc-provider')}, tokens in memory, one process",
        workers=cores,
        rival=RIVAL.format(cores),
        database=MemoryDatabase(),
        launch=launch,
        part=_part(workshop, "/token"),
    )


def django_oauth_toolkit(workshop: Workshop, workers: int) -> Candidate:
    """Django OAuth Toolkit on SQLite under gunicorn's sync workers (threads made it slower: the work is all Python)."""
    return _python_peer(
        workshop,
        package="django-oauth-toolkit",
        application="wsgi:application",
        token_table="oauth2_provider_accesstoken",
        workers=workers,
        options=["--worker-class", "sync"],
    )


def authlib_flask(workshop: Workshop, workers: int) -> Candidate:
    """Authlib with Flask on SQLite under gunicorn; a second thread only where it hides the wait for the disk."""
    threads = "2" if workers == 1 else "1"
    return _python_peer(
        workshop,
        package="authlib-flask",
        application="app:app",
        token_table="tokens",
        workers=workers,
        options=["--worker-class", "gthread", "--threads", threads],
    )


def _python_peer(
    workshop: Workshop, *, package: str, application: str, token_table: str, workers: int, options: Sequence[str]
) -> Candidate:
    directory = PEERS / package.replace("-", "_")
    binaries = install.python_packages(directory / "requirements.txt", workshop.directory / "venvs" / package)
    file = workshop.directory / "prepared" / package / "peer.db"
    arguments = (binaries / "python", directory, file, workshop.scale.links, token_table)
    database = workshop.once(package, lambda: _prepare(*arguments))

    def launch(copy: Copy, port: int) -> Launch:
        gunicorn = [str(binaries / "gunicorn"), "--workers", str(workers), *options, "--bind", f"{HOST}:{port}"]
        return Launch(
            command=[*gunicorn, "--log-level", "warning", application],
            live_path="/live",
            environment={"BENCH_DATABASE": copy.address},
            directory=directory,
        )

    distribution = {"authlib-flask": "authlib"}.get(package, package)
    version = install.python_version(binaries, distribution)
    return Candidate(
        name=f"{package}-{workers}",
        kind="peer",
        about=f"{distribution} {version} on SQLite, gunicorn {' '.join(options)}",
        workers=workers,
        rival=RIVAL.format(workers),
        database=database,
        launch=launch,
        part=_part(workshop, "/oauth/token"),
    )


def _prepare(python: Path, directory: Path, file: Path, links: int, token_table: str) -> SqliteDatabase:
    file.parent.mkdir(parents=True)
    subprocess.run(
        [python, "prepare.py", CLIENT_ID, CLIENT_SECRET, str(links)],
        cwd=directory,
        env=bare_environment() | {"BENCH_DATABASE": str(file)},
        check=True,
    )
    database = SqliteDatabase(file, token_table)
    database.settle()
    return database


def _part(workshop: Workshop, path: str) -> Linking:
    wrong = _token(path, secret="wrong")
    return Linking(_token(path), wrong_secret=wrong, read="/users/{}/link", links=workshop.scale.links)


def _token(path: str, secret: str = CLIENT_SECRET) -> Request:
    fields = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": secret, "scope": SCOPE}
    return Request("POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields))
