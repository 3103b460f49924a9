"""What pages and endpoints see of pending requests and tokens."""

from typing import Any

from msgspec import Struct

from handcart.core import clock


class PendingRequest(Struct, frozen=True):
    """An authorization request that waits for its customer. `step` counts the forms posted for it."""

    id: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str | None
    step: int

    @property
    def form(self) -> tuple[str, str]:
        """The subject of the form token that the next form of this request must bring back."""
        return self.id, str(self.step)


class IssuedToken(Struct, frozen=True):
    """A new token; times in microseconds."""

    access_token: str
    scope: str
    created_at: int
    expires_at: int

    def parameters(self) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749 section 5.1); times in seconds."""
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": (self.expires_at - self.created_at) // clock.SECOND,
            "scope": self.scope,
            "created_at": self.created_at // clock.SECOND,
        }


class LinkingToken(Struct, frozen=True):
    """A linking token that was claimed, or was claimed before when `was_used`."""

    account_id: int
    token_hash: bytes
    was_used: bool
