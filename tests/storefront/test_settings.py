"""Addresses the shop accepts."""

import pytest

from storefront.settings import Settings

GOOD = {
    "api_url": "https://platform.example",
    "authorize_url": "https://login.platform.example/oauth/authorize?addr=1",
    "public_url": "https://shop.example",
    "client_id": "shop",
    "client_secret": "s3cret",
}


def test_https_everywhere_then_accepted():
    settings = Settings(**GOOD)
    assert settings.redirect_uri == "https://shop.example/account/link/callback"
    assert settings.authorize_origin == "https://login.platform.example"
    assert settings.is_https
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("name", ["api_url", "authorize_url", "public_url", "account_url"])
@pytest.mark.parametrize(
    "url", ["http://shop.example", "shop.example", "", "https://", "ftp://127.0.0.1", "https://shop.example/", "//x"]
)
def test_unsafe_or_incomplete_address_then_refused(name, url):
    with pytest.raises(ValueError, match=name):
        Settings(**{**GOOD, name: url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_plain_http_on_this_machine_then_accepted(url):
    assert not Settings(**{**GOOD, "public_url": url}).is_https


def test_plain_http_allowed_then_any_host():
    assert Settings(**{**GOOD, "api_url": "http://handcart:8080"}, allow_plain_http=True)
    with pytest.raises(ValueError, match="api_url"):
        Settings(**{**GOOD, "api_url": "ftp://handcart:8080"}, allow_plain_http=True)


@pytest.mark.parametrize(
    ("callbacks", "are_taken"),
    [
        ({}, False),
        ({"callback_client_id": "platform", "callback_client_secret": "s3cret-2"}, True),
        ({"callback_client_id": "platform"}, None),
        ({"callback_client_secret": "s3cret-2"}, None),
    ],
)
def test_callback_credentials_given_then_both_are_needed(callbacks, are_taken):
    if are_taken is None:
        with pytest.raises(ValueError, match="both"):
            Settings(**GOOD, **callbacks)
    else:
        settings = Settings(**GOOD, **callbacks, callback_signing_secret="whsec_s3cret")
        assert settings.takes_callbacks == are_taken
        assert "s3cret" not in repr(settings)
