"""What pages and endpoints see of pending requests and tokens."""

from msgspec import Struct


class PendingRequest(Struct, frozen=True):
    """An authorization request that waits for its customer. `step` counts the forms posted for it."""

    id: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str | None
    step: int


class IssuedToken(Struct, frozen=True):
    """A new token; times in microseconds."""

    access_token: str
    scope: str
    created_at: int
    expires_at: int


class LinkingToken(Struct, frozen=True):
    """A linking token that was claimed, or was claimed before when `was_used`."""

    account_id: int
    token_hash: bytes
    was_used: bool
