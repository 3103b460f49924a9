"""Code 128 against the table and the examples of the standard (ISO/IEC 15417)."""

import re

import pytest

from handcart.core.code128 import HEIGHT, PATTERNS, QUIET, START_B, START_C, STOP, is_possible, svg, symbols


def test_patterns_then_each_is_unique_and_has_the_widths_of_the_standard() -> None:
    assert len(PATTERNS) == STOP + 1 == len(set(PATTERNS))
    for value, pattern in enumerate(PATTERNS[:STOP]):
        widths = [int(one) for one in pattern]
        assert (len(widths), sum(widths)) == (6, 11), value
        assert sum(widths[::2]) % 2 == 0, value  # dark modules: their parity is even
    assert PATTERNS[STOP] == "2331112"
    # Samples of the standard's table: space, 0, A, a, 99, the three starts.
    known = {0: "212222", 16: "123122", 33: "111323", 65: "121124", 99: "113141", START_B: "211214", START_C: "211232"}
    assert {value: PATTERNS[value] for value in known} == known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wikipedia", [104, 55, 73, 75, 73, 80, 69, 68, 73, 65, 88, 106]),
        ("PJJ123C", [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]),
        ("123456", [105, 12, 34, 56, 44, 106]),
        ("K482-1", [104, 43, 20, 24, 18, 13, 17, 86, 106]),
    ],
)
def test_text_is_coded_then_start_data_check_and_stop(text: str, expected: list[int]) -> None:
    found = symbols(text)
    check = (found[0] + sum(place * value for place, value in enumerate(found[1:-2], 1))) % 103
    assert (found, check) == (expected, expected[-2])


def test_drawing_is_read_back_then_the_modules_of_the_symbols() -> None:
    text = "A3-17"
    drawn = str(svg(text))
    bars = [(int(place), int(width)) for place, width in re.findall(r"M(\d+) 0h(\d+)v", drawn)][1:]
    wide = int(re.findall(r'viewBox="0 0 (\d+) ', drawn)[0])
    dark = "".join("1" if any(x <= at < x + width for x, width in bars) else "0" for at in range(wide))
    modules = "".join(
        ("1" if place % 2 == 0 else "0") * int(width)
        for value in symbols(text)
        for place, width in enumerate(PATTERNS[value])
    )
    assert dark == "0" * QUIET + modules + "0" * QUIET
    assert f'0 {HEIGHT}"' in drawn


@pytest.mark.parametrize("text", ["", "é", "a\nb", "\x7f"])
def test_text_has_other_characters_then_refused(text: str) -> None:
    assert not is_possible(text)
    with pytest.raises(ValueError, match="Code 128"):
        symbols(text)
