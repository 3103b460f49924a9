"""Refusals of sign-ins."""


class SignInRefused(Exception):
    """Sign-in did not succeed: `retry_after` is 0 for wrong credentials, else the seconds to wait."""

    def __init__(self, retry_after: int = 0) -> None:
        super().__init__("sign-in refused")
        self.retry_after = retry_after


class PasskeyRefused(Exception):
    """A passkey that is not accepted.

    `reason`: `invalid` (the response fits neither challenge nor passkey), `too_late`, `unknown` (no passkey of this
    audience), `copied` (its counter did not rise), `known` (registered before) or `too_many`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"passkey refused: {reason}")
        self.reason = reason
