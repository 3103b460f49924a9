"""Why an operator's command or a sign-in is refused."""


class Refused(ValueError):
    """An operator's command that cannot be done; the text says what to change."""


class SignInRefused(Exception):
    """Sign-in did not succeed: `retry_after` is 0 for wrong credentials, else the seconds to wait."""

    def __init__(self, retry_after: int = 0) -> None:
        super().__init__("sign-in refused")
        self.retry_after = retry_after
