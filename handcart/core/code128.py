"""Code 128 barcodes as SVG (ISO/IEC 15417): code set B for text, code set C for an even number of digits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

# The widths of bars and spaces, in turn, of each symbol by its value; the last one is the stop symbol.
PATTERNS: Sequence[str] = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112
""".split()  # noqa: SIM905 (a list would take a page)
START_B, START_C, STOP = 104, 105, 106
_CHECK = 103
#: The light margin on both sides that scanners need, in modules.
QUIET = 10
HEIGHT = 48
_FIRST, _LAST = " ", "~"


def is_possible(text: str) -> bool:
    """Whether a text can be written with code set B: ASCII without control characters."""
    return bool(text) and all(_FIRST <= one <= _LAST for one in text)


def symbols(text: str) -> list[int]:
    """The values of the symbols: start, data, check, stop. Raises ValueError for other characters than ASCII."""
    if not is_possible(text):
        raise ValueError(f"Code 128 cannot be made of {text!r}")
    if text.isdecimal() and len(text) % 2 == 0:
        data = [START_C, *(int(text[place : place + 2]) for place in range(0, len(text), 2))]
    else:
        data = [START_B, *(ord(one) - ord(_FIRST) for one in text)]
    check = (data[0] + sum(place * value for place, value in enumerate(data[1:], 1))) % _CHECK
    return [*data, check, STOP]


def svg(text: str) -> "Markup":
    """The code as an inline SVG, black on white, one unit for each module. A page must name it for screen readers."""
    from markupsafe import Markup

    bars, place = [], QUIET
    for value in symbols(text):
        for number, width in enumerate(map(int, PATTERNS[value])):
            if number % 2 == 0:
                bars.append(f"M{place} 0h{width}v{HEIGHT}h-{width}z")
            place += width
    wide = place + QUIET
    return Markup(  # noqa: S704 (numbers only)
        f'<svg viewBox="0 0 {wide} {HEIGHT}" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{wide}v{HEIGHT}h-{wide}z"/><path fill="#000" d="{"".join(bars)}"/></svg>'
    )
