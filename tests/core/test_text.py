"""Texts of strangers lose what nobody sees."""

from hypothesis import given
from hypothesis import strategies as st

from handcart.core.text import visible

_HIDDEN = "\u202e\u2066\u200b\u2060\ufeff\x00\x1b\u2028\U000e0041"


def test_characters_that_nobody_sees_then_they_are_gone() -> None:
    assert visible(f"a{_HIDDEN}b", 100, lines=True) == "ab"
    assert visible(" a \n b\t\r\nc ", 100) == "a b c"
    assert visible("a\r\nb\rc\n\n", 100, lines=True) == "a\nb\nc"
    hindi_and_persian = "\u0915\u094d\u200d\u0937 \u0645\u06cc\u200c\u062e"
    assert visible(hindi_and_persian, 100) == hindi_and_persian


@given(st.text(st.characters(), max_size=60), st.integers(1, 30), st.booleans())
def test_any_text_then_it_is_short_and_can_be_sent(text: str, most: int, lines: bool) -> None:
    made = visible(text, most, lines=lines)
    assert len(made) <= most
    made.encode()
    assert visible(made, most, lines=lines) == made
    assert lines or "\n" not in made
