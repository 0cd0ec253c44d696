"""Which addresses a webhook may be sent to: public ones, and networks that the settings allow."""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# translated by a gateway to the IPv4 address in its last four bytes (RFC 6052)
_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED = (
    # relays of 6to4, where an answer may come from anywhere (RFC 7526)
    IPv4Network("192.88.99.0/24"),
    # a public address at which one cloud serves its machines' secrets
    IPv4Network("168.63.129.16/32"),
    # documentation (RFC 9637), which this Python takes for public
    IPv6Network("3fff::/20"),
)
# interface identifiers of ISATAP, before an IPv4 address (RFC 5214)
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


class Networks:
    """Networks that may be reached although they are not public."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    @classmethod
    def of(cls, text: str) -> "Networks":
        """Networks separated by commas; ValueError where one is none."""
        return cls(ip_network(part.strip()) for part in text.split(",") if part.strip())

    def allow(self, text: str) -> bool:
        """Whether this address may be connected to; what is no address may not."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return self._allow(address)

    def _allow(self, address: Address) -> bool:
        inner = embedded(address)
        if any(address in network for network in self._allowed):
            return True
        if inner is not None and not self._allow(inner):
            return False
        return is_public(address) if inner is None else _may_carry(address)


def is_public(address: Address) -> bool:
    """Whether an address belongs to one machine somewhere on the internet."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return all(address not in network for network in _REFUSED)


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address may end up at."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address.packed[8:12] in _ISATAP:
        return IPv4Address(address.packed[12:])
    return None


def _may_carry(address: Address) -> bool:
    """Whether the form around a good IPv4 address is one that leads there and nowhere else."""
    if not isinstance(address, IPv6Address):
        return False
    return address.ipv4_mapped is not None or address in _NAT64 or is_public(address)
