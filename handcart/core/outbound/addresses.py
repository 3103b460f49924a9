"""Which addresses this server may send requests to: public ones, and those that the operator allows.

`ipaddress.is_global` is not enough: it is true for multicast, for 2002:7f00:1::1 (6to4 of 127.0.0.1) and for
64:ff9b::a9fe:a9fe (NAT64 of 169.254.169.254). So this is a list of refused networks, made from IANA's registries of
special-purpose addresses; an address that contains an IPv4 address is checked by that IPv4 address.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network
from typing import TypeVar

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
N = TypeVar("N", IPv4Network, IPv6Network)

_LOOPBACK, _PRIVATE, _LINK_LOCAL = "a loopback address", "a private address", "a link-local address"
_RESERVED, _MULTICAST, _EXAMPLE = "a reserved address", "a multicast address", "an address for documentation"
_TUNNEL, _ITSELF = "an IPv4 address in a tunnel", "an address of this machine itself"
_CLOUD, _PROVIDER = "a cloud platform's own address", "an address inside a provider's network"
_REFUSED = {
    "0.0.0.0/8": _ITSELF,
    "10.0.0.0/8": _PRIVATE,
    "100.64.0.0/10": _PROVIDER,
    "127.0.0.0/8": _LOOPBACK,
    "168.63.129.16/32": _CLOUD,  # Azure's, in a public range
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
    "::/128": _ITSELF,
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
# Networks that no setting may allow in production, because retailers choose the URLs: this machine, its neighbours,
# the services that return a cloud machine's credentials, and networks whose addresses may contain any IPv4 address.
_NEVER_KINDS = (_ITSELF, _LOOPBACK, _LINK_LOCAL, _CLOUD, _TUNNEL)
_NEVER = {
    **{network: kind for network, kind in _REFUSED.items() if kind in _NEVER_KINDS},
    "64:ff9b::/96": _TUNNEL,  # NAT64
    "100.100.100.200/32": _CLOUD,  # Alibaba Cloud
    "192.0.0.192/32": _CLOUD,  # Oracle Cloud
    "fd00:ec2::254/128": _CLOUD,  # Amazon EC2
}
_NETWORKS = [(ip_network(network), kind) for network, kind in _REFUSED.items()]
_NEVER_OPEN = [(ip_network(network), kind) for network, kind in _NEVER.items()]
_OWN = [network for network, kind in _NETWORKS if kind in (_PRIVATE, _LOOPBACK, _LINK_LOCAL, _PROVIDER)]
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA assigns; the rest is reserved
_NAT64 = IPv6Network("64:ff9b::/96")  # reaches IPv4 from a network with IPv6 only


def networks(texts: Iterable[str]) -> Sequence[Network]:
    """Parse networks, such as 10.1.0.0/16. Raises ValueError for any other text."""
    return [ip_network(text.strip(), strict=False) for text in texts]


def danger(network: Network) -> str:
    """The part of a network that callbacks may never reach, such as "127.0.0.0/8, a loopback address"; "" if none."""
    for held, kind in _NEVER_OPEN:
        if network.version == held.version and network.overlaps(held):
            return f"{held}, {kind}"
    return ""


def public_addresses(found: Iterable[Network]) -> tuple[int, int]:
    """The number of IPv4 and of IPv6 addresses in all networks together, without those in private networks."""
    public = [network for network in found if not any(_is_within(network, own) for own in _OWN)]
    return _count(public, IPv4Network), _count(public, IPv6Network)


def _count(found: Iterable[Network], version: type[N]) -> int:
    collapsed = collapse_addresses([network for network in found if isinstance(network, version)])
    return sum(network.num_addresses for network in collapsed)


def _is_within(network: Network, whole: Network) -> bool:
    return network.version == whole.version and network.subnet_of(whole)  # type: ignore[arg-type]


def fault(address: Address, allowed: Sequence[Network] = ()) -> str:
    """Why requests to the address are refused, such as "10.0.0.1 is a private address"; "" if they are allowed."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # the address that the system connects to
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
