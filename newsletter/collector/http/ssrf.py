"""Which machines a request may reach: where an address comes from somebody else's data, only the public internet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from newsletter.errors import SourceError

if TYPE_CHECKING:
    import httpx

GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")  #: the last four bytes are an IPv4 address

Lookup = Callable[[str, int], Awaitable[tuple[str, ...]]]  #: (host, port) → its addresses


async def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host. Connect to one of these, not to the name, which may lead elsewhere a moment later.

    Raises SourceError if even one of them is not public, OSError or UnicodeError if the host has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return checked(host, (str(place[4][0]) for place in found))


def checked(host: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """The same addresses, each once. Raises SourceError unless all of them are public."""
    unique = tuple(dict.fromkeys(addresses))
    for address in unique:
        if not is_public(address):
            raise SourceError(f"{host} leads to {address}, which is not on the public internet")
    return unique


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, whatever it is wrapped in."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = _wrapped(ip)
        if inner is None:
            return ip in GLOBAL_UNICAST and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a packet to this one ends at."""
    if ip in NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


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
