"""Settings: unknown names and wrong types stop the start with a sentence; the key file is private."""

import dataclasses
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from handcart.core import settings
from handcart.core.settings import Settings, SettingsError, load

KEY = "k" * 32


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for an arbitrary user of a container: no HOME, and no entry among the system's users."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_nothing_set_then_the_defaults_of_a_production_server() -> None:
    chosen = load({"HOME": "/home/sample", "PATH": "/bin"})
    assert chosen == Settings()
    assert (chosen.environment, chosen.is_sandbox, chosen.rate_limit_per_second) == ("production", False, 500)


def test_every_setting_then_read_by_its_name() -> None:
    texts = {"str": "x", "int": "7", "bool": "on"}
    own = {
        "environment": "sandbox",
        "public_url": "https://connect.example.org",
        "trusted_proxies": "10.0.0.1, fd00::/8",
        "callback_networks": "10.1.0.0/16, fd00::/8",
        "callback_ports": "443, 8443",
        "console": "[::1]:9000",
        "console_url": "https://console.example.org",
        "time_zone": "America/Chicago",
        "verify_receivers": "always",
        "smtp_security": "tls",
        "sms_gateway": "vonage",
        "sms_url": "https://sms.example.org",
        "alerts_to": "one@example.org, two@example.org",
        "mail_from": "Market <no-reply@example.org>",
    }
    for setting in dataclasses.fields(Settings):
        kind = setting.type if isinstance(setting.type, str) else setting.type.__name__
        text = own.get(setting.name, texts[kind])
        chosen = load({f"HANDCART_{setting.name.upper()}": text})
        assert getattr(chosen, setting.name) == {"str": text, "int": 7, "bool": True}[kind]


def test_no_home_directory_then_a_sentence_and_relative_paths_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/sample")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert Settings().data_directory == Path("/home/sample/.local/share/handcart")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert Settings().data_directory == Path("/data/handcart")
    without_home(monkeypatch)
    with pytest.raises(SettingsError, match="no home directory"):
        _ = Settings().data_directory
    assert Settings(data="/data/handcart").data_directory == Path("/data/handcart")


@pytest.mark.parametrize(
    "url", ["x", "https://", "https://a/b", "https://a?b", "ftp://a", "https://a b", "https://a:b", "https://a:99999"]
)
def test_public_url_that_is_no_origin_then_a_sentence(url: str) -> None:
    with pytest.raises(SettingsError, match="must be https://host"):
        load({"HANDCART_PUBLIC_URL": url})


@pytest.mark.parametrize("name", ["HANDCART_NONSENSE", "HANDCART_", "HANDCART_DATABASE_URL", "HANDCART_PUBLIC-URL"])
def test_unknown_name_then_a_sentence_that_names_it(name: str) -> None:
    with pytest.raises(SettingsError, match=f"there is no setting {name}"):
        load({name: "x"})


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "", " 5", "0x10"])
def test_number_malformed_then_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match="HANDCART_POOL_SIZE must be a whole number of 0 or more"):
        load({"HANDCART_POOL_SIZE": text})


@pytest.mark.parametrize("text", ["", "maybe", "2", "y"])
def test_switch_malformed_then_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match="HANDCART_REFERENCE must be on or off"):
        load({"HANDCART_REFERENCE": text})


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("Yes", True), ("on", True), ("0", False), ("off", False)]
)
def test_switch_then_its_value(text: str, value: bool) -> None:
    assert load({"HANDCART_REFERENCE": text}).reference is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRUSTED_PROXIES", "proxy.example"),
        ("CALLBACK_NETWORKS", "10.1.0.0/33"),
        ("CALLBACK_NETWORKS", "10.1.0.0/16 fd00::/8"),
        ("CALLBACK_PORTS", "0"),
        ("CALLBACK_PORTS", "443, https"),
        ("CALLBACK_PORTS", "65536"),
    ],
)
def test_list_malformed_then_a_sentence(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"HANDCART_{name} has .*separated by commas"):
        load({f"HANDCART_{name}": text})


@pytest.mark.parametrize("name", ["TRUSTED_PROXIES", "CALLBACK_NETWORKS"])
@pytest.mark.parametrize(
    ("text", "network"), [("10.0.0.1/8", "10.0.0.0/8"), ("10.0.0.0/8, fd00::1/8", "fd00::/8"), ("::1/64", "::/64")]
)
def test_network_with_host_bits_then_the_network_to_write(name: str, text: str, network: str) -> None:
    with pytest.raises(SettingsError, match=f"an address inside a network: write {network}$"):
        load({f"HANDCART_{name}": text})


@pytest.mark.parametrize("name", ["", "America", "Chicago", "America/Chicago ", "../UTC", "UTC+1"])
def test_time_zone_unknown_then_a_sentence(name: str) -> None:
    with pytest.raises(SettingsError, match=r"HANDCART_TIME_ZONE has .*: write a time zone such as America/Chicago"):
        load({"HANDCART_TIME_ZONE": name})


def test_no_proxy_on_purpose_then_none_is_trusted() -> None:
    assert load({"HANDCART_TRUSTED_PROXIES": "none"}).proxies == ""
    assert load({"HANDCART_TRUSTED_PROXIES": "10.0.0.1, fd00::/8"}).proxies == "10.0.0.1, fd00::/8"
    with pytest.raises(SettingsError, match="has 'none'"):
        load({"HANDCART_TRUSTED_PROXIES": "none, 10.0.0.1"})


@pytest.mark.parametrize("text", ["Production", "test", "", "sandbox "])
def test_environment_unknown_then_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match="HANDCART_ENVIRONMENT must be production or sandbox"):
        load({"HANDCART_ENVIRONMENT": text})


def test_option_set_then_it_wins_and_none_does_not() -> None:
    environ = {"HANDCART_BRAND": "Sample Co-op", "HANDCART_PUBLIC_URL": "https://a.example"}
    chosen = load(environ, brand="Sample Grocer", public_url=None)
    assert (chosen.brand, chosen.public_url) == ("Sample Grocer", "https://a.example")


def test_issuer_then_the_public_url_without_a_slash() -> None:
    assert Settings(public_url="https://connect.example.org/").issuer == "https://connect.example.org"
    assert Settings(public_url="https://connect.example.org/").is_https
    assert not Settings(public_url="http://connect.example.org").is_https


def test_data_directory_then_the_option_the_variable_or_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/sample")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert Settings().data_directory == Path("/home/sample/.local/share/handcart")
    monkeypatch.setenv("XDG_DATA_HOME", "/var/data")
    assert Settings().data_directory == Path("/var/data/handcart")
    assert Settings(data="~/shop").data_directory == Path("/home/sample/shop")
    assert Settings(data="/srv/shop").database_url == "sqlite:////srv/shop/handcart.db"


def test_key_file_then_beside_the_database_unless_named() -> None:
    assert Settings(database="sqlite:////srv/shop/a.db").key_file == Path("/srv/shop/secret.key")
    assert Settings(database="postgresql://h/d", data="/srv/shop").key_file == Path("/srv/shop/secret.key")
    assert Settings(secret_key_file="/etc/handcart.key").key_file == Path("/etc/handcart.key")


def test_no_key_and_none_may_be_made_then_a_sentence_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no installation at ") as refused:
        settings.keys(Settings(data=str(tmp_path)))
    assert list(tmp_path.iterdir()) == []
    assert str(refused.value) == (
        f"there is no installation at {tmp_path} (no secret.key). If yours is elsewhere, set HANDCART_DATABASE or"
        " HANDCART_DATA. To start a new one here, run `handcart migrate`."
    )
    (tmp_path / "handcart.db").touch()
    with pytest.raises(SettingsError, match=rf"there is no secret key at {tmp_path}/secret\.key: set HANDCART_SECRET_"):
        settings.keys(Settings(data=str(tmp_path)))


def test_no_key_and_one_may_be_made_then_a_private_file_that_is_used_again(tmp_path: Path) -> None:
    chosen = Settings(data=str(tmp_path / "new" / "directory"))
    before = os.umask(0)
    try:
        made = settings.keys(chosen, may_make=True)
    finally:
        os.umask(before)
    assert chosen.key_file.stat().st_mode & 0o777 == 0o600
    assert len(chosen.key_file.read_text().strip()) >= 43
    assert settings.keys(chosen).fingerprint == made.fingerprint
    assert settings.keys(chosen, may_make=True).fingerprint == made.fingerprint


def test_two_installations_then_two_keys(tmp_path: Path) -> None:
    made = [settings.keys(Settings(data=str(tmp_path / name)), may_make=True) for name in "ab"]
    assert made[0].fingerprint != made[1].fingerprint


def test_key_in_the_settings_then_no_file_is_made(tmp_path: Path) -> None:
    assert settings.keys(Settings(data=str(tmp_path), secret_key=KEY), may_make=True).fingerprint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["a-key-of-few", "k" * 31])
def test_key_too_short_then_a_sentence_without_it(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.key").write_text(f"{key}\n")
    for chosen in (Settings(data=str(tmp_path)), Settings(secret_key=key)):
        with pytest.raises(SettingsError, match="the secret key is too short") as refused:
            settings.keys(chosen)
        assert key not in str(refused.value)


def test_settings_then_frozen() -> None:
    chosen: Any = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        chosen.brand = "Other"


@pytest.mark.parametrize(
    "text", ["8090", "localhost", "127.0.0.1:", "127.0.0.1:70000", "::1:80", "http://x:1", "a b:1"]
)
def test_consoles_listener_is_no_address_then_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="HANDCART_CONSOLE"):
        load({"HANDCART_CONSOLE": text})


def test_console_has_a_listener_then_its_url_is_made_from_it() -> None:
    for given, url in (
        ({}, "http://127.0.0.1:8090"),
        ({"console": "[::1]:9000"}, "http://[::1]:9000"),
        ({"console_url": "https://console.example/"}, "https://console.example"),
        ({"console": "public", "public_url": "https://connect.example"}, "https://connect.example"),
        ({"environment": "sandbox", "public_url": "http://localhost:1"}, "http://localhost:1"),
    ):
        assert Settings(**given).console_origin == url, given
