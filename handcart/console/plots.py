"""Plots as SVG, drawn by the server. Colours are those of the page, so a plot is light or dark as the page is.

The figures stand in a table on the same page: a plot names itself by its title and description for those who hear it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _HEIGHT = 640, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 8, 12, 26
_BAR = 26


class Point(Struct, frozen=True):
    """A figure: its name, its value, and the value as people read it. None: there is none."""

    name: str
    value: float | None
    text: str


def columns(key: str, title: str, description: str, points: Sequence[Point], most: str) -> "Markup":
    """A column for each point, from left to right. `key`: unique on the page. `most`: the text of the largest value."""
    top, step = _scale(points)
    shapes = [
        _shape(
            "<rect x='{}' y='{}' width='{}' height='{}'><title>{}: {}</title></rect>",
            round(_LEFT + step * place + step * 0.12, 1),
            round(_y(point.value, top), 1),
            round(step * 0.76, 1),
            round(_HEIGHT - _BOTTOM - _y(point.value, top), 1),
            point.name,
            point.text,
        )
        for place, point in enumerate(points)
        if point.value
    ]
    return _plot(key, title, description, points, most, shapes)


def line(key: str, title: str, description: str, points: Sequence[Point], most: str) -> "Markup":
    """A line through the points, with a gap where there is no value. `key` and `most` as in `columns`."""
    top, step = _scale(points)
    path, is_drawn = "", False
    dots = []
    for place, point in enumerate(points):
        if point.value is None:
            is_drawn = False
            continue
        x, y = round(_LEFT + step * (place + 0.5), 1), round(_y(point.value, top), 1)
        path += f"{'L' if is_drawn else 'M'}{x} {y}"
        is_drawn = True
        dots.append(
            _shape("<circle cx='{}' cy='{}' r='3'><title>{}: {}</title></circle>", x, y, point.name, point.text)
        )
    return _plot(key, title, description, points, most, [_shape("<path d='{}'/>", path), *dots])


def bars(key: str, title: str, description: str, points: Sequence[Point]) -> "Markup":
    """A bar for each point, from top to bottom, with its name and its text. `key`: unique on the page."""
    top, _ = _scale(points)
    height, start = _BAR * len(points) + 4, 200
    shapes = []
    for place, point in enumerate(points):
        y, length = _BAR * place + 4, (point.value or 0) / top * (_WIDTH - start - 90)
        shapes.append(
            _shape(
                "<text x='{}' y='{}' text-anchor='end'>{}</text><rect x='{}' y='{}' width='{}' height='{}'/>"
                "<text x='{}' y='{}'>{}</text>",
                *(start - 8, y + 15, point.name if len(point.name) < 28 else f"{point.name[:26]}…"),
                *(start, y, round(length, 1), _BAR - 6, round(start + length + 6, 1), y + 15, point.text),
            )
        )
    return _svg(key, title, description, height, shapes)


def _scale(points: Sequence[Point]) -> tuple[float, float]:
    """The largest value, and the width of a column."""
    values = [point.value for point in points if point.value is not None]
    return max([*values, 0]) or 1, (_WIDTH - _LEFT - _RIGHT) / max(len(points), 1)


def _y(value: float | None, top: float) -> float:
    return _HEIGHT - _BOTTOM - (value or 0) / top * (_HEIGHT - _TOP - _BOTTOM)


def _plot(
    key: str, title: str, description: str, points: Sequence[Point], most: str, shapes: "Sequence[Markup]"
) -> "Markup":
    floor = _HEIGHT - _BOTTOM
    grid = [
        _shape("<line class='grid' x1='{}' x2='{}' y1='{}' y2='{}'/>", _LEFT, _WIDTH - _RIGHT, y, y)
        for y in (_TOP, floor)
    ]
    texts = [
        _shape("<text x='{}' y='{}' text-anchor='end'>{}</text>", _LEFT - 6, y + 4, text)
        for y, text in ((_TOP, most), (floor, "0"))
    ]
    if points:
        for x, anchor, point in ((_LEFT, "start", points[0]), (_WIDTH - _RIGHT, "end", points[-1])):
            texts.append(_shape("<text x='{}' y='{}' text-anchor='{}'>{}</text>", x, _HEIGHT - 6, anchor, point.name))
    return _svg(key, title, description, _HEIGHT, [*grid, *shapes, *texts])


def _svg(key: str, title: str, description: str, height: int, shapes: "Sequence[Markup]") -> "Markup":
    from markupsafe import Markup

    inner = Markup("").join(shapes)
    return _shape(
        "<svg class='plot' role='img' viewBox='0 0 {} {}' aria-labelledby='{}-title {}-desc'>"
        "<title id='{}-title'>{}</title><desc id='{}-desc'>{}</desc>{}</svg>",
        *(_WIDTH, height, key, key, key, title, key, description, inner),
    )


def _shape(text: str, *values: object) -> "Markup":
    from markupsafe import Markup

    return Markup(text).format(*values)  # noqa: S704 (the values are escaped)
