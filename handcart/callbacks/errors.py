"""What is refused about callbacks, over the API and on the command line alike."""


class Refused(Exception):
    """A configuration that cannot be; `key` is the field it is about. The text says what to change."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(text)
        self.key = key


class Unknown(Exception):
    """A webhook or an event that the retailer does not have; the text says which."""
