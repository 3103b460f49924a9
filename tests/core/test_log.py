"""Logs: one JSON object per line, with any content."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from handcart.core import log

HOSTILE = 'a\r\n{"level":"error","event":"forged"}\u2028\x1b[2J\x00\u0085"}'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    kept = io.StringIO()
    log.to(kept)
    yield kept
    log.to(None)


def test_line_ends_in_the_input_then_one_line_still(stream: io.StringIO) -> None:
    log.info("request", route=HOSTILE, **{HOSTILE: 1})
    log.warning(HOSTILE, cause=HOSTILE)
    written = stream.getvalue()
    assert written.count("\n") == 2
    assert "\r" not in written
    assert "\x1b" not in written
    first, second = (json.loads(line) for line in written.split("\n")[:2])
    assert (first["event"], first["route"], first["level"]) == ("request", HOSTILE, "info")
    assert (second["event"], second["level"]) == (HOSTILE, "warning")


def test_access_lines_then_gathered_and_one_line_each(stream: io.StringIO) -> None:
    async def answer_three() -> None:
        for number in range(3):
            log.access(method=HOSTILE, number=number)
        assert stream.getvalue() == ""
        log.flush()

    asyncio.run(answer_three())
    found = [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]
    assert [line["number"] for line in found] == [0, 1, 2]
    assert found[0]["method"] == HOSTILE


def test_exception_then_where_it_happened_and_no_values(stream: io.StringIO) -> None:
    def fail(secret: str) -> None:
        raise ValueError(f"cannot read {secret}")

    try:
        fail("the customer's secret")
    except ValueError as error:
        log.exception("request failed", error, request_id="1")
    line = json.loads(stream.getvalue())
    assert (line["level"], line["error"], line["request_id"]) == ("error", "ValueError", "1")
    assert line["frames"][-1].endswith(" fail")
    assert "the customer's secret" not in stream.getvalue()


def test_no_stream_chosen_then_standard_error_as_it_is_by_then(capsys: pytest.CaptureFixture[str]) -> None:
    log.to(None)
    log.info("started", port=1)
    assert json.loads(capsys.readouterr().err)["port"] == 1
    assert sys.stderr is not None


def test_time_then_utc_with_z(stream: io.StringIO) -> None:
    log.info("started")
    assert json.loads(stream.getvalue())["at"].endswith("Z")


def test_stream_cannot_be_written_then_nobody_fails_and_lost_lines_count(stream: io.StringIO) -> None:
    class Volume(io.StringIO):
        """Full at first: a write leaves a part of a line."""

        is_full = True

        def write(self, text: str) -> int:
            if self.is_full:
                super().write(text[:9])
                raise OSError(28, "No space left on device")
            return super().write(text)

    volume = Volume()
    log.to(volume)
    log.warning("lost")
    log.info("lost too")
    volume.is_full = False
    log.info("written")
    log.info("and again")
    *cut, first, second, third = volume.getvalue().splitlines()
    assert cut == ['{"at":"20', '{"at":"2']
    whole = (first, second, third)
    found = [json.loads(line) for line in whole]
    assert [line["event"] for line in found] == ["written", "log lines lost", "and again"]
    assert found[1]["lines"] == 2


def test_library_warns_then_a_json_line_of_its_first_line_alone(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_counted", {})
    handler, logger = log._OfLibraries(), logging.getLogger("tests.library")
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "propagate", False)
    try:
        for _ in range(30):
            logger.warning("Invalid %s received.\nsecond line", "request")
        logger.error("what was at hand: a secret", exc_info=ValueError("a secret"))
    finally:
        logger.removeHandler(handler)
    warned, failed = map(json.loads, stream.getvalue().splitlines())
    assert (warned["event"], warned["logger"], warned["times"]) == ("Invalid request received.", "tests.library", 1)
    assert (failed["level"], failed["event"], failed["error"]) == ("error", "library failed", "ValueError")
    assert "secret" not in stream.getvalue()
