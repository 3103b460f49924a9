import httpx
import pytest
from handcart_client.urls import require_secure, user_path


@pytest.mark.parametrize(
    "url",
    [
        "https://connect.example.com",
        "HTTPS://connect.example.com:8443/prefix",
        "http://localhost:8000",
        "http://LOCALHOST",
        "http://shop.localhost:80",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://[::1]:8000/",
    ],
)
def test_url_is_https_or_of_this_machine_then_accepted(url: str) -> None:
    assert require_secure(url, "base_url") == httpx.URL(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://connect.example.com",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://2130706433",
        "ftp://localhost",
        "//connect.example.com",
        "connect.example.com",
        "https://",
        "https:///path",
        "https://connect.example.com:port",
        "https://user:password@connect.example.com",
        "http://localhost@connect.example.com",
        "",
        "\n",
    ],
)
def test_url_not_secure_then_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"^base_url ") as caught:
        require_secure(url, "base_url")
    assert "password@" not in str(caught.value)


@pytest.mark.parametrize(
    ("user_id", "segment"),
    [
        ("38b15dd0-150d-40cf-9c8a-963b0e6c6b9f", "38b15dd0-150d-40cf-9c8a-963b0e6c6b9f"),
        ("member@example.com", "member%40example.com"),
        ("a+b c", "a%2Bb%20c"),
        ("a/../b", "a%2F..%2Fb"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("a?b#c;d", "a%3Fb%23c%3Bd"),
        ("é\U0001f600", "%C3%A9%F0%9F%98%80"),
        ("...", "..."),
        ("\x00\r\n", "%00%0D%0A"),
    ],
)
def test_user_id_in_a_path_then_encoded_once(user_id: str, segment: str) -> None:
    url = httpx.URL("https://connect.example.com/prefix" + user_path(user_id, "link"))
    assert url.raw_path.decode() == f"/prefix/v2/fulfillment/users/{segment}/link"


@pytest.mark.parametrize("user_id", ["", ".", ".."])
def test_user_id_that_paths_swallow_then_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match="user id"):
        user_path(user_id, "link")
