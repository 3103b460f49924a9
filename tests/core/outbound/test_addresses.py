"""Addresses: which are allowed, at the edges of every refused network and for all that contain an IPv4 address."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handcart.core.outbound.addresses import fault, networks

# The last address before a refused network, its first and last, and the next one.
EDGES = """
0.0.0.0 0.255.255.255 | 1.0.0.0
10.0.0.0 10.255.255.255 | 9.255.255.255 11.0.0.0
100.64.0.0 100.100.100.200 100.127.255.255 | 100.63.255.255 100.128.0.0
127.0.0.0 127.255.255.255 | 126.255.255.255 128.0.0.0
168.63.129.16 | 168.63.129.15 168.63.129.17
169.254.0.0 169.254.169.254 169.254.255.255 | 169.253.255.255 169.255.0.0
172.16.0.0 172.31.255.255 | 172.15.255.255 172.32.0.0
192.0.0.0 192.0.0.192 192.0.2.255 | 191.255.255.255 192.0.3.0
192.88.99.0 192.88.99.255 | 192.88.98.255 192.88.100.0
192.168.0.0 192.168.255.255 | 192.167.255.255 192.169.0.0
198.18.0.0 198.19.255.255 | 198.17.255.255 198.20.0.0
198.51.100.0 203.0.113.255 | 198.51.99.255 203.0.114.0
224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 | 223.255.255.255
:: ::1 ::7f00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:7f00:1 | ::ffff:8.8.8.8
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b::e000:1 64:ff9b::1:0:0 | 64:ff9b::808:808
64:ff9b:1::a00:1 64:ff9b:1::808:808 100::1 1fff:ffff:: 4000:: 5f00::1 |
2001:: 2001:0:7f00:1:: 2001:10::1 2001:1ff:ffff:: 2001:db8::1 | 2001:200:: 2001:db7:ffff:: 2001:db9::
2002:7f00:1::1 2002:808:808::1 2002:ffff:ffff:: | 2003::1
3fff:: 3fff:fff:ffff:: | 3ffe:ffff:: 3fff:1000::
fc00:: fd00:ec2::254 fdff:ffff:: fe80::1 febf:ffff:: fec0::1 ff02::1 ffff:ffff:: | 2606:4700::1111 2a00:1450::1
"""


@pytest.mark.parametrize("line", EDGES.strip().splitlines())
def test_addresses_at_the_edges_then_refused_within_and_allowed_outside(line: str) -> None:
    bad, good = ([ip_address(text) for text in half.split()] for half in line.split("|"))
    assert [address for address in bad if not fault(address)] == []
    assert [reason for address in good if (reason := fault(address))] == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1 is a private address"),
        ("::ffff:10.0.0.1", "10.0.0.1 is a private address"),
        ("64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe stands for 169.254.169.254 is a link-local address"),
        ("2002:7f00:1::1", "2002:7f00:1::1 is an IPv4 address in a tunnel"),
        ("4000::1", "4000::1 is a reserved address"),
    ],
)
def test_address_refused_then_the_reason_names_it(address: str, expected: str) -> None:
    assert fault(ip_address(address)) == expected


@pytest.mark.parametrize(
    ("allowed", "good", "bad"),
    [
        (["10.1.0.0/16"], "10.1.2.3 ::ffff:10.1.2.3 64:ff9b::a01:203", "10.2.0.0 127.0.0.1 2002:a01:203::"),
        ([" fd12::7/16"], "fd12::1 fd12:ffff::", "fd13::1 ::1"),
        (["0.0.0.0/0"], "0.0.0.0 127.0.0.1 169.254.169.254 255.255.255.255 ::ffff:127.0.0.1 64:ff9b::7f00:1", "::1"),
        (["::/0"], ":: ::1 fe80::1 2002:7f00:1::1 ff02::1", "127.0.0.1 ::ffff:127.0.0.1"),
    ],
)
def test_network_allowed_then_its_addresses_and_no_others(allowed: list[str], good: str, bad: str) -> None:
    assert [text for text in good.split() if fault(ip_address(text), networks(allowed))] == []
    assert [text for text in bad.split() if not fault(ip_address(text), networks(allowed))] == []


@given(st.ip_addresses())
@example(IPv6Address("5f00::1"))
def test_any_address_allowed_then_python_takes_it_for_a_public_one(address: IPv4Address | IPv6Address) -> None:
    # The reverse does not hold: Python takes some for public that are not, see the module's docstring.
    inner = getattr(address, "ipv4_mapped", None) or address
    assert fault(address) or (inner.is_global and not inner.is_multicast)
