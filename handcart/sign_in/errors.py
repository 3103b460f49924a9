"""Refusals of sign-ins."""


class SignInRefused(Exception):
    """Sign-in did not succeed: `retry_after` is 0 for wrong credentials, else the seconds to wait."""

    def __init__(self, retry_after: int = 0) -> None:
        super().__init__("sign-in refused")
        self.retry_after = retry_after
