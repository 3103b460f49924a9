"""The data of pictures that other domains use."""

from msgspec import Struct


class Encoded(Struct, frozen=True):
    """A JPEG that was made here: upright, without metadata, at most `encoding.LONGEST_SIDE` pixels long and high."""

    jpeg: bytes
    width: int
    height: int


class Picture(Struct, frozen=True):
    """A stored picture without its pixels. `content_hash`: the hash of the bytes that were sent."""

    id: str
    subject: str
    content_hash: bytes
    width: int
    height: int
    created_at: int
    expires_at: int


def subject_of_act(person_id: int, act_id: str) -> str:
    """The subject of the picture that belongs to a shopper's act."""
    return f"act/{person_id}/{act_id}"
