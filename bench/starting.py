"""The third part: the time from start to the first response, and the memory after the first work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import Request, Window
from bench.session import Session

START = "start"
CONNECTIONS = 4


@dataclass(frozen=True)
class Starting:
    """Requests the path that showed that the server runs, so that its memory is that of a working server."""

    live_path: str

    @property
    def operations(self) -> Sequence[str]:
        return [START]

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        yield START, session.measured(session.loading(START, [Request("GET", self.live_path)], CONNECTIONS))
