"""The refusals of the OAuth endpoints, as data.

Sources: https://docs.instacart.com/connect/api/access_tokens,
https://docs.instacart.com/connect/api/oauth/revoke_access_token, RFC 6749 sections 4.1.2.1 and 5.2.
"""

from collections.abc import Sequence

from handcart.core.errors import OAuthError

# Descriptions of `invalid_request`, for any grant.
NOT_JSON_OR_FORM = "Content-Type must be application/json or application/x-www-form-urlencoded."
NOT_UTF_8 = "The body must be UTF-8."
NOT_JSON = "The body must be one JSON object without repeated names."
NOT_AN_OBJECT = "The body must be a JSON object."
NOT_A_FORM = "The body must be a form without repeated names."
HOLDS_NUL = "A parameter holds NUL."
AUTHENTICATED_TWICE = "Use one way to authenticate the client, not two."
CLIENT_IDS_DIFFER = "The two client ids differ."


def invalid_request(description: str) -> OAuthError:
    """A request that cannot be read."""
    return OAuthError(400, "invalid_request", description)


def malformed() -> Sequence[OAuthError]:
    """Every refusal of a request that cannot be read, for the OpenAPI description."""
    texts = [NOT_JSON_OR_FORM, NOT_UTF_8, NOT_JSON, NOT_AN_OBJECT, NOT_A_FORM, HOLDS_NUL]
    texts += [AUTHENTICATED_TWICE, CLIENT_IDS_DIFFER]
    return (*(invalid_request(text) for text in texts), not_a_string("client_id"))


def not_a_string(name: str) -> OAuthError:
    """A JSON value of another type."""
    return invalid_request(f"{name} must be a string.")


def missing_parameter(name: str) -> OAuthError:
    """A required parameter that is absent."""
    return invalid_request(f"Missing required parameter: {name}.")


def retailer_unknown() -> OAuthError:
    """A client of several banners asks for a user's token without naming a banner."""
    return invalid_request("X-Retailer-Id must be the slug of one of the client's retailers.")


def invalid_client() -> OAuthError:
    """The client is unknown or disabled, or its secret is wrong."""
    return OAuthError(
        401,
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or unsupported "
        "authentication method.",
        {"WWW-Authenticate": 'Basic realm="handcart"'},
    )


def invalid_grant() -> OAuthError:
    """An invalid code, redirect URI, verifier or assertion. The documented text is the same for all causes."""
    return OAuthError(
        400, "invalid_grant", "Assertion is not provided or invalid assertion provided for the grant_type."
    )


def unsupported_grant_type() -> OAuthError:
    """A grant type that Handcart does not support."""
    return OAuthError(
        400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
    )


def unauthorized_client() -> OAuthError:
    """A client without any scope for this grant."""
    return OAuthError(
        400, "unauthorized_client", "The client is not authorized to perform this request using this method."
    )


def invalid_scope() -> OAuthError:
    """A scope that is unknown, or that the client may not have for this grant."""
    return OAuthError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")


def unserved_scope(scope: str) -> OAuthError:
    """A documented scope that no endpoint of Handcart needs, on a server without the setting `unserved_scopes`."""
    return OAuthError(
        400,
        "invalid_scope",
        f"No endpoint of this server needs the scope {scope}: leave it out. If a client cannot, the operator sets "
        "HANDCART_UNSERVED_SCOPES=on.",
    )


def query_params_forbidden() -> OAuthError:
    """Credentials in the query string, where logs would keep them."""
    return OAuthError(
        403,
        "query_params_forbidden",
        "Providing OAuth credentials as query parameters may cause them to be compromised. Please reach out to "
        "Instacart's security team and have the credentials rotated.",
    )


def may_not_revoke() -> OAuthError:
    """Another client's token, or a wrong client secret: 403, not 401, on this endpoint."""
    return OAuthError(403, "unauthorized_client", "You are not authorized to revoke this token")


def unsupported_response_type() -> OAuthError:
    """A response type other than `code`."""
    return OAuthError(400, "unsupported_response_type", "The authorization server does not support this response type.")


def access_denied() -> OAuthError:
    """The customer pressed Deny."""
    return OAuthError(403, "access_denied", "The resource owner or authorization server denied the request.")
