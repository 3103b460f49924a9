"""The contrast of the pages' colours: WCAG 2.2, 1.4.3 (text 4.5) and 1.4.11 (borders of controls and focus 3)."""

import re
from itertools import product
from pathlib import Path

import pytest

from handcart.core.web import pages

ROOT = Path(pages.__file__).parents[2]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT_PAIRS = [
    *product(["text", "soft", "brand", "brand-hover"], ["page", "card", "quiet"]),
    *product(["text", "soft"], ["code"]),
    ("text", "danger-quiet"),
    ("danger-hover", "danger-quiet"),
    ("danger", "card"),
    ("danger-hover", "card"),
    ("on-brand", "brand"),
    ("on-brand", "brand-hover"),
]
EDGE_PAIRS = [*product(["edge", "focus"], ["page", "card"]), ("danger", "card"), ("brand", "quiet")]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_then_enough_contrast(scheme: int) -> None:
    sheet = (ROOT / "core/web/static/handcart.css").read_text("utf-8")
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[scheme])
    )
    low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXT_PAIRS}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in EDGE_PAIRS}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 3} == {}
