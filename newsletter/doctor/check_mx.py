"""Whether mail reaches us: MX, null MX (RFC 7505), and what protects it on its way (MTA-STS, TLS-RPT, DANE).

Not checkdmarc: of an enforced policy that leaves mx2.quires.org out and ends in a line of blanks, which receivers pass
over, we say error, "does not name mx2.quires.org"; it says "Not a key: value pair" of that line, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr

from newsletter.doctor.dns import Resolver, addresses
from newsletter.doctor.finding import Finding, error, ok, skipped, txt_record, warning
from newsletter.doctor.seams import Unreached, Web
from newsletter.doctor.setup import Setup, Tools, domain_of
from newsletter.doctor.tags import read_tags

LATEST = 31_557_600  #: seconds, a year: the largest max_age of RFC 8461


@dataclass(frozen=True, slots=True)
class Servers:
    """Where mail to a domain goes."""

    exists: bool  #: the domain
    null: bool = False  #: it says that it takes no mail
    implicit: bool = False  #: no MX: the domain's own address
    hosts: tuple[str, ...] = ()  #: best first
    lost: tuple[str, ...] = ()  #: of these, those without an address


async def servers(domain: str, resolver: Resolver) -> Servers:
    """Look up where mail to a domain goes; raises Unanswered."""
    answer = await resolver.ask(domain, "MX")
    records = sorted(map(_ranked, answer.values))
    if not records:
        found = await addresses(resolver, domain)
        return Servers(answer.exists or bool(found), implicit=bool(found), hosts=(domain,) if found else ())
    hosts = tuple(host for _, host in records if host != ".")
    placed = await asyncio.gather(*(addresses(resolver, host) for host in hosts))
    lost = tuple(host for host, found in zip(hosts, placed, strict=True) if not found)
    return Servers(True, not hosts, False, hosts, lost)


def _ranked(record: str) -> tuple[int, str]:
    rank, _, host = record.partition(" ")
    return int(rank), host


async def check_mx(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check that replies and bounces arrive."""
    wanted = {"From": setup.sender_address, "Reply-To": setup.reply_to, "bounces": setup.bounces}
    by_domain: dict[str, list[str]] = {}
    for name, address in wanted.items():
        if domain := domain_of(parseaddr(address)[1]):
            by_domain.setdefault(domain, []).append(name)
    found = [domain_receives(" and ".join(names), domain, tools) for domain, names in by_domain.items()]
    return tuple(await asyncio.gather(*found))


async def domain_receives(who: str, domain: str, tools: Tools) -> Finding:
    """Check that a domain takes mail; `who`: whose mail it is. Raises Unanswered."""
    name, place = f"mail to {domain}", f"({who})"
    found = await servers(domain, tools.resolver)
    if found.null:
        return error(name, f"null MX: the domain says that it takes no mail {place}", _PUBLISH_MX)
    if not found.hosts:
        why = "has neither MX nor address" if found.exists else "does not exist in DNS"
        return error(name, f"the domain {why} {place}", _PUBLISH_MX)
    if found.implicit:
        return warning(name, f"no MX, only an address: some servers refuse such a sender {place}", _PUBLISH_MX)
    if found.lost:
        lost = ", ".join(found.lost)
        worse = error if len(found.lost) == len(found.hosts) else warning
        return worse(name, f"no address for its MX {lost} {place}", "Give these hosts an A or AAAA record.")
    return ok(name, f"{', '.join(found.hosts)} {place}")


_PUBLISH_MX = "Publish an MX record that leads to a server with a mailbox for it, or use an address that has one."


async def check_tls_reporting(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check MTA-STS, TLS-RPT and DANE, all of which are optional."""
    domains = dict.fromkeys(filter(None, (setup.domain, setup.envelope_domain)))
    found = await asyncio.gather(*(_protected(domain, tools) for domain in domains))
    return tuple(finding for some in found for finding in some)


async def _protected(domain: str, tools: Tools) -> tuple[Finding, ...]:
    hosts = (await servers(domain, tools.resolver)).hosts
    if not hosts:
        return (skipped(f"TLS to {domain}", "no server takes mail for it"),)
    return (
        await _mta_sts(domain, hosts, tools.resolver, tools.web),
        await _tls_reports(domain, tools.resolver),
        await _dane(domain, hosts, tools.resolver),
    )


async def _mta_sts(domain: str, hosts: Iterable[str], resolver: Resolver, web: Web) -> Finding:
    name = f"MTA-STS of {domain}"
    texts = [text for text in (await resolver.ask(f"_mta-sts.{domain}", "TXT")).values if text.startswith("v=STSv1")]
    if not texts:
        return ok(name, "none (optional: it keeps mail to you from travelling in clear)")
    if len(texts) > 1:
        return warning(name, "several records, which count as none", "Leave one TXT record there.")
    try:
        page = await web.ask("GET", f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    except Unreached as trouble:
        return warning(name, f"announced, but the policy cannot be read: {trouble}", _SERVE_POLICY)
    if page.status != 200:
        return warning(name, f"announced, but the policy answers {page.status}", _SERVE_POLICY)
    return _judged(name, read_sts(page.text), tuple(hosts))


_SERVE_POLICY = "Serve the policy there with a valid certificate, or take the _mta-sts record away."


@dataclass(frozen=True, slots=True)
class Sts:
    """A policy file of RFC 8461."""

    mode: str
    age: int
    patterns: tuple[str, ...]
    problem: str = ""


def read_sts(text: str) -> Sts:
    """Read a policy file; never raises."""
    lines = [line.partition(":") for line in text.splitlines() if ":" in line]
    pairs = [(key.strip(), value.strip()) for key, _, value in lines]
    first = dict(reversed(pairs))  # of two with one name, the first counts
    patterns = tuple(value.lower() for key, value in pairs if key == "mx")
    mode, age = first.get("mode", ""), first.get("max_age", "")
    problem = ""
    if first.get("version") != "STSv1":
        problem = "the policy does not begin with version: STSv1"
    elif mode not in ("enforce", "testing", "none"):
        problem = "its mode is none of enforce, testing, none"
    elif not (age.isdecimal() and len(age) < 10 and int(age) <= LATEST):
        problem = "its max_age is no number of seconds up to a year"
    elif mode != "none" and not patterns:
        problem = "it names no mx"
    return Sts(mode, int(age) if not problem else 0, patterns, problem)


def covered(host: str, pattern: str) -> bool:
    """Whether a pattern names a host; "*" in "*.example.org" stands for exactly one label."""
    return host.partition(".")[2] == pattern[2:] if pattern.startswith("*.") else host == pattern


def _judged(name: str, policy: Sts, hosts: tuple[str, ...]) -> Finding:
    if policy.problem:
        return warning(name, policy.problem, "Mend the policy file: RFC 8461 3.2 says how it is written.")
    missing = [host for host in hosts if not any(covered(host, pattern) for pattern in policy.patterns)]
    if policy.mode == "none" or not missing:
        return ok(name, f"mode {policy.mode}")
    found = f"mode {policy.mode}, but the policy does not name {', '.join(missing)}"
    todo = "Add an mx line for each MX: in mode enforce, mail to others is not delivered."
    return (error if policy.mode == "enforce" else warning)(name, found, todo)


async def _tls_reports(domain: str, resolver: Resolver) -> Finding:
    name = f"TLS-RPT of {domain}"
    answer = await resolver.ask(f"_smtp._tls.{domain}", "TXT")
    texts = [text for text in answer.values if text.startswith("v=TLSRPTv1")]
    if not texts:
        return ok(name, "none (optional: reports of trouble with TLS)")
    try:
        target = read_tags(texts[0]).get("rua", "")
    except ValueError as trouble:
        return warning(name, str(trouble), "Mend the record.")
    if len(texts) > 1 or not target.lower().startswith(("mailto:", "https:")):
        record = txt_record(f"_smtp._tls.{domain}", f"v=TLSRPTv1; rua=mailto:postmaster@{domain}")
        return warning(name, "no report can be sent by it", "Publish one record with an address in rua=.", record)
    return ok(name, f"reports to {target}")


async def _dane(domain: str, hosts: Iterable[str], resolver: Resolver) -> Finding:
    name = f"DANE of {domain}"
    best = next(iter(hosts))
    answer = await resolver.ask(f"_25._tcp.{best}", "TLSA")
    if not answer.values:
        return ok(name, "none (optional: it needs DNSSEC)")
    if not answer.secure:
        return ok(name, f"TLSA records of {best}; whether DNSSEC covers them, this machine's resolver does not say")
    return ok(name, f"TLSA records of {best}, covered by DNSSEC")
