"""The refusals of the OAuth endpoints, as data.

Sources: https://docs.instacart.com/connect/api/access_tokens,
https://docs.instacart.com/connect/api/oauth/revoke_access_token, RFC 6749 sections 4.1.2.1 and 5.2.
"""

from handcart.core.errors import OAuthError


def invalid_request(description: str) -> OAuthError:
    """A request that cannot be read."""
    return OAuthError(400, "invalid_request", description)


def missing_parameter(name: str) -> OAuthError:
    """A required parameter that is absent."""
    return invalid_request(f"Missing required parameter: {name}.")


def invalid_client() -> OAuthError:
    """Unknown, disabled or unproven client."""
    return OAuthError(
        401,
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or unsupported "
        "authentication method.",
        {"WWW-Authenticate": 'Basic realm="handcart"'},
    )


def invalid_grant() -> OAuthError:
    """A code, redirect URI, verifier or assertion that does not hold. The documented text, whatever the cause."""
    return OAuthError(
        400, "invalid_grant", "Assertion is not provided or invalid assertion provided for the grant_type."
    )


def unsupported_grant_type() -> OAuthError:
    """A grant type that is not one of ours."""
    return OAuthError(
        400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
    )


def unauthorized_client() -> OAuthError:
    """A client without any scope for this grant."""
    return OAuthError(
        400, "unauthorized_client", "The client is not authorized to perform this request using this method."
    )


def invalid_scope() -> OAuthError:
    """A scope that is unknown, or not this client's for this grant."""
    return OAuthError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")


def query_params_forbidden() -> OAuthError:
    """Credentials in the query string, where logs would keep them."""
    return OAuthError(
        403,
        "query_params_forbidden",
        "Providing OAuth credentials as query parameters may cause them to be compromised. Please reach out to "
        "Instacart's security team and have the credentials rotated.",
    )


def may_not_revoke() -> OAuthError:
    """Another client's token, or a client that is not proven: 403, not 401, on this endpoint."""
    return OAuthError(403, "unauthorized_client", "You are not authorized to revoke this token")


def unsupported_response_type() -> OAuthError:
    """A response type other than `code`."""
    return OAuthError(400, "unsupported_response_type", "The authorization server does not support this response type.")


def access_denied() -> OAuthError:
    """The customer pressed Deny."""
    return OAuthError(403, "access_denied", "The resource owner or authorization server denied the request.")
