"""The limit program of `bench.limit`, on the same databases as Handcart."""

import sys

from bench.candidates import Candidate, FlowPlan, Workshop
from bench.candidates.handcart import READ, Prepared, postgresql, sqlite, token_request, url_of
from bench.databases import Copy
from bench.linking import Linking
from bench.processes import HOST, ROOT, Launch


def on_sqlite(workshop: Workshop, workers: int) -> Candidate:
    return _candidate(workshop, "sqlite", workers, sqlite(workshop))


def on_postgresql(workshop: Workshop, workers: int) -> Candidate:
    return _candidate(workshop, "postgresql", workers, postgresql(workshop))


def launch(plan: FlowPlan, workers: int, copy: Copy, port: int, **environment: str) -> Launch:
    """The limit program on a copy."""
    uvicorn = ["--host", HOST, "--port", str(port), "--workers", str(workers), "--loop", "uvloop"]
    uvicorn += ["--http", "httptools", "--ws", "none", "--no-access-log", "--log-level", "warning"]
    uvicorn += ["--lifespan", "on"]  # what cannot be recorded ends the program, with its error in the log
    return Launch(
        command=[sys.executable, "-m", "uvicorn", *uvicorn, "bench.limit.app:app"],
        live_path="/live",
        environment={"BENCH_DATABASE": url_of(copy), "HANDCART_SECRET_KEY": plan.secret_key, **environment},
        directory=ROOT,
    )


def _candidate(workshop: Workshop, kind: str, workers: int, prepared: Prepared) -> Candidate:
    return Candidate(
        name=f"limit-{kind}-{workers}",
        kind="limit",
        about=f"bare ASGI under the same uvicorn, the same SQL on {kind} and nothing else",
        workers=workers,
        rival=f"handcart-{kind}-{workers}",
        database=prepared.database,
        launch=lambda copy, port: launch(prepared.plan, workers, copy, port),
        part=Linking(
            token=token_request(prepared.plan),
            wrong_secret=token_request(prepared.plan, "wrong"),
            read=READ,
            links=workshop.scale.links,
        ),
    )
