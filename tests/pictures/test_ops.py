"""Pictures are stored once for each subject, and end with their time."""

import secrets
from typing import Any

import pytest

from handcart.pictures import ops, queries
from handcart.pictures.errors import PictureRefused
from handcart.pictures.models import Encoded, Picture
from tests.support.contents import nothing_written
from tests.support.server import LiveServer


def stored(server: LiveServer, subject: str, sent: bytes = b"sent", days: int = 30) -> tuple[Picture, bool]:
    found: tuple[Picture, bool] = server.write(
        ops.store, subject, ops.hash_of(sent), Encoded(b"jpeg of " + sent, 40, 30), days=days
    )
    return found


@pytest.fixture
def subject() -> str:
    return f"act/1/{secrets.token_hex(8)}"


def test_picture_is_stored_then_it_is_found_with_its_content(server: LiveServer, subject: str) -> None:
    picture, is_new = stored(server, subject)
    assert (is_new, picture.width, picture.height) == (True, 40, 30)
    assert server.read(queries.find, picture.id) == server.read(queries.of_subject, subject) == picture
    assert server.read(queries.jpeg, picture) == b"jpeg of sent"
    assert server.read(queries.find, "unknown") is None


def test_same_bytes_again_then_the_same_picture_and_others_are_refused(server: LiveServer, subject: str) -> None:
    picture, _ = stored(server, subject)
    with nothing_written(server):
        assert stored(server, subject) == (picture, False)
        with pytest.raises(PictureRefused) as refused:
            stored(server, subject, b"other bytes")
    assert refused.value.reason == "has_picture"


def test_time_of_a_picture_ends_then_it_is_gone(server: LiveServer, subject: str, later: Any) -> None:
    picture, _ = stored(server, subject, days=2)
    kept, _ = stored(server, f"{subject}-kept", days=4)
    with later(days=3):
        assert server.read(queries.find, picture.id) is None
        assert server.read(queries.of_subject, subject) is None
        while server.write(ops.purge, 1):
            pass
        assert server.sql("SELECT id FROM pictures WHERE id = $1", picture.id) == []
        assert server.read(queries.find, kept.id) == kept
