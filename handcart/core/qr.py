"""QR codes of links: as SVG for pages, as text for terminals."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup
    from segno import QRCode


def svg(text: str, *, has_size: bool = True) -> "Markup":
    """The code as an inline SVG, black on white in light and dark pages. A page must name it for screen readers.

    Without a size of its own, the page's stylesheet gives it one.
    """
    from markupsafe import Markup

    drawn = _code(text).svg_inline(scale=5, light="#fff", omitsize=not has_size)
    return Markup(drawn)  # noqa: S704 (modules of the code, no text)


def terminal(text: str) -> str:
    """The code in lines of block characters, two modules high each."""
    lines = io.StringIO()
    _code(text).terminal(lines, compact=True)
    return lines.getvalue().rstrip("\n")


def _code(text: str) -> "QRCode":
    import segno  # loaded when the first code is drawn, for a faster start

    return segno.make(text, error="m", micro=False)
