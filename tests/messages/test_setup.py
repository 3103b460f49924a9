"""Which gateways the settings name."""

from pathlib import Path

import pytest

from handcart.core import settings as settings_module
from handcart.core.settings import Settings, SettingsError
from handcart.messages.gateways import setup
from handcart.messages.gateways.nothing import Log, NotSetUp
from handcart.messages.gateways.smtp import Smtp
from handcart.messages.gateways.twilio import Twilio
from handcart.messages.gateways.vonage import Vonage
from handcart.messages.gateways.web_push import WebPush
from handcart.messages.models import MAIL, PUSH, SMS
from tests.messages.test_http_gateways import parcel

URL = "https://connect.example"
ACCOUNT = {"sms_account": "AC1", "sms_secret": "secret", "sms_from": "+18005550100"}


def test_settings_name_gateways_then_each_channel_has_its_own() -> None:
    made = setup.create(Settings(public_url=URL, smtp_host="mail.example", mail_from="A <a@b.example>", **ACCOUNT))
    assert (type(made[MAIL]), type(made[SMS]), type(made[PUSH])) == (Smtp, NotSetUp, WebPush)
    for name, kind in (("twilio", Twilio), ("vonage", Vonage), ("log", Log)):
        assert type(setup.create(Settings(sms_gateway=name, **ACCOUNT))[SMS]) is kind
    assert setup.channels(Settings(sms_gateway="log")) == {SMS}
    assert setup.channels(Settings(public_url="http://localhost:8080")) == frozenset()


async def test_channel_is_not_set_up_then_its_message_says_what_to_set() -> None:
    result = await setup.create(Settings())[MAIL].send(parcel())
    assert (result.outcome, result.detail) == (
        "refused",
        "there is no gateway: set HANDCART_SMTP_HOST and HANDCART_MAIL_FROM",
    )


def test_secret_is_in_a_file_then_it_is_read_from_there(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    settings = Settings(sms_gateway="vonage", sms_signature_secret_file=str(file), sms_secret="not this")
    assert setup.gateway_secret(settings, "vonage") == "from a file"
    assert setup.gateway_secret(settings, "twilio") == ""
    twilio = Settings(sms_gateway="twilio", sms_secret_file=str(file))
    assert setup.gateway_secret(twilio, "twilio") == "from a file"
    missing = Settings(smtp_host="mail.example", mail_from="a@b.example", smtp_password_file=str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="none must be a file that holds a secret"):
        setup.create(missing)


REFUSED = {
    "SMTP_SECURITY": "ssl",
    "SMTP_PORT": "70000",
    "SMS_GATEWAY": "pigeon",
    "SMS_URL": "https://sms.example/path",
    "MAIL_FROM": "Market <a@b.example",
}


@pytest.mark.parametrize(("name", "value"), REFUSED.items())
def test_setting_is_malformed_then_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"HANDCART_{name}"):
        settings_module.load({f"HANDCART_{name}": value})


@pytest.mark.parametrize("sender", ["a@b.example", "A Market <a@b.example>", "<a@b.example>"])
def test_sender_of_mails_is_well_formed_then_taken(sender: str) -> None:
    assert settings_module.load({"HANDCART_MAIL_FROM": sender}).mail_from == sender
