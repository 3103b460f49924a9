"""Refusals of operator's commands about accounts, and of sign-ins."""


class Refused(ValueError):
    """An operator's command was refused. The text says what to change."""


class SignInRefused(Exception):
    """Sign-in did not succeed: `retry_after` is 0 for wrong credentials, else the seconds to wait."""

    def __init__(self, retry_after: int = 0) -> None:
        super().__init__("sign-in refused")
        self.retry_after = retry_after
