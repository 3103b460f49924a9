"""The data of pending requests and tokens that pages and endpoints use."""

from typing import Any

from msgspec import Struct

from handcart.core import clock


class PendingRequest(Struct, frozen=True):
    """An authorization request that waits for the customer. `step`: the number of forms posted for it so far."""

    id: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str | None
    step: int
    expires_at: int

    @property
    def form(self) -> tuple[str, str]:
        """The subject of the form token that the next form of this request must contain."""
        return self.id, str(self.step)


class IssuedToken(Struct, frozen=True):
    """A new token; times in microseconds."""

    access_token: str
    scope: str
    created_at: int
    expires_at: int

    def parameters(self) -> dict[str, Any]:
        """The response of the token endpoint (RFC 6749 section 5.1); times in seconds."""
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": (self.expires_at - self.created_at) // clock.SECOND,
            "scope": self.scope,
            "created_at": self.created_at // clock.SECOND,
        }


class LinkingToken(Struct, frozen=True):
    """A claimed linking token. `was_used`: it had been claimed before."""

    account_id: int
    token_hash: bytes
    was_used: bool
