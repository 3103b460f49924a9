"""Requests and responses of the two endpoints, independent of the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

Headers = Mapping[str, str]
"""Headers by lower-case name; repeated headers are joined by commas."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. The body may contain a token."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class Endpoint(Protocol):
    """An endpoint that `asgi` and `wsgi` serve.

    body_limit: maximum bytes of a body; larger ones are refused with 413.
    """

    body_limit: int

    @property
    def is_async(self) -> bool:
        """Whether only `answer_async` can be used."""
        ...

    def agreement(self, headers: Headers) -> Answer:
        """The response to OPTIONS, by which a platform asks whether it may send events."""
        ...

    def refusal(self, headers: Headers) -> Answer | None:
        """The refusal if a request can be refused before its body is read."""
        ...

    def answer(self, headers: Headers, body: bytes) -> Answer: ...

    async def answer_async(self, headers: Headers, body: bytes) -> Answer: ...


def only_post() -> Answer:
    """The response to other methods than POST."""
    return refused(405, "only POST is answered here", Allow="POST")


def json_answer(status: int, content: Mapping[str, Any], **headers: str) -> Answer:
    named = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, msgspec.json.encode(content), (("Content-Type", "application/json"), *named))


def refused(status: int, error: str, **headers: str) -> Answer:
    """A refusal. The text is for people who read the sender's log."""
    return json_answer(status, {"error": error}, **headers)
