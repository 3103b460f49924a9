"""The hours of a weekday as people write them."""

from handcart.stores import hours

DAYS = {
    "": [],
    " ": [],
    "8:00-22:00": [[480, 1320]],
    "08:00 \u2013 22:00": [[480, 1320]],
    "13:00-18:00, 8:00-12:00": [[480, 720], [780, 1080]],
    "0:00-24:00": [[0, 1440]],
    "0:00-23:59": [[0, 1440]],
}
WRONG = (
    "8-22",
    "22:00-2:00",
    "8:00-8:00",
    "8:60-9:00",
    "8:00-25:00",
    "8:00-12:00, 11:00-13:00",
    "always",
    "8:00-9:00" * 30,
)


def test_hours_written_then_read_in_order() -> None:
    assert {text: hours.of_text(text) for text in DAYS} == DAYS
    assert hours.to_text([[480, 720], [780, 1440]]) == "8:00-12:00, 13:00-24:00"


def test_hours_that_cannot_be_then_refused() -> None:
    accepted = []
    for text in WRONG:
        try:
            hours.of_text(text)
            accepted.append(text)
        except ValueError:
            pass
    assert not accepted
