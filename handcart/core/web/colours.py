"""Colours as `#rrggbb`: their contrast, and others that are made from them (WCAG 2.2, 1.4.3)."""

# Contrast of text with what is behind it.
TEXT = 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share (0 to 1) of another one in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def readable(colour: str, behind: str) -> str:
    """The colour itself if it can be read on `behind`, else the nearest that can, mixed with white or black."""
    towards = "#ffffff" if contrast("#ffffff", behind) > contrast("#000000", behind) else "#000000"
    shades = (mixed(colour, towards, step / 20) for step in range(20))
    return next((one for one in shades if contrast(one, behind) >= TEXT), towards)


def _luminance(colour: str) -> float:
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
