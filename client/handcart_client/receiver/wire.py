"""What the two endpoints get and give, whatever serves them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

Headers = Mapping[str, str]
"""By lower-case name; a header that came twice has both values, joined by a comma."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. The body may hold a token."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class Endpoint(Protocol):
    """What `asgi` and `wsgi` serve.

    body_limit: bytes of a body; larger ones are refused with 413.
    """

    body_limit: int

    @property
    def is_async(self) -> bool:
        """Only `answer_async` can be used."""
        ...

    def agreement(self, headers: Headers) -> Answer:
        """The answer to OPTIONS, by which a platform asks whether it may send events."""
        ...

    def refusal(self, headers: Headers) -> Answer | None:
        """What can be refused before the body is read."""
        ...

    def answer(self, headers: Headers, body: bytes) -> Answer: ...

    async def answer_async(self, headers: Headers, body: bytes) -> Answer: ...


def only_post() -> Answer:
    """The refusal of other methods."""
    return refused(405, "only POST is answered here", Allow="POST")


def json_answer(status: int, content: Mapping[str, Any], **headers: str) -> Answer:
    named = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, msgspec.json.encode(content), (("Content-Type", "application/json"), *named))


def refused(status: int, error: str, **headers: str) -> Answer:
    """A refusal. The text is for people who read the sender's log."""
    return json_answer(status, {"error": error}, **headers)
