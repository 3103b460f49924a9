"""`/v2/oauth/...` and the server's metadata."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import OAuthError, too_large
from handcart.core.web.body import json_reply
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.pages import LOCALES_WITH_SPANISH
from handcart.core.web.wire import Empty
from handcart.oauth import codes, errors, scopes, tokens
from handcart.oauth.models import IssuedToken
from handcart.oauth.parameters import MOST_BODY_BYTES, credentials, read
from handcart.oauth.wire import (
    IntrospectionResponse,
    ServerMetadata,
    TokenReference,
    TokenRequest,
    TokenResponse,
)
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.retailers.models import Client, RetailerId

# Finds and locks a user; passed in, since this domain cannot import `users`: (tx, isolation_id, user_id).
LockUser = Callable[[Tx, int, str], Awaitable[object | None]]


def routes(lock_user: LockUser) -> Sequence[Route]:
    """The OAuth endpoints."""

    async def token(call: Call) -> Reply:
        return await _token(call, lock_user)

    return (
        Route(
            method="POST",
            operation_id="create_token",
            path="/v2/oauth/token",
            parameters={"X-Retailer-Id": RetailerId},
            handler=token,
            reads_body=True,
            most_body=MOST_BODY_BYTES,
            form=TokenRequest,
            response=TokenResponse,
            refusals=(
                *errors.malformed(),
                errors.missing_parameter("grant_type"),
                errors.missing_parameter("code"),
                errors.retailer_unknown(),
                errors.invalid_grant(),
                errors.invalid_scope(),
                errors.unserved_scope(scopes.UNSERVED[0]),
                errors.unauthorized_client(),
                errors.unsupported_grant_type(),
                errors.invalid_client(),
                errors.query_params_forbidden(),
                too_large(MOST_BODY_BYTES),
            ),
            summary="Generate an access token",
            description="For client credentials, an authorization code (gives a linking token) or a user assertion.",
            source="https://docs.instacart.com/connect/api/access_tokens",
            tag="OAuth",
        ),
        Route(
            method="POST",
            operation_id="revoke_token",
            path="/v2/oauth/token/revoke",
            handler=_revoke,
            reads_body=True,
            most_body=MOST_BODY_BYTES,
            form=TokenReference,
            response=Empty,
            refusals=(
                *errors.malformed(),
                errors.missing_parameter("token"),
                errors.may_not_revoke(),
                errors.query_params_forbidden(),
                too_large(MOST_BODY_BYTES),
            ),
            summary="Revoke an access token",
            description="Succeeds for unknown or expired tokens as well.",
            source="https://docs.instacart.com/connect/api/oauth/revoke_access_token",
            tag="OAuth",
        ),
        Route(
            method="POST",
            operation_id="introspect_token",
            path="/v2/oauth/token/introspect",
            handler=_introspect,
            reads_body=True,
            most_body=MOST_BODY_BYTES,
            form=TokenReference,
            response=IntrospectionResponse,
            refusals=(
                *errors.malformed(),
                errors.missing_parameter("token"),
                errors.invalid_client(),
                errors.query_params_forbidden(),
                too_large(MOST_BODY_BYTES),
            ),
            summary="Introspect an access token",
            description="Handcart's own addition (RFC 7662): whether a token of the client is active.",
            tag="OAuth",
        ),
        Route(
            method="GET",
            operation_id="get_server_metadata",
            path="/.well-known/oauth-authorization-server",
            handler=_metadata,
            response=ServerMetadata,
            summary="Get the authorization server's metadata",
            description="Handcart's own addition (RFC 8414).",
            tag="OAuth",
        ),
    )


def security_schemes(issuer: str, *, with_unserved: bool) -> dict[str, Any]:
    """The authentication of calls, for the OpenAPI description. `with_unserved`: the setting `unserved_scopes`."""
    token_url = f"{issuer}/v2/oauth/token"

    def flow(grant_type: str, **urls: str) -> dict[str, Any]:
        return {
            "tokenUrl": token_url,
            **urls,
            "scopes": {
                name: scopes.MEANINGS[name]
                for name in scopes.offered(scopes.SCOPES[grant_type], with_unserved=with_unserved)
            },
        }

    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The `access_token` of a `client_credentials` answer. Valid for 24 hours: reuse it.",
        },
        "oauth2": {
            "type": "oauth2",
            "description": "The same in OAuth's terms. A customer's consent gives a linking token. It is not a bearer "
            "token: send it once, in a body, to link their account.",
            "flows": {
                "clientCredentials": flow(scopes.CLIENT_CREDENTIALS),
                "authorizationCode": flow(scopes.AUTHORIZATION_CODE, authorizationUrl=f"{issuer}/oauth/authorize"),
            },
        },
    }


async def _token(call: Call, lock_user: LockUser) -> Reply:
    parameters = read(call)
    grant_type = parameters.get("grant_type")
    if not grant_type:
        raise errors.missing_parameter("grant_type")
    if grant_type not in scopes.SCOPES:
        raise errors.unsupported_grant_type()
    client = await _enabled_client(call, parameters)
    with_unserved = call.app.settings.unserved_scopes
    if not with_unserved and (unserved := scopes.unserved(parameters.get("scope"))):
        raise errors.unserved_scope(unserved)
    if not scopes.allowed(grant_type, client.scopes, with_unserved=with_unserved):
        raise errors.unauthorized_client()
    if grant_type == scopes.AUTHORIZATION_CODE:
        issued = await call.app.database.write(_redeem, client, parameters)
    else:
        scope = scopes.granted(grant_type, client.scopes, parameters.get("scope"), with_unserved=with_unserved)
        if scope is None:
            raise errors.invalid_scope()
        if grant_type == scopes.USER_ASSERTION:
            issued = await call.app.database.write(_issue_to_user, client, scope, parameters, call, lock_user)
        else:
            issued = await call.app.database.write_statement(tokens.issue, client, scope)
    if isinstance(issued, OAuthError):
        raise issued
    return json_reply(TokenResponse(**issued.parameters()), headers=((b"pragma", b"no-cache"),))


async def _redeem(tx: Tx, client: Client, parameters: dict[str, str]) -> IssuedToken | OAuthError:
    code = parameters.get("code")
    if code is None:
        raise errors.missing_parameter("code")
    # An absent redirect URI equals no registered one, so the result is the documented invalid_grant.
    redirect_uri = parameters.get("redirect_uri", "")
    return await codes.redeem(tx, client, code, redirect_uri, parameters.get("code_verifier"))


async def _issue_to_user(
    tx: Tx, client: Client, scope: str, parameters: dict[str, str], call: Call, lock_user: LockUser
) -> IssuedToken:
    user_id = tokens.user_of_assertion(parameters.get("assertion", ""))
    isolation_id = client.isolation_id
    if isolation_id is None:
        banner = await retailers.banner(tx, client.organization_id, call.header(b"x-retailer-id") or "")
        if banner is None:
            raise errors.retailer_unknown()
        isolation_id = banner.isolation_id
    if user_id is None or not await lock_user(tx, isolation_id, user_id):
        raise errors.invalid_grant()
    return await tokens.issue(tx, client, scope, isolation_id=isolation_id, user_id=user_id)


async def _revoke(call: Call) -> Empty:
    parameters = read(call)
    client = await _client(call, parameters, errors.may_not_revoke())
    token = parameters.get("token")
    if not token:
        raise errors.missing_parameter("token")
    if not await call.app.database.write(tokens.revoke, client, token):
        raise errors.may_not_revoke()
    return Empty()


async def _introspect(call: Call) -> IntrospectionResponse:
    parameters = read(call)
    client = await _enabled_client(call, parameters)
    token = parameters.get("token")
    if not token:
        raise errors.missing_parameter("token")
    row = await call.app.database.read(tokens.introspect, client, token)
    scope = " ".join(scopes.kept(row["scope"], client.scopes)) if row else ""
    if not row or not scope:
        return IntrospectionResponse(active=False)
    return IntrospectionResponse(
        active=True,
        scope=scope,
        client_id=row["client_id"],
        token_type="Bearer",  # noqa: S106 (not a secret)
        exp=row["expires_at"] // clock.SECOND,
        iat=row["created_at"] // clock.SECOND,
        sub=row["user_id"],
        iss=call.app.settings.issuer,
    )


async def _metadata(call: Call) -> ServerMetadata:
    issuer = call.app.settings.issuer
    methods = ["client_secret_post", "client_secret_basic"]
    return ServerMetadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/oauth/authorize",
        token_endpoint=f"{issuer}/v2/oauth/token",
        revocation_endpoint=f"{issuer}/v2/oauth/token/revoke",
        introspection_endpoint=f"{issuer}/v2/oauth/token/introspect",
        scopes_supported=scopes.offered(scopes.ALL, with_unserved=call.app.settings.unserved_scopes),
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=list(scopes.SCOPES),
        token_endpoint_auth_methods_supported=methods,
        revocation_endpoint_auth_methods_supported=methods,
        introspection_endpoint_auth_methods_supported=methods,
        code_challenge_methods_supported=["S256"],
        ui_locales_supported=list(LOCALES_WITH_SPANISH),
        authorization_response_iss_parameter_supported=True,
    )


async def _enabled_client(call: Call, parameters: dict[str, str]) -> Client:
    client = await _client(call, parameters, errors.invalid_client())
    if client.is_disabled:
        raise errors.invalid_client()
    return client


async def _client(call: Call, parameters: dict[str, str], refusal: OAuthError) -> Client:
    """The authenticated client."""
    client_id, secret = credentials(call, parameters, refusal)
    client = await call.app.database.read(clients.by_secret, client_id, secret)
    if client is None:
        await call.belongs_to_found(_retailer_of, client_id)  # whose log shows the refusal
        raise refusal
    call.caller = client
    call.app.limit(client_id)
    await call.belongs_to(client.retailer_id)
    return client


async def _retailer_of(tx: Tx, client_id: str) -> int | None:
    client = await clients.find(tx, client_id)
    return None if client is None else client.retailer_id
