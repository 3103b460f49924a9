"""The documented bodies of the OAuth endpoints.

Sources: https://docs.instacart.com/connect/api/access_tokens,
https://docs.instacart.com/connect/api/oauth/revoke_access_token, RFC 7662, RFC 8414.
"""

from typing import Annotated

from msgspec import Meta, Struct


class TokenRequest(Struct):
    """Asked of the token endpoint, as JSON or as a form."""

    grant_type: Annotated[str, Meta(description="client_credentials, authorization_code or fulfillment_user_assertion")]
    client_id: str
    client_secret: str
    scope: Annotated[str | None, Meta(description="Apart by comma or space; absent: all that the client may have")] = (
        None
    )
    code: Annotated[str | None, Meta(description="Authorization code, for authorization_code")] = None
    redirect_uri: Annotated[str | None, Meta(description="As in the authorization step, for authorization_code")] = None
    code_verifier: Annotated[str | None, Meta(description="PKCE verifier (RFC 7636)")] = None
    assertion: Annotated[
        str | None, Meta(description='Base64 of {"user_id": "..."}, for fulfillment_user_assertion')
    ] = None


class TokenResponse(Struct):
    """A new token; times in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    created_at: int


class TokenReference(Struct):
    """A token and the client it was issued to."""

    client_id: str
    client_secret: str
    token: str


class Empty(Struct):
    """`{}`"""


class IntrospectionResponse(Struct, omit_defaults=True):
    """RFC 7662 section 2.2; only `active` for a token that is not alive and the caller's own. Times in seconds."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: str | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    iss: str | None = None


class ServerMetadata(Struct):
    """RFC 8414 section 2."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    ui_locales_supported: list[str]
    authorization_response_iss_parameter_supported: bool


class OAuthErrorResponse(Struct):
    """RFC 6749 section 5.2."""

    error: str
    error_description: str
