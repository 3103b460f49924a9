"""`handcart staff` and `handcart audit`: people are invited, listed, changed and closed; the log says so."""

import json
from urllib.parse import urlsplit

import pytest

from handcart.core.secret import new_token
from handcart.sign_in import passkeys
from handcart.sign_in.models import STAFF
from tests.cli.conftest import Run, answer, refusal
from tests.support.authenticator import Authenticator
from tests.support.console import Person
from tests.support.pages import is_page
from tests.support.shop import Shop, new_address, new_email
from tests.support.stores import keep, store

URL = {"HANDCART_CONSOLE_URL": "https://console.example"}


def invite(run: Run, email: str, *options: str) -> str:
    """Invite a person; returns the path of the link."""
    made = answer(run("staff", "invite", "--email", email, "--name", "Ada", "--json", *options, **URL))
    url = urlsplit(made["url"])
    assert (made["email"], made["purpose"]) == (email, "invitation")
    assert f"{url.scheme}://{url.netloc}" == URL["HANDCART_CONSOLE_URL"]
    return url.path


def test_person_is_invited_then_the_printed_link_works(run: Run, shop: Shop) -> None:
    path = invite(run, new_email(), "--role", "dispatcher")
    is_page(shop.server.http(address=new_address()).get(path))


def test_person_of_a_store_then_listed_shown_and_changed(run: Run, shop: Shop) -> None:
    keep(shop, store("0042"))
    email = new_email()
    invite(run, email, "--role", "store_associate", "--retailer", shop.slug, "--store", "0042")
    (listed,) = answer(run("staff", "list", "--retailer", shop.slug, "--json"))["people"]
    assert (listed["email"], listed["retailer"], listed["store"]) == (email, shop.slug, "0042")
    assert (listed["role"], listed["state"]) == ("store_associate", "invited")
    assert f"{shop.slug}, store 0042" in run("staff", "show", email).output
    changed = answer(run("staff", "role", email.upper(), "--role", "support", "--json"))
    assert (changed["role"], changed["retailer"], changed["store"]) == ("support", None, None)
    assert "There are no people." in run("staff", "list", "--retailer", shop.slug).output
    assert email in run("staff", "list").output


def test_person_is_signed_in_and_has_a_passkey_then_both_are_shown(run: Run, shop: Shop) -> None:
    person = Person(shop.server, "support")
    keys, session = shop.server.app.keys, new_token()
    options = passkeys.creation_options(keys, "http://localhost", STAFF, session, person.id, person.email, [])
    response = Authenticator("http://localhost").create(json.loads(json.dumps(options)))
    shop.server.write(passkeys.register, STAFF, "http://localhost", session, person.id, response, "Laptop")
    shown = answer(run("staff", "show", person.email, "--json"))
    assert [one["name"] for one in shown["passkeys"]] == ["Laptop"]
    assert len(shown["browsers"]) == 1
    assert shown["state"] == "active"
    lines = run("staff", "show", person.email).output.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("Laptop", "unknown"))] == ["unknown", "Laptop"]


def test_link_is_made_again_then_the_first_has_ended(run: Run, shop: Shop) -> None:
    email = new_email()
    first = invite(run, email, "--role", "support")
    again = urlsplit(answer(run("staff", "link", email, "--json", **URL))["url"]).path
    visitor = shop.server.http(address=new_address())
    assert [visitor.get(path).status_code for path in (first, again)] == [410, 200]
    assert "Give it only to Ada" in run("staff", "link", email, **URL).output


def test_person_is_closed_then_the_log_says_who_and_why(run: Run, shop: Shop) -> None:
    email = new_email()
    invite(run, email, "--role", "support")
    person_id = answer(run("staff", "show", email, "--json"))["id"]
    assert answer(run("staff", "close", email, "--reason", "left", "--json")) == {"email": email, "closed": True}
    assert "closed" in refusal(run("staff", "close", email))
    subject = f"staff/{person_id}"
    found = answer(run("audit", "list", "--subject", subject, "--json"))["entries"]
    assert [(one["operation"], one["reason"]) for one in found] == [("close_staff", "left"), ("invite_staff", None)]
    assert {one["actor_kind"] for one in found} == {"command"}
    page = run("audit", "list", "--subject", subject, "--limit", "1").output
    assert "close_staff" in page
    assert f"--before {found[0]['id']}" in page
    older = answer(run("audit", "list", "--subject", subject, "--before", str(found[0]["id"]), "--json"))["entries"]
    assert older == found[1:]
    for filters, count in (
        (("--operation", "close_staff"), 1),
        (("--actor", found[0]["actor"]), 2),
        (("--actor", "nobody"), 0),
        (("--since", found[1]["at"]), 2),
        (("--until", "2020-01-01T00:00:00Z"), 0),
    ):
        rows = answer(run("audit", "list", "--subject", subject, *filters, "--json"))["entries"]
        assert len(rows) == count, filters


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("staff", "show", "nobody@example.com"), "no such person"),
        (("staff", "list", "--retailer", "no-such-retailer"), "there is no retailer"),
        (("staff", "invite", "--email", "x", "--name", "A", "--role", "support"), "not an e-mail address"),
        (("staff", "invite", "--email", "a@b.c", "--name", "A", "--role", "store_associate"), "one of its stores"),
        (("staff", "invite", "--email", "a@b.c", "--name", "A", "--role", "support", "--store", "1"), "retailer"),
        (("audit", "list", "--since", "yesterday"), "is not a time"),
    ],
)
def test_wrong_arguments_then_a_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal(run(*arguments, **URL))


@pytest.mark.usefixtures("no_public_url")
def test_public_url_is_unknown_then_nobody_is_invited(run: Run, shop: Shop) -> None:
    email = new_email()
    result = run("staff", "invite", "--email", email, "--name", "Ada", "--role", "support", HANDCART_CONSOLE="public")
    assert "the public URL is not known" in refusal(result)
    assert "no such person" in refusal(run("staff", "show", email))
