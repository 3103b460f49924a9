"""URLs: no spelling may lead to another host than the one that is checked."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handcart.core.outbound.urls import RequestRefused, UrlRules, check_url, read

OPEN = UrlRules(allow_http=True, allow_ports=range(1, 65536), allow_networks=("127.0.0.0/8", "::1/128"))

# Literal addresses and what resolvers, browsers or libraries may take for one.
BAD_HOSTS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.0.0.1. 127.255.255.254 0.0.0.0 0 0. 2130706433 2130706433. 017700000001
0177.0.0.1 0x7f.0.0.1 0x7f000001 0X7F000001 0x7f.1 127.0x1 127.0.0.01 0x 127.0.0.0x1 1e1.0x7f
10.0.0.1 10.1 172.16.0.1 172.31.255.255 192.168.1.1 192.168.257 100.64.0.1 100.100.100.200
169.254.169.254 169.254.169.254. 169.16689662 2852039166 0xa9fea9fe 0251.0376.0251.0376 168.63.129.16
192.0.0.192 192.0.2.1 198.18.0.1 203.0.113.7 224.0.0.1 240.0.0.1 255.255.255.255 256.1.1.1 1.2.3.4.5 4294967296
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::FFFF:7f00:1] [::ffff:a9fe:a9fe] [::127.0.0.1] [::ffff:0:7f00:1]
[64:ff9b::a9fe:a9fe] [64:ff9b::127.0.0.1] [64:ff9b:1::a00:1] [2002:7f00:1::1] [2001:0:7f00:1::] [fd00:ec2::254]
[fe80::1] [fe80::1%eth0] [fe80::1%25eth0] [2606:4700::1111%1] [fec0::1] [ff02::1] [5f00::1] [2001:db8::1] [v1.x] [] [1]
"""

BAD_URLS = [
    "http://receiver.example/",  # not over TLS
    *(f"{scheme}:/etc/passwd" for scheme in ("file", "gopher", "javascript", "ftp", "data", "unix", "httpss", "")),
    *("", "//receiver.example/", "receiver.example", "https:", "https:/", "https://", "https:///path", "https://:443/"),
    *("https://user@receiver.example/", "https://user:pw@receiver.example/", "https://receiver.example@127.0.0.1/"),
    *(
        f"https://receiver.example:{port}/"
        for port in ("22", "80", "0", "65536", "99999", "-1", "4 43", "443a", "\uff11")
    ),
    *("https://receiver.example:443:443/", "https://[2606:4700::1111]443/", "https://2606:4700::1111/"),
    *(f"https://receiver.example/{bad}" for bad in ("\n", "\r\nX: y", "\t", " ", "\0", "\x7f", "é", "\ud800", "\\")),
    *("\nhttps://receiver.example/", " https://receiver.example/", "https://receiver.example/\u2028"),
    *("https://receiver.example\\@127.0.0.1/", "https:\\\\receiver.example/", "https://receiver.example#@127.0.0.1/"),
    *(f"https://{host}/" for host in ("a..b", ".a", "a..", "-a.example", "a-.example", "a%2eb", "a*b", "a b", "a,b")),
    *("https://①②⑦.⓪.⓪.①/", "https://\uff11\uff12\uff17.0.0.1/", "https://bücher.example/", "https://loca\u00adlhost/"),
    *(f"https://{host}/" for host in ("a" * 64 + ".example", "a." * 127 + "a")),
    "https://receiver.example/" + "a" * 3000,
    "https://receiver.example/#part",
]

GOOD_URLS = [
    ("https://receiver.example", ("receiver.example", 443, "receiver.example", "/")),
    ("https://receiver.example/", ("receiver.example", 443, "receiver.example", "/")),
    ("HTTPS://Receiver.EXAMPLE/Hooks?a=B", ("receiver.example", 443, "receiver.example", "/Hooks?a=B")),
    ("https://receiver.example:443/", ("receiver.example", 443, "receiver.example", "/")),
    ("https://receiver.example:/", ("receiver.example", 443, "receiver.example", "/")),
    ("https://receiver.example:8443/a", ("receiver.example", 8443, "receiver.example:8443", "/a")),
    ("https://receiver.example.:8443/a", ("receiver.example.", 8443, "receiver.example.:8443", "/a")),
    ("https://receiver.example?a=b", ("receiver.example", 443, "receiver.example", "/?a=b")),
    ("https://receiver.example//a/../b", ("receiver.example", 443, "receiver.example", "//a/../b")),
    ("https://receiver.example/%0d%0a%20", ("receiver.example", 443, "receiver.example", "/%0d%0a%20")),
    (
        "https://receiver.example/@x:y?u=http://a@b",
        (*("receiver.example", 443, "receiver.example"), "/@x:y?u=http://a@b"),
    ),
    ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/")),
    ("https://a_b.example/", ("a_b.example", 443, "a_b.example", "/")),
    ("https://127.0.0.1.example/", ("127.0.0.1.example", 443, "127.0.0.1.example", "/")),
    ("https://1.example/", ("1.example", 443, "1.example", "/")),
    ("https://0x7f.example/", ("0x7f.example", 443, "0x7f.example", "/")),
    ("https://receiver/", ("receiver", 443, "receiver", "/")),
    ("https://8.8.8.8/", ("8.8.8.8", 443, "8.8.8.8", "/")),
    ("https://[2606:4700::1111]/", ("2606:4700::1111", 443, "[2606:4700::1111]", "/")),
    ("https://[2606:4700::1111]:8443/", ("2606:4700::1111", 8443, "[2606:4700::1111]:8443", "/")),
    ("https://[64:ff9b::8.8.8.8]/", ("64:ff9b::8.8.8.8", 443, "[64:ff9b::8.8.8.8]", "/")),
    ("https://receiver.example/" + "a" * 2023, ("receiver.example", 443, "receiver.example", "/" + "a" * 2023)),
    (f"https://{'a' * 63}.example/", (f"{'a' * 63}.example", 443, f"{'a' * 63}.example", "/")),
]


@pytest.mark.parametrize("host", BAD_HOSTS.split())
def test_host_is_a_refused_address_or_may_be_taken_for_one_then_refused(host: str) -> None:
    for url in (f"https://{host}/", f"https://{host}:443/hook?a=b"):
        with pytest.raises(RequestRefused, match=r"^blocked: .* (is|could) "):
            check_url(url, UrlRules())


@pytest.mark.parametrize("url", BAD_URLS, ids=ascii)
def test_url_unfit_then_refused_in_a_short_sentence(url: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_url(url, UrlRules())
    assert str(refused.value).startswith("blocked: ")
    assert len(str(refused.value)) < 160
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(("url", "expected"), GOOD_URLS, ids=lambda value: str(value)[:40])
def test_url_fit_then_read_as_it_says(url: str, expected: tuple[str, int, str, str]) -> None:
    target = read(url, UrlRules(allow_ports=(8443,)))
    assert (target.host, target.port, target.authority, target.path) == expected
    assert target.is_tls


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        (UrlRules(), "https://a.example/", "https://a.example:8443/"),
        (UrlRules(allow_ports=(8443,)), "https://a.example/ https://a.example:8443/", "http://a.example/"),
        (
            UrlRules(allow_http=True),
            "http://a.example/ http://a.example:80/",
            "https://a.example:80/ http://a.example:81/",
        ),
        (UrlRules(allow_networks=["10.0.0.0/8"]), "https://10.0.0.1/ https://[::ffff:10.0.0.1]/", "https://127.0.0.1/"),
        (
            UrlRules(allow_networks=["0.0.0.0/0", "::/0"]),
            "https://127.0.0.1/ https://[::1]/",
            "https://127.1/ https://0/",
        ),
        (OPEN, "http://127.0.0.1:1/ https://[::1]:65535/", "https://[::2]/ ftp://127.0.0.1/ https://127.0.0.1:0/"),
    ],
)
def test_rules_then_what_they_allow_and_no_more(rules: UrlRules, good: str, bad: str) -> None:
    for url in good.split():
        check_url(url, rules)
    for url in bad.split():
        with pytest.raises(RequestRefused):
            check_url(url, rules)


@pytest.mark.parametrize("network", ["", "10.0.0.0/33", "example.org", "10.0.0.0-10.0.0.9"])
def test_rules_name_no_network_then_refused(network: str) -> None:
    with pytest.raises(ValueError, match=network or "''"):
        UrlRules(allow_networks=(network,))


PIECES = "https:// http:// [ ] :: 127.0.0.1 0x7f 1 . % @ : 443 / ? # \\ \n xn-- - _ a é \uff11 \ud800 ffff 64:ff9b"


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES.split(" "))).map("".join)))
@example("1." * 1000)
@example("[" + "0:" * 1000 + "]")
@example("a-" * 1000)
def test_any_text_then_read_or_refused_and_nothing_else(text: str) -> None:
    for rules in (UrlRules(), OPEN):
        for url in (text, "https://" + text):
            with suppress(RequestRefused):
                target = read(url, rules)
                assert target.path.startswith("/")
                assert target.host
                assert f"{target.authority}{target.path}".isascii()
