"""Whether the world can know the name of a host."""

from __future__ import annotations

from ipaddress import ip_address

NOWHERE = ("localhost", "local", "localdomain", "internal", "test", "invalid", "example", "lan", "home.arpa")
SAMPLES = ("example.org", "example.com", "example.net")


def reachable_name(host: str) -> str:
    """Return "" where the world may find this host; else why not."""
    try:
        return "" if ip_address(host).is_global else "is an address of a private network"
    except ValueError:
        pass
    if any(host == name or host.endswith(f".{name}") for name in NOWHERE) or "." not in host:
        return "is a name that only this network knows"
    if any(host == name or host.endswith(f".{name}") for name in SAMPLES):
        return "is the name of the examples"
    return ""
