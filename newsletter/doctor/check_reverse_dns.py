"""Where our mails leave for the world: this machine's addresses with their names, or a provider's relay."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from newsletter.doctor.check_relay import HERE
from newsletter.doctor.dns import Resolver, Unanswered, addresses
from newsletter.doctor.finding import Finding, error, ok, skipped, warning
from newsletter.doctor.seams import RelaySetup
from newsletter.doctor.setup import Setup, Tools

#: Addresses that nobody has, of documentation: asking the system how it would reach them sends nothing.
_ANYWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True, slots=True)
class Origin:
    """What receivers will see as the sender's address."""

    relay: RelaySetup
    here: bool  #: the relay is this machine
    addresses: tuple[str, ...] = ()  #: public ones of this machine; of a provider's relay nobody but the provider knows


def own_addresses() -> tuple[str, ...]:
    """The addresses that this machine sends from: behind NAT, private ones."""
    found = []
    for family, target in _ANYWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((target, 25))
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue
    return tuple(found)


async def origin(relay: RelaySetup, tools: Tools) -> Origin:
    """Find where the mails of a relay leave: behind NAT, by the name that we greet with. Raises Unanswered."""
    own = await asyncio.to_thread(tools.own_addresses)
    if not await is_here(relay.host, own, tools.resolver):
        return Origin(relay, False)
    public = tuple(address for address in own if ip_address(address).is_global)
    if not public and "." in relay.hello_name:
        named = await addresses(tools.resolver, relay.hello_name)
        public = tuple(address for address in named if ip_address(address).is_global)
    return Origin(relay, True, public)


async def is_here(host: str, own: tuple[str, ...], resolver: Resolver) -> bool:
    """Whether a host is this machine. Raises Unanswered."""
    if host in HERE:
        return True
    try:
        address = ip_address(host)
        return address.is_loopback or str(address) in own
    except ValueError:
        return bool(set(own) & set(await addresses(resolver, host)))


async def check_reverse_dns(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check that PTR records are forward-confirmed: the large providers take no mail without."""
    found: list[Finding] = []
    for relay in setup.relays:
        place = await origin(relay, tools)
        if not place.here:
            found.append(skipped("reverse DNS", f"{relay.host} sends for us: its addresses are its provider's matter"))
        elif not place.addresses:
            why = "this machine's public address is not known: set [smtp] hello_name to its name in the DNS"
            found.append(skipped("reverse DNS", why))
        found += [await _confirmed(address, tools.resolver) for address in place.addresses]
        found.append(await _greeting(relay, place, tools.resolver))
    return tuple(found)


async def _confirmed(address: str, resolver: Resolver) -> Finding:
    name = f"reverse DNS of {address}"
    names = (await resolver.ask(ip_address(address).reverse_pointer, "PTR")).values[:10]
    for host in names:
        if address in await addresses(resolver, host):
            return ok(name, f"{host}, which leads back")
    todo = "Have it set by who gives you the address, to a name that has it as its A or AAAA record."
    return error(name, f"{', '.join(names)}: does not lead back" if names else "none", todo)


async def _greeting(relay: RelaySetup, place: Origin, resolver: Resolver) -> Finding:
    name = "hello_name"
    if not relay.hello_name:
        return ok(name, "this machine's own name")
    if "." not in relay.hello_name:
        return warning(name, f"{relay.hello_name} is no full name", "Write it with its domain, or leave it out.")
    found = await addresses(resolver, relay.hello_name)
    if not found:
        return warning(name, f"{relay.hello_name} has no address in DNS", "Give it an A or AAAA record.")
    if place.addresses and not set(found) & set(place.addresses):
        todo = "Greet with the name of the address that the mails come from."
        return warning(name, f"{relay.hello_name} leads to {', '.join(found)}, which is not this machine", todo)
    return ok(name, f"{relay.hello_name} ({', '.join(found)})")


async def origins(setup: Setup, tools: Tools) -> tuple[Origin, ...]:
    """The origins of all relays; those that cannot be looked up are left out."""
    found = []
    for relay in setup.relays:
        try:
            found.append(await origin(relay, tools))
        except Unanswered:
            continue
    return tuple(found)
