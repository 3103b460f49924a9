"""Server-sent events as a test reads them."""

from collections.abc import Iterator

# The server writes one every 15 seconds: a test that waits longer for an event fails, and does not wait forever.
_MOST_HEARTBEATS = 2


def versions(lines: Iterator[str]) -> Iterator[str]:
    """The versions that a stream says. Fails if it says nothing new for half a minute."""
    heartbeats = 0
    for line in lines:
        if line.startswith("data: "):
            heartbeats = 0
            yield line.removeprefix("data: ")
        heartbeats += line == ": still here"
        assert heartbeats < _MOST_HEARTBEATS, "the stream says nothing new"
