"""The limit program of `bench.limit`, on the very databases that ours is measured on."""

import sys

from bench.candidates import Candidate, Workshop
from bench.candidates.handcart import READ, Prepared, postgresql, sqlite, token_request, url_of
from bench.processes import HOST, ROOT, Launch
from bench.stores import Copy


def on_sqlite(workshop: Workshop, workers: int) -> Candidate:
    return _candidate("sqlite", workers, sqlite(workshop))


def on_postgresql(workshop: Workshop, workers: int) -> Candidate:
    return _candidate("postgresql", workers, postgresql(workshop))


def _candidate(kind: str, workers: int, prepared: Prepared) -> Candidate:
    def launch(copy: Copy, port: int) -> Launch:
        uvicorn = ["--host", HOST, "--port", str(port), "--workers", str(workers), "--loop", "uvloop"]
        uvicorn += ["--http", "httptools", "--ws", "none", "--no-access-log", "--log-level", "warning"]
        return Launch(
            command=[sys.executable, "-m", "uvicorn", *uvicorn, "bench.limit.app:app"],
            live_path="/live",
            environment={"BENCH_DATABASE": url_of(copy), "HANDCART_SECRET_KEY": prepared.plan.secret_key},
            directory=ROOT,
        )

    return Candidate(
        name=f"limit-{kind}-{workers}",
        kind="limit",
        about=f"bare ASGI under the same uvicorn, the same SQL on {kind} and nothing else",
        workers=workers,
        rival=f"handcart-{kind}-{workers}",
        store=prepared.store,
        launch=launch,
        token=token_request(prepared.plan),
        wrong_secret=token_request(prepared.plan, "wrong"),
        read=READ,
    )
