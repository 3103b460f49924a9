"""The documented bodies of the OAuth endpoints.

Sources: https://docs.instacart.com/connect/api/access_tokens,
https://docs.instacart.com/connect/api/oauth/revoke_access_token, RFC 7662, RFC 8414.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

Parameter = Annotated[str, Meta(min_length=1, pattern=r"^[^\x00]+$")]
Scope = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=r"^[ ,]*[!#-+\--\[\]-~][ !#-\[\]-~]*$",
        description="Separated by commas or spaces. Default: all that the client may have for this grant",
    ),
]
_CREDENTIALS = {"client_id": "<client_id>", "client_secret": "<client_secret>"}
_LINKING_TOKEN = "l0ebkrG2JAXEuNI9UBpWXO-yC7asltvuyw4RjELk3Hc"  # noqa: S105 (the documentation's sample)


class Credentials(Struct):
    """The client's credentials. HTTP Basic may replace both fields (RFC 6749 section 2.3.1)."""

    client_id: Parameter
    client_secret: Annotated[Parameter, Meta(extra_json_schema={"format": "password"})]


class ClientCredentialsRequest(Credentials, kw_only=True, tag_field="grant_type", tag="client_credentials"):
    """A token for server-side calls."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "An access token": {"grant_type": "client_credentials", **_CREDENTIALS, "scope": "connect:fulfillment"}
    }

    scope: Scope | None = None


class AuthorizationCodeRequest(Credentials, kw_only=True, tag_field="grant_type", tag="authorization_code"):
    """A linking token for a customer who agreed. A code works once, within 60 seconds."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A linking token": {
            "grant_type": "authorization_code",
            **_CREDENTIALS,
            "code": "9fa2bd7ccbac330c19f7417404b7457de06f9fcbf99458bd67cd5f0eebb982f2",
            "redirect_uri": "https://example.org",
        }
    }

    code: Annotated[Parameter, Meta(description="The authorization code that the redirect URI received")]
    redirect_uri: Annotated[
        Parameter, Meta(description="The same as in the authorization step", extra_json_schema={"format": "uri"})
    ]
    code_verifier: Annotated[
        str | None,
        Meta(
            description="PKCE (RFC 7636): required exactly if the authorization step had a code_challenge",
            extra_json_schema={"pattern": "^[A-Za-z0-9._~-]{43,128}$"},
        ),
    ] = None


class UserAssertionRequest(Credentials, kw_only=True, tag_field="grant_type", tag="fulfillment_user_assertion"):
    """A token for one user."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A user's token": {
            "grant_type": "fulfillment_user_assertion",
            **_CREDENTIALS,
            "assertion": "eyJ1c2VyX2lkIjogIjM4YjE1ZGQwLTE1MGQtNDBjZi05YzhhLTk2M2IwZTZjNmI5ZiJ9",
            "scope": "connect:post_checkout",
        }
    }

    assertion: Annotated[Parameter, Meta(description='Base64 of {"user_id": "..."}, an existing user')]
    scope: Scope | None = None


TokenRequest = ClientCredentialsRequest | AuthorizationCodeRequest | UserAssertionRequest


class TokenResponse(Struct):
    """A new token. Times are in seconds."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A linking token": {
            "access_token": _LINKING_TOKEN,
            "token_type": "Bearer",
            "expires_in": 86400,
            "scope": "account_linking",
            "created_at": 1615821019,
        }
    }

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(ge=1, description="Lifetime")]
    scope: Annotated[str, Meta(description="Separated by spaces")]
    created_at: Annotated[int, Meta(description="Seconds since 1970")]


class TokenReference(Credentials, kw_only=True):
    """A token and the client it was issued to."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A token": {**_CREDENTIALS, "token": _LINKING_TOKEN}}

    token: Parameter


class IntrospectionResponse(Struct, omit_defaults=True):
    """RFC 7662 section 2.2.

    For a token that is expired, revoked or belongs to another client, the answer is only `{"active": false}`.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Active": {
            "active": True,
            "scope": "connect:fulfillment",
            "client_id": "<client_id>",
            "token_type": "Bearer",
            "exp": 1615907419,
            "iat": 1615821019,
            "iss": "https://connect.example.org",
        },
        "Expired, revoked, or another client's": {"active": False},
    }

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: Literal["Bearer"] | None = None
    exp: int | None = None
    iat: int | None = None
    sub: Annotated[str | None, Meta(description="The user that the token is for")] = None
    iss: Annotated[str | None, Meta(extra_json_schema={"format": "uri"})] = None


Uri = Annotated[str, Meta(extra_json_schema={"format": "uri"})]


class ServerMetadata(Struct):
    """RFC 8414 section 2."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A server": {
            "issuer": "https://connect.example.org",
            "authorization_endpoint": "https://connect.example.org/oauth/authorize",
            "token_endpoint": "https://connect.example.org/v2/oauth/token",
            "revocation_endpoint": "https://connect.example.org/v2/oauth/token/revoke",
            "introspection_endpoint": "https://connect.example.org/v2/oauth/token/introspect",
            "scopes_supported": ["connect:fulfillment", "account_linking"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["client_credentials", "authorization_code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "revocation_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "ui_locales_supported": ["en-US", "en-CA", "fr-CA"],
            "authorization_response_iss_parameter_supported": True,
        }
    }

    issuer: Uri
    authorization_endpoint: Uri
    token_endpoint: Uri
    revocation_endpoint: Uri
    introspection_endpoint: Uri
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
