"""The checks of an authorization request, in order.

Failures before client and redirect URI are verified show an error page; later failures are redirected to the client.
"""

import re
from collections.abc import Awaitable, Callable

from msgspec import Struct

from handcart.core.db import Tx
from handcart.core.errors import OAuthError
from handcart.core.web.browser import PageRefused
from handcart.oauth import errors, scopes
from handcart.retailers import clients
from handcart.retailers.models import Client

MOST_STATE_BYTES = 2048
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Rejected(Exception):
    """An error that is sent to the client by redirect."""

    def __init__(self, request: "Request", error: OAuthError) -> None:
        super().__init__(error.error)
        self.request = request
        self.error = error


class Request(Struct):
    """An authorization request during its checks, which fill in the fields."""

    pairs: list[tuple[str, str]]
    parameters: dict[str, str] = {}
    client: Client = None  # type: ignore[assignment]
    redirect_uri: str = ""
    scope: str = ""
    state: str | None = None
    code_challenge: str | None = None

    @property
    def client_id(self) -> str:
        return self.client.client_id

    def repeats(self, *names: str) -> bool:
        """Whether one of these parameters is repeated; without names, any parameter."""
        given = [name for name, _ in self.pairs if not names or name in names]
        return len(given) != len(set(given))


async def check(tx: Tx, pairs: list[tuple[str, str]]) -> Request:
    """Check a request; returns it or raises `PageRefused` or `Rejected`."""
    request = Request(pairs, dict(pairs))
    for rule in RULES:
        await rule(tx, request)
    return request


async def client_is_known(tx: Tx, request: Request) -> None:
    if request.repeats("client_id", "redirect_uri"):
        raise PageRefused(400, "invalid_request")
    client = await clients.find(tx, request.parameters.get("client_id", ""))
    if client is None or client.is_disabled:
        raise PageRefused(400, "unknown_client")
    request.client = client


async def redirect_uri_is_registered(tx: Tx, request: Request) -> None:
    registered = await clients.redirect_uris(tx, request.client.client_id)
    given = request.parameters.get("redirect_uri")
    if given is None and len(registered) == 1:
        given = registered[0]
    if given not in registered:
        raise PageRefused(400, "redirect_uri_mismatch")
    request.redirect_uri = given


async def parameters_are_single(tx: Tx, request: Request) -> None:
    if request.repeats():
        raise Rejected(request, errors.invalid_request("A parameter is included more than once."))


async def state_is_sound(tx: Tx, request: Request) -> None:
    state = request.parameters.get("state")
    if state is not None and len(state.encode()) > MOST_STATE_BYTES:
        raise Rejected(request, errors.invalid_request(f"state may have at most {MOST_STATE_BYTES} bytes."))
    request.state = state
    if not state and request.client.require_state:
        raise Rejected(request, errors.missing_parameter("state"))


async def response_type_is_code(tx: Tx, request: Request) -> None:
    response_type = request.parameters.get("response_type")
    if not response_type:
        raise Rejected(request, errors.missing_parameter("response_type"))
    if response_type != "code":
        raise Rejected(request, errors.unsupported_response_type())


async def scope_is_allowed(tx: Tx, request: Request) -> None:
    if not scopes.allowed(scopes.AUTHORIZATION_CODE, request.client.scopes):
        raise Rejected(request, errors.unauthorized_client())
    asked = request.parameters.get("scope")
    scope = scopes.granted(scopes.AUTHORIZATION_CODE, request.client.scopes, asked)
    if scope is None:
        raise Rejected(request, errors.invalid_scope())
    request.scope = scope


async def challenge_is_s256(tx: Tx, request: Request) -> None:
    challenge = request.parameters.get("code_challenge")
    method = request.parameters.get("code_challenge_method")
    if challenge is None and method is None:
        if request.client.require_pkce:
            raise Rejected(request, errors.missing_parameter("code_challenge"))
        return
    if method != "S256" or not _CHALLENGE.fullmatch(challenge or ""):
        raise Rejected(request, errors.invalid_request("code_challenge must be 43 characters with method S256."))
    request.code_challenge = challenge


async def prompt_can_be_kept(tx: Tx, request: Request) -> None:
    # The customer is always asked, so `prompt=none` cannot be served (OpenID Connect Core 3.1.2.6).
    if "none" in request.parameters.get("prompt", "").split():
        raise Rejected(request, OAuthError(400, "interaction_required", "The customer must be asked."))


RULES: tuple[Callable[[Tx, Request], Awaitable[None]], ...] = (
    client_is_known,
    redirect_uri_is_registered,
    parameters_are_single,
    state_is_sound,
    response_type_is_code,
    scope_is_allowed,
    challenge_is_s256,
    prompt_can_be_kept,
)
