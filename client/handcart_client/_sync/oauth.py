# Generated from ../_async by generate_sync.py: change it there.
"""The OAuth endpoints: tokens, and the browser step of account linking."""

import base64

import msgspec

from ..authorization import with_parameters
from ..errors import UnexpectedResponse
from ..models import Introspection, ServerMetadata, Token
from ..wire import Operation, Retry, read_nothing, reader
from .connection import TOKEN_PATH, Connection


class OAuth:
    """The OAuth endpoints. The client's own token needs no method: calls that use it fetch and keep it.

    Every method may raise any `ConnectError`; `OAuthError` with error "invalid_client" means wrong credentials.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def authorization_url(
        self,
        authorize_url: str,
        *,
        redirect_uri: str,
        state: str,
        code_challenge: str | None = None,
        scope: str = "account_linking",
    ) -> str:
        """The URL to send the customer's browser to. Makes no request.

        Args:
            authorize_url: the login URL that the platform gave to the retailer; a query of its own is kept.
            redirect_uri: exactly as registered; the browser returns there with `code` and `state`, or `error`.
            state: from `new_state`; the redirect back must have the same value, and each value may be used once.
            code_challenge: from `new_pkce`.

        Raises:
            ValueError: `authorize_url` is plain http, not on this machine and not allowed, or `state` is empty.

        https://docs.instacart.com/connect/fulfillment_guide/how_to/link_an_instacart_account
        """
        if not state:
            raise ValueError("state must not be empty: it ties the customer's return to their browser")
        parameters = {
            "response_type": "code",
            "client_id": self._connection.client_id,
            "scope": scope,
            "state": state,
            "redirect_uri": redirect_uri,
        }
        if code_challenge is not None:
            parameters |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
        return with_parameters(authorize_url, parameters, allow_plain_http=self._connection.allow_plain_http)

    def exchange_code(self, code: str, *, redirect_uri: str, code_verifier: str | None = None) -> Token:
        """Exchange the code from the redirect for a linking token. A code works once, for about a minute.

        Args:
            redirect_uri: the same as in `authorization_url`.
            code_verifier: from the same `new_pkce`, if a challenge was sent.

        Raises:
            OAuthError: error "invalid_grant", the code is used, expired or not for this redirect URI.

        Never repeated once sent, not even after 429 or 503: a second use of a code revokes the first token.

        https://docs.instacart.com/connect/api/fulfillment/users/generate_linking_token
        """
        return self._connection.authenticate(
            TOKEN_PATH,
            reader(Token),
            retry=Retry.UNSENT,
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
        )

    def user_token(self, user_id: str, scope: str = "connect:post_checkout") -> Token:
        """A token for one Connect user, for use in their browser. Every call fetches a new one.

        Raises:
            OAuthError: error "invalid_grant" for an unknown user, "invalid_scope".

        Repeated after any temporary failure: a lost response leaves only an unused token.

        https://docs.instacart.com/connect/post-checkout_guide/tutorials/get_an_access_token
        """
        assertion = base64.b64encode(msgspec.json.encode({"user_id": user_id})).decode()
        return self._connection.authenticate(
            TOKEN_PATH,
            reader(Token),
            retry=Retry.SAFE,
            grant_type="fulfillment_user_assertion",
            assertion=assertion,
            scope=scope,
        )

    def revoke(self, token: str) -> None:
        """Revoke a token of this client. Succeeds for unknown or revoked tokens as well.

        Raises:
            OAuthError: error "unauthorized_client", the token belongs to another client.

        Repeated after any temporary failure: revoking twice changes nothing (RFC 7009 section 2.2).

        https://docs.instacart.com/connect/api/oauth/revoke_access_token
        """
        path = "/v2/oauth/token/revoke"
        self._connection.authenticate(path, read_nothing, retry=Retry.SAFE, token=token)

    def introspect(self, token: str) -> Introspection:
        """The server's data about a token of this client. Handcart's own addition (RFC 7662).

        Repeated after any temporary failure: it only reads.
        """
        path = "/v2/oauth/token/introspect"
        return self._connection.authenticate(path, reader(Introspection), retry=Retry.SAFE, token=token)

    def metadata(self) -> ServerMetadata:
        """The server's OAuth metadata (RFC 8414). Handcart's own addition.

        Raises:
            UnexpectedResponse: the document names another issuer than the client's base URL (section 3.3).
        """
        path = "/.well-known/oauth-authorization-server"
        metadata = self._connection.send(
            Operation("GET", path, reader(ServerMetadata), bearer=False, retry=Retry.SAFE),
        )
        if metadata.issuer.rstrip("/") != self._connection.base_url:
            raise UnexpectedResponse(f"the metadata is that of another issuer: {metadata.issuer!r}")
        return metadata
