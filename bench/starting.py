"""The third part: how soon a server answers once it is started, and what memory it takes for its first work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import Request, Window
from bench.session import Session

START = "start"
CONNECTIONS = 4


@dataclass(frozen=True)
class Starting:
    """Asked for the one path that showed that it runs, so that its memory is that of a server at work."""

    live_path: str

    @property
    def operations(self) -> Sequence[str]:
        return [START]

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        yield START, session.measured(session.loading(START, [Request("GET", self.live_path)], CONNECTIONS))
