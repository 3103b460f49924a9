"""Refusals of requests about users, links and tokens."""

import base64
import json

import httpx

from tests.contract.provoke import Provoked, provokes
from tests.support.shop import Shop

# Users.


@provokes("create_user_and_address:is_invalid_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(path=attempt.operation.path.replace("{user_id}", "%09"))


@provokes("user_not_found_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.naming("nobody")


@provokes("has_already_been_taken_user_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send()
    return attempt.having(first_name="Other")


@provokes("user_not_active")
def _(attempt: Provoked) -> httpx.Response:
    if "user_id" in attempt.body:
        attempt.user_id = attempt.body["user_id"]
        attempt.shop.user(attempt.user_id)
    attempt.shop.post(f"/v2/fulfillment/users/{attempt.user_id}/privacy_request")
    return attempt.naming(attempt.user_id)


@provokes("user_data_deletion_requests_are_not_enabled_for")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", False, attempt.shop.slug)
    return attempt.send()


# Links.


@provokes("user_not_linked_user_id", "linking_token_is_invalid_linking_token")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send()


@provokes("validation_failed_common_identities_can_only_have_one_linking_token")
def _(attempt: Provoked) -> httpx.Response:
    account = attempt.shop.account()
    attempt.shop.link(attempt.shop.user(), attempt.shop.linking_token(account)).raise_for_status()
    return attempt.having(linking_token=attempt.shop.linking_token(account))


@provokes("user_already_linked_user_id")
def _(attempt: Provoked) -> httpx.Response:
    first, second = attempt.shop.account(), attempt.shop.account()
    attempt.having(linking_token=attempt.shop.linking_token(first)).raise_for_status()
    return attempt.having(linking_token=attempt.shop.linking_token(second))


# OAuth.


@provokes("content_type_must_be_application_json_or_application")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Content-Type": "text/plain"})


@provokes("the_body_must_be_utf_8")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Content-Type": "application/json; charset=latin-1"})


@provokes("the_body_must_be_a_form_without_repeated")
def _(attempt: Provoked) -> httpx.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return attempt.send(content="client_id=a&client_id=b", headers=form)


@provokes("client_id_must_be_a_string")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_id=5)


@provokes("use_one_way_to_authenticate_the_client_not")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers=basic(attempt, attempt.shop.client.client_id))


@provokes("the_two_client_ids_differ")
def _(attempt: Provoked) -> httpx.Response:
    del attempt.body["client_secret"]
    return attempt.send(headers=basic(attempt, "another"))


def basic(attempt: Provoked, client_id: str) -> dict[str, str]:
    pair = f"{client_id}:{attempt.shop.client.client_secret}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@provokes("missing_required_parameter_grant_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type=None)


@provokes("missing_required_parameter_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="authorization_code")


@provokes("missing_required_parameter_token")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(token=None)


@provokes("x_retailer_id_must_be_the_slug_of")
def _(attempt: Provoked) -> httpx.Response:
    attempt.become_organization()
    assertion = base64.b64encode(json.dumps({"user_id": attempt.user_id}).encode()).decode()
    return attempt.having(grant_type="fulfillment_user_assertion", scope=None, assertion=assertion)


@provokes("invalid_grant")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="authorization_code", code="unknown", redirect_uri="https://example.org")


@provokes("the_requested_scope_is_invalid_unknown_or_malformed")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scope="account_linking")


@provokes("no_endpoint_of_this_server_needs_the_scope")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scope="connect:recommendations")


@provokes("create_token:unauthorized_client")
def _(attempt: Provoked) -> httpx.Response:
    poor = Shop(attempt.shop.server, scopes=["account_linking"])
    return attempt.having(**poor.credentials)


@provokes("unsupported_grant_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="password")


@provokes("invalid_client")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_secret="wrong")


@provokes("revoke_token:unauthorized_client")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(token=Shop(attempt.shop.server).token)


@provokes("query_params_forbidden")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"client_id": attempt.shop.client.client_id})
