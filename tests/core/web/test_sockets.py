"""The three addresses of a listening socket."""

import pytest

from handcart.core.web import sockets
from handcart.core.web.sockets import browser_url, is_loopback, is_this_machine, listen, own_url


@pytest.mark.parametrize(
    ("host", "own", "browser"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1", "localhost"),
        ("0.0.0.0", "127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]", "localhost"),
        ("::", "[::1]", "localhost"),
    ],
)
def test_host_to_listen_on_then_where_this_machine_and_browsers_reach_it(host: str, own: str, browser: str) -> None:
    with listen(host, 0) as bound:
        port = bound.getsockname()[1]
        assert own_url(bound) == f"http://{own}:{port}"
        assert browser_url(bound, host) == f"http://{browser}:{port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "demo.localhost"])
def test_this_machine_then_loopback(host: str) -> None:
    assert is_loopback(host)
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "10.0.0.1", "localhost.example", "127.0.0.1.example", "0.0.0.0"])
def test_another_machine_then_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_address_of_an_interface_then_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_this_machine("192.0.2.250")
    assert not is_this_machine("shop.example")
    monkeypatch.setattr(sockets, "is_loopback", lambda host: False)
    assert is_this_machine("127.0.0.1")
