"""Why a picture is refused."""


class PictureRefused(Exception):
    """What was sent is not taken as a picture. `reason`: one of those below; the text is a sentence for the sender."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def not_a_picture() -> PictureRefused:
    """Not a whole JPEG, PNG or WebP."""
    return PictureRefused("not_a_picture", "This is not a whole JPEG, PNG or WebP picture. Take it again.")


def too_many_pixels(most: int) -> PictureRefused:
    """More pixels than are decoded."""
    return PictureRefused("too_many_pixels", f"The picture has more than {most // 1_000_000} megapixels.")


def too_small(least: int) -> PictureRefused:
    """So small that nothing can be seen."""
    return PictureRefused("too_small", f"The picture is smaller than {least} pixels. Take it again.")


def is_animated() -> PictureRefused:
    """It moves, so that one frame would not show what was sent."""
    return PictureRefused("is_animated", "The picture moves. Send one that does not.")


def has_other() -> PictureRefused:
    """The subject has a picture already, made of other bytes."""
    return PictureRefused("has_picture", "There is another picture already, and it stays.")
