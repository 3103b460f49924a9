"""The data of events that other domains use."""

from msgspec import Struct


class Event(Struct, kw_only=True):
    """A stored event. `name` is the name of its kind; `body` is what receivers get."""

    event_id: int
    name: str
    subject: str
    body: str
    created_at: int
