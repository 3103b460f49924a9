"""One visit to one candidate: fresh copy, fresh process, check, then every operation in turn, then memory."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.candidates import Candidate, Workshop
from bench.load import Window
from bench.measure import Memory, memory
from bench.processes import free_port, server_cores, serving
from bench.session import Session


@dataclass(frozen=True)
class Visit:
    """The results of one visit. `windows` and `memory` (read at the end of the window): by operation."""

    first_answer_seconds: float
    windows: dict[str, Window]
    memory: dict[str, Memory]


def visit(candidate: Candidate, workshop: Workshop, *, seconds: float, seed: int, done: Callable[[str], None]) -> Visit:
    """Measure one candidate once; calls `done` after each operation."""
    log = workshop.directory / "logs" / f"{candidate.name}.log"
    log.parent.mkdir(exist_ok=True)
    with candidate.database.copy() as copy:
        port = free_port()
        launch = candidate.launch(copy, port)
        with serving(launch, port, cores=server_cores(candidate.workers), log=log) as running:
            session = Session(candidate.name, candidate.workers, workshop.directory, copy, running, seconds, seed)
            found = Visit(running.first_answer_seconds, {}, {})
            for operation, window in candidate.part.windows(session):
                found.windows[operation] = window
                found.memory[operation] = memory(running.pid)
                done(operation)
            return found
