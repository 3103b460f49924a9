"""The settings in the console: every one with its meaning, no secret, what is unsafe and nearly full."""

from dataclasses import fields, replace

from handcart.callbacks import webhooks
from handcart.console.settings import MASK, rows, shown
from handcart.core.settings import Settings
from handcart.upkeep import limits
from tests.support.callback_receiver import policy
from tests.support.console import Person
from tests.support.server import LiveServer
from tests.support.shop import Shop

PATH = "/console/settings"


def opened(server: LiveServer) -> str:
    """The page, which may name paths and databases: the settings have them."""
    answer = Person(server).open(PATH)
    assert answer.status_code == 200
    return answer.text


def test_settings_are_opened_then_each_with_its_meaning_and_no_secret(server: LiveServer) -> None:
    page = opened(server)
    for one in fields(Settings):
        assert f"<code>HANDCART_{one.name.upper()}</code>" in page
    assert server.app.settings.secret_key
    assert server.app.settings.secret_key not in page
    assert "prevents a start" in page


def test_values_that_are_secret_then_masked() -> None:
    for name, value, expected in (
        ("secret_key", "x" * 40, MASK),
        ("smtp_password", "hunter2", MASK),
        ("sms_secret", "hunter2", MASK),
        ("sms_signature_secret", "hunter2", MASK),
        ("secret_key_file", "/run/key", "/run/key"),
        ("smtp_password_file", "/run/smtp", "/run/smtp"),
        ("database", "postgresql://kim:hunter2@db/handcart", f"postgresql://kim:{MASK}@db/handcart"),
        (
            "database",
            "postgresql://db/handcart?user=kim&password=hunter2",
            f"postgresql://db/handcart?user=kim&password={MASK}",
        ),
        ("database", "sqlite:////var/handcart.db", "sqlite:////var/handcart.db"),
        ("secret_key", "", ""),
        ("pool_size", 10, "10"),
    ):
        assert shown(name, value) == expected, name
    found = {row["name"]: row for row in rows(Settings(pool_size=11))}
    assert (found["HANDCART_POOL_SIZE"]["is_changed"], found["HANDCART_POOL_SIZE"]["default"]) == (True, "10")
    assert not found["HANDCART_SMTP_PORT"]["is_changed"]


def test_retailer_has_nearly_all_webhooks_then_it_is_named(shop: Shop) -> None:
    server, settings = shop.server, replace(shop.server.app.settings, data="/nowhere")
    number = int(webhooks.MOST_WEBHOOKS * limits.NEAR)
    wanted = webhooks.Configuration(
        callback_url="https://tills.example/", auth_uri="https://tills.example/", client_id="id", client_secret="secret"
    )
    for _ in range(number):
        server.write(webhooks.create, shop.retailer.id, wanted, policy())
    found = [one for one in server.read(limits.near, settings) if one.of == shop.slug]
    assert found == [limits.Near("webhooks", shop.slug, number, webhooks.MOST_WEBHOOKS)]
    assert shop.slug in opened(server)
