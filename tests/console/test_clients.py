"""API clients in the console: the secret is shown once, after the password; what stops working at once."""

import re
from typing import Any

import pytest

from handcart.console import step_up
from handcart.retailers import clients
from tests.support.console import Person
from tests.support.contents import contents, nothing_written
from tests.support.pages import is_page
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, Shop

PATH = "/console/clients"


def secret_on(page: str) -> tuple[str, str]:
    """The id and the secret that a page shows."""
    found = re.findall(r'<code class="copied">([^<]+)</code>', page)
    return found[0], found[1]


def test_client_is_made_then_its_secret_once_after_the_password(shop: Shop) -> None:
    manager = Person(shop.server, "retailer_manager", shop.retailer.id)
    is_page(manager.open(f"{PATH}/add"))
    box = {"scope_connect:fulfillment": "yes", "name": "Web shop", "redirect_uris": "https://shop.example/a\r\n"}
    with nothing_written(shop.server):
        asks = is_page(manager.submit(f"{PATH}/add", **box))
    assert "Is it you?" in asks.text
    assert 'value="Web shop"' in asks.text
    with nothing_written(shop.server):
        wrong = manager.http.post(f"{PATH}/add", data={**manager.form(""), "step_up_password": "wrong"})
    assert (wrong.status_code, "not your password" in wrong.text) == (401, True)
    page = manager.http.post(f"{PATH}/add", data={**manager.form(""), "step_up_password": PASSWORD})
    client_id, secret = secret_on(is_page(page).text)
    found = shop.server.read(clients.by_secret, client_id, secret)
    assert (found.retailer_id, found.name) == (shop.retailer.id, "Web shop")
    assert shop.server.read(clients.redirect_uris, client_id) == ["https://shop.example/a"]
    assert secret not in is_page(manager.open(f"{PATH}/{client_id}")).text
    assert secret not in str(contents(shop.server, "audit_log"))
    is_page(manager.submit(f"{PATH}/{client_id}/rotate", keep_old="24"))
    assert secret_on(manager.page.text)[1] != secret
    assert shop.server.read(clients.by_secret, client_id, secret) is not None


def test_ten_minutes_are_over_then_the_password_is_asked_again(shop: Shop, later: Any) -> None:
    admin, path = Person(shop.server), f"{PATH}/{shop.client.client_id}"
    admin.open(path)
    is_page(admin.submit(f"{path}/rotate", step_up_password=PASSWORD))
    with later(minutes=step_up.MINUTES, seconds=1):
        admin.open(path)
        with nothing_written(shop.server):
            assert "Is it you?" in admin.submit(f"{path}/rotate").text


def test_answer_of_another_session_then_the_password_is_asked(shop: Shop) -> None:
    admin, other, path = Person(shop.server), Person(shop.server), f"{PATH}/{shop.client.client_id}"
    admin.open(path)
    is_page(admin.submit(f"{path}/rotate", step_up_password=PASSWORD))
    name, value = next((name, value) for name, value in admin.http.cookies.items() if name.endswith("_step_up"))
    other.http.cookies.set(name, value, path="/console")
    other.open(path)
    with nothing_written(shop.server):
        assert "Is it you?" in other.submit(f"{path}/rotate").text


def test_client_is_disabled_and_enabled_then_tokens_stop_and_come_back(shop: Shop) -> None:
    admin, path = Person(shop.server), f"{PATH}/{shop.client.client_id}"
    assert shop.get("/v2/fulfillment/users/nobody").status_code == 404
    admin.open(path)
    assert "is disabled" in is_page(admin.submit(f"{path}/disable", reason="leaked")).text
    assert shop.post_token(grant_type="client_credentials").status_code == 401
    assert "is enabled" in is_page(admin.submit(f"{path}/enable")).text
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    is_page(admin.submit(f"{path}/revoke"))
    rows = shop.server.sql(
        "SELECT operation FROM audit_log WHERE subject = $1 ORDER BY id", f"client/{shop.client.client_id}"
    )
    assert [row["operation"] for row in rows] == ["disable_client", "enable_client", "revoke_tokens"]


def test_scopes_and_redirect_uris_are_changed_then_stored(shop: Shop) -> None:
    admin, second, path = Person(shop.server), Person(shop.server), f"{PATH}/{shop.client.client_id}"
    second.open(path)
    admin.open(path)
    boxes = {name: "" for name in admin.form(f"{path}/scopes") if name.startswith("scope_")}
    is_page(admin.submit(f"{path}/scopes", **{**boxes, "scope_connect:fulfillment": "yes"}))
    assert shop.server.read(clients.find, shop.client.client_id).scopes == ("connect:fulfillment",)
    with nothing_written(shop.server):
        assert "Somebody else has changed this" in is_page(second.submit(f"{path}/scopes"), 409).text
        is_page(admin.submit(f"{path}/scopes", **{"scope_connect:fulfillment": ""}), 400)
        assert (
            "must use https"
            in is_page(admin.submit(f"{path}/redirect-uris/add", uri="http://shop.example/a"), 400).text
        )
    is_page(admin.submit(f"{path}/redirect-uris/add", uri="https://shop.example/new"))
    assert "https://shop.example/new" in shop.server.read(clients.redirect_uris, shop.client.client_id)


@pytest.mark.parametrize("hours", ["-1", "8761", "many", ""])
def test_hours_that_cannot_be_then_refused_and_nothing(shop: Shop, hours: str) -> None:
    admin, path = Person(shop.server), f"{PATH}/{shop.client.client_id}"
    admin.open(path)
    with nothing_written(shop.server):
        is_page(admin.submit(f"{path}/rotate", keep_old=hours, step_up_password=PASSWORD), 400)


def test_client_of_all_banners_then_only_for_people_of_the_operator(server: LiveServer, shop: Shop) -> None:
    made = server.write(clients.create, organization=shop.slug, scopes=["connect:fulfillment"])
    manager = Person(server, "retailer_manager", shop.retailer.id)
    assert manager.open(f"{PATH}/{made.client_id}").status_code == 403
    assert made.client_id not in is_page(manager.open(PATH)).text
    assert is_page(Person(server).open(f"{PATH}/{made.client_id}"))


def test_operator_disabled_a_client_then_its_retailer_cannot_enable_it(shop: Shop) -> None:
    """Also not by disabling it once more. What the retailer disabled itself, it enables."""
    path = f"{PATH}/{shop.client.client_id}"
    manager, operator = Person(shop.server, "retailer_manager", shop.retailer.id), Person(shop.server)

    def does(person: Person, action: str, status: int = 200) -> str:
        person.open(path)
        return is_page(person.submit(f"{path}/{action}"), status).text

    does(manager, "disable")
    does(manager, "enable")
    does(operator, "disable")
    manager.open(path)
    assert shop.server.read(clients.find, shop.client.client_id).is_disabled
    with nothing_written(shop.server):
        assert "ask the operator" in does(manager, "enable", 400)
    shop.server.write(clients.disable, shop.client.client_id)
    assert "ask the operator" in does(manager, "enable", 400)
    does(operator, "enable")
    assert not shop.server.read(clients.find, shop.client.client_id).is_disabled
