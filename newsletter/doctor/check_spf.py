"""SPF: whether our mails come from where the domain says that they do.

Not checkdmarc: of `v=spf1 mx -all` and 93.184.215.14, which is no MX, we say "fail: this machine may not send" and what
to publish; it has no verdict on an address.
"""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.doctor import spf
from newsletter.doctor.check_reverse_dns import Origin, origins
from newsletter.doctor.dns import Unanswered, addresses
from newsletter.doctor.finding import Finding, error, ok, skipped, txt_record, warning
from newsletter.doctor.setup import Setup, Tools
from newsletter.doctor.spf import Survey

#: What the SPF record of a provider's customer includes, by the end of the relay's name.
INCLUDES = {
    "amazonaws.com": "amazonses.com",
    "fastmail.com": "spf.messagingengine.com",
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
    "mailgun.org": "mailgun.org",
    "mailjet.com": "spf.mailjet.com",
    "messagingengine.com": "spf.messagingengine.com",
    "office365.com": "spf.protection.outlook.com",
    "outlook.com": "spf.protection.outlook.com",
    "sendgrid.net": "sendgrid.net",
}
_ASK = "Ask your relay's provider what to include in your SPF record, unless it sends with a return path of its own."

_NAME = 'Publish one that names this machine: "v=spf1 ip4:ADDRESS ~all" with its public address.'


async def check_spf(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check the record of the domain that bounces go to; raises Unanswered."""
    domain = setup.envelope_domain
    if not domain:
        return (skipped("SPF", "the address has no domain that DNS could know"),)
    places = await origins(setup, tools)
    found = await spf.survey(domain, tools.resolver)
    if found.record is None:
        return (_unread(domain, found, places),)
    told = [_written(domain, found), _costing(domain, found, places)]
    for place in () if found.problems else places:
        told += await _covering(domain, found, place, tools)
    return tuple(told)


def _unread(domain: str, found: Survey, places: tuple[Origin, ...]) -> Finding:
    name = f"SPF of {domain}"
    if found.problems:
        return error(name, f"{found.texts[0]}: {found.problems[0]}", "Mend it: nobody can read it as it is.")
    if found.texts:
        todo = "Merge them into one: of two, receivers take neither."
        return error(name, f"{len(found.texts)} records: {' and '.join(found.texts)}", todo)
    words = dict.fromkeys(word for place in places for word in _needed(place))
    record = txt_record(domain, " ".join(["v=spf1", *words, "~all"])) if words else ""
    near = f", but this, which is not read as one: {found.near[0]}" if found.near else ""
    here = any(place.here for place in places)
    todo = "Publish this record." if words else _NAME if here else _ASK
    return error(name, f"none{near}", todo, record)


def _written(domain: str, found: Survey) -> Finding:
    name, text = f"SPF of {domain}", found.texts[0]
    ending = found.record.ending if found.record else ""
    if found.problems:
        return error(name, f"{text}: {'; '.join(found.problems)}", "Mend it: receivers take the whole as broken.")
    if ending == "+":
        return error(name, f"{text}: +all lets everybody send in your name", "End it in ~all or -all.")
    if ending not in ("-", "~") and not (found.record and found.record.redirect):
        return warning(name, f"{text}: says nothing of who may not send", "End it in ~all or -all.")
    if found.ptr:
        return warning(name, f'{text}: "ptr" is slow, and many receivers pass it over', "Name the addresses instead.")
    return ok(name, text)


def _costing(domain: str, found: Survey, places: tuple[Origin, ...]) -> Finding:
    name, (four, six) = f"SPF look-ups of {domain}", found.voids
    cost = f"{found.lookups} (at most {spf.MOST_LOOKUPS}), {four} of them empty (at most {spf.MOST_VOIDS})"
    if found.lookups > spf.MOST_LOOKUPS:
        return error(name, cost, "Take out what no longer sends for you: receivers stop there.")
    if four > spf.MOST_VOIDS:
        return error(name, cost, "Take out the names that are no longer in DNS: receivers stop there.")
    if six > spf.MOST_VOIDS and any(":" in address for place in places for address in place.addresses):
        todo = "Send over IPv4 only, or name these hosts by ip4: receivers of mail over IPv6 stop there."
        return error(name, f"{found.lookups}, {six} of them empty for mail over IPv6", todo)
    return ok(name, cost)


async def _covering(domain: str, found: Survey, place: Origin, tools: Tools) -> tuple[Finding, ...]:
    if not place.here:
        return (await _provider(domain, found, place, tools),)
    if not place.addresses:
        why = "this machine's public address is not known: set [smtp] hello_name to its name in the DNS"
        return (skipped("SPF and our addresses", why),)
    return tuple(_own(domain, found, address, place) for address in place.addresses)


def _own(domain: str, found: Survey, address: str, place: Origin) -> Finding:
    name, result = f"SPF and {address}", spf.spf_result(found.tree, address)
    if result == spf.UNKNOWN:
        return skipped(name, "depends on the mail: the record has macros, ptr, or what cannot be followed")
    if result == "pass":
        return ok(name, "pass")
    todo = "Publish this record, unless the mail server here hands on to another one that sends."
    record = txt_record(domain, widened(found.texts[0], [next(iter(_needed(Origin(place.relay, True, (address,)))))]))
    return error(name, f"{result}: this machine may not send for {domain}", todo, record)


async def _provider(domain: str, found: Survey, place: Origin, tools: Tools) -> Finding:
    name, host = f"SPF and {place.relay.host}", place.relay.host
    include = included_by(host)
    if include in found.names:
        return ok(name, f"{include} is included")
    if include:
        todo = f"Publish this record, unless {host} sends with a return path of its own."
        record = txt_record(domain, widened(found.texts[0], [f"include:{include}"]))
        return warning(name, f"{include} is not included", todo, record)
    try:
        passing = {spf.spf_result(found.tree, address) for address in await addresses(tools.resolver, host)} == {"pass"}
    except Unanswered:
        passing = False
    if passing:
        return ok(name, "pass, if it sends from the address that it listens on")
    if found.names:
        return ok(name, f"cannot be told from here; included are {', '.join(sorted(found.names))}", _ASK)
    return warning(name, "nothing in the record names it", _ASK)


def _needed(place: Origin) -> Iterator[str]:
    """What a record needs so that mails of this relay pass, as far as that is known."""
    for address in place.addresses:
        yield f"ip6:{address}" if ":" in address else f"ip4:{address}"
    if not place.here and (include := included_by(place.relay.host)):
        yield f"include:{include}"


def included_by(host: str) -> str:
    """What a provider wants included; "" for one that is not known."""
    labels = host.lower().split(".")
    return next((INCLUDES[end] for at in range(len(labels)) if (end := ".".join(labels[at:])) in INCLUDES), "")


def widened(text: str, words: list[str]) -> str:
    """A record with more of those who may send."""
    version, *terms = text.split()
    return " ".join([version, *words, *terms])
