"""Which addresses of other machines this server may ask: public ones, and those the operator allows besides.

`ipaddress.is_global` alone would not do: it is true for multicast, for 2002:7f00:1::1 (6to4 of 127.0.0.1) and for
64:ff9b::a9fe:a9fe (NAT64 of 169.254.169.254). So this is a list of what is refused, made from IANA's registries of
special-purpose addresses, and addresses that carry an IPv4 address are judged by what they carry.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LOOPBACK, _PRIVATE, _LINK_LOCAL = "a loopback address", "a private address", "a link-local address"
_RESERVED, _MULTICAST, _EXAMPLE = "a reserved address", "a multicast address", "an address for documentation"
_TUNNEL = "an IPv4 address in a tunnel"
_REFUSED = {
    "0.0.0.0/8": "an address of this machine itself",
    "10.0.0.0/8": _PRIVATE,
    "100.64.0.0/10": "an address inside a provider's network",
    "127.0.0.0/8": _LOOPBACK,
    "168.63.129.16/32": "a cloud platform's own address",  # Azure's, in a public range
    "169.254.0.0/16": _LINK_LOCAL,
    "172.16.0.0/12": _PRIVATE,
    "192.0.0.0/24": _RESERVED,
    "192.0.2.0/24": _EXAMPLE,
    "192.88.99.0/24": _RESERVED,
    "192.168.0.0/16": _PRIVATE,
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": _EXAMPLE,
    "203.0.113.0/24": _EXAMPLE,
    "224.0.0.0/4": _MULTICAST,
    "240.0.0.0/4": _RESERVED,
    "::/128": "an address of this machine itself",
    "::1/128": _LOOPBACK,
    "::/96": _TUNNEL,  # IPv4-compatible
    "::ffff:0:0:0/96": _TUNNEL,  # IPv4-translated
    "64:ff9b:1::/48": _TUNNEL,  # NAT64 inside one network
    "2001::/32": _TUNNEL,  # Teredo
    "2001::/23": _RESERVED,
    "2001:db8::/32": _EXAMPLE,
    "2002::/16": _TUNNEL,  # 6to4
    "3fff::/20": _EXAMPLE,
    "fc00::/7": _PRIVATE,
    "fe80::/10": _LINK_LOCAL,
    "fec0::/10": _PRIVATE,
    "ff00::/8": _MULTICAST,
}
_NETWORKS = [(ip_network(network), kind) for network, kind in _REFUSED.items()]
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA gives out; the rest is reserved
_NAT64 = IPv6Network("64:ff9b::/96")  # how a network that has IPv6 alone reaches IPv4


def networks(texts: Iterable[str]) -> Sequence[Network]:
    """Networks as an operator writes them, such as 10.1.0.0/16. Raises ValueError for what is none."""
    return [ip_network(text.strip(), strict=False) for text in texts]


def fault(address: Address, allowed: Sequence[Network] = ()) -> str:
    """Why the address may not be asked, such as "10.0.0.1 is a private address"; "" if it may."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # what the system connects to
    if any(address in network for network in allowed):
        return ""
    for network, kind in _NETWORKS:
        if address in network:
            return f"{address} is {kind}"
    if isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST:
        return ""
    if address in _NAT64:
        inner = fault(IPv4Address(int(address) & 0xFFFF_FFFF), allowed)
        return inner and f"{address} stands for {inner}"
    return f"{address} is {_RESERVED}"
