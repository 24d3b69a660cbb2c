"""Which machines a request may reach: the private network only where the maintainer names it.

address in somebody else's data, or where a redirect leads    the public internet alone
name in the configuration                                     the same, unless its source says `private = true`
IP address or localhost in the configuration                  what it says
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import chain, zip_longest
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from newsletter.errors import SourceError

if TYPE_CHECKING:
    import httpx

_IPV4 = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"""
#: Of IANA's registries, what a packet does not leave a network for. Python's own lists differ from version to version.
NOT_PUBLIC = tuple(IPv4Network(network) for network in _IPV4.split())
METADATA = (IPv4Address("168.63.129.16"),)  #: Azure's; those of other clouds are in the networks above
GLOBAL_UNICAST = IPv6Network("2000::/3")
#: of it: Teredo, ORCHID, benchmarks and the like; documentation, twice
NOT_PUBLIC_6 = (IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
NAT64 = IPv6Network("64:ff9b::/96")  #: the last four bytes are an IPv4 address
ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")  #: before the last four bytes, which are one


class NotPublic(SourceError):
    """A host that is, or may be, in a private network."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} leads to {address}, which is not on the public internet")
        self.host = host


Lookup = Callable[[str, int], Awaitable[tuple[str, ...]]]  #: (host, port) → its addresses


async def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host. Connect to one of these, not to the name, which may lead elsewhere a moment later.

    Raises NotPublic if even one of them is not public, OSError or UnicodeError if the host has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return checked(host, (str(place[4][0]) for place in found))


def checked(host: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """The same addresses, each once. Raises NotPublic unless all of them are public."""
    unique = tuple(dict.fromkeys(addresses))
    for address in unique:
        if not is_public(address):
            raise NotPublic(host, address)
    return unique


def by_turns(addresses: Iterable[str]) -> tuple[str, ...]:
    """The same addresses, one of each family in turn: where one family leads nowhere, the second try succeeds."""
    found = tuple(addresses)
    first = [address for address in found if (":" in address) is (":" in found[0])]
    other = [address for address in found if address not in first]
    return tuple(address for address in chain.from_iterable(zip_longest(first, other)) if address)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, whatever it is wrapped in."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return _is_public_ipv4(ip)
    inner = _wrapped(ip)
    if inner is not None:
        return _is_public_ipv4(inner)
    return (
        ip in GLOBAL_UNICAST
        and not any(ip in network for network in NOT_PUBLIC_6)
        and not (ip.packed[8:12] in ISATAP and not _is_public_ipv4(IPv4Address(ip.packed[-4:])))
        and ip.is_global
    )


def _is_public_ipv4(ip: IPv4Address) -> bool:
    return ip not in METADATA and not any(ip in network for network in NOT_PUBLIC) and ip.is_global


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a packet to this one ends at."""
    if ip in NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


def says_where(host: str) -> bool:
    """Whether a host in the configuration is an IP address or this machine, and no name that others may point inside.

    "127.1" and "0x7f.1" are names here: nobody writes them but to hide what they are.
    """
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        ip_address(bare)
    except ValueError:
        return False
    return True


def same_place(old: httpx.URL, new: httpx.URL) -> bool:
    """The same origin, or its step up from http to https."""
    upgrade = (old.scheme, old.port, new.scheme, new.port) == ("http", None, "https", None)
    return old.raw_host == new.raw_host and (upgrade or (old.scheme, old.port) == (new.scheme, new.port))


def pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to one address of the host; the certificate is still that of the name."""
    import httpx

    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        content=request.content,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )


def proxy_for(url: httpx.URL) -> str:
    """The proxy that the environment names for an address; "" for none. A proxied request cannot be pinned."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"
