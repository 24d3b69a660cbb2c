"""Who the mails say they are from. Pure: nothing is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr

from newsletter.doctor.finding import Finding, error, ok, skipped, warning
from newsletter.doctor.reachable import reachable_name
from newsletter.doctor.setup import Setup, domain_of

_COUNTRY = r"(com?(\.[a-z]{2})?|[a-z]{2})"
#: Providers of mailboxes: their DMARC records ask that mail in their name from elsewhere be refused, or will.
FREE_MAIL = re.compile(
    rf"(yahoo|outlook|hotmail|live|aol|yandex|gmx)\.{_COUNTRY}|gmx\.net|gmail\.com|googlemail\.com|ymail\.com"
    r"|rocketmail\.com|msn\.com|web\.de|t-online\.de|freenet\.de|posteo\.de|mailbox\.org|icloud\.com|me\.com|mac\.com"
    r"|proton\.me|protonmail\.com|pm\.me|tutanota\.com|tuta\.com|fastmail\.com|hey\.com|zoho\.com|mail\.ru|ya\.ru"
    r"|qq\.com|163\.com|126\.com|sina\.com|orange\.fr|free\.fr|laposte\.net|libero\.it|mail\.com"
)
NO_REPLY = re.compile(r"(no|do-?not|never)[-_.]?(reply|respond|answer)", re.IGNORECASE)
OWN_DOMAIN = "Use an address of a domain of your own, where you can publish SPF, DKIM and DMARC records."


def check_sender(setup: Setup) -> tuple[Finding, ...]:
    """Check the From, the address for bounces, the postal address and the List-Id."""
    return (*_sender(setup), *_others(setup), _leaving(setup), *_legal(setup))


def _sender(setup: Setup) -> Iterator[Finding]:
    name, address = parseaddr(setup.sender)
    if why := reachable_name(setup.domain):
        yield error("From", f"{address}: its domain {why}", OWN_DOMAIN)
    elif FREE_MAIL.fullmatch(setup.domain):
        yield error("From", f"{address}: {setup.domain} lets nobody else send in its name", OWN_DOMAIN)
    else:
        yield ok("From", f"{name} <{address}>" if name else address)
    if "@" in name:
        yield warning("name of the From", name, "Leave addresses out of the name: filters take it as an imitation.")
    elif not name:
        yield warning("name of the From", "none", 'Write "The Weekly Preprint <address>": people know a name.')
    if NO_REPLY.search(address.partition("@")[0]) and not setup.reply_to:
        todo = "Use an address that takes replies, or set reply_to: filters and readers answer mail."
        yield warning("From takes replies", address, todo)


def _others(setup: Setup) -> Iterator[Finding]:
    address, sender = setup.bounces.lower(), setup.sender_address.lower()
    if not address:
        todo = "Set [bounces] address, so that reports do not pile up among your readers' replies."
        yield warning("address for bounces", "none: they go to the From", todo)
    elif FREE_MAIL.fullmatch(domain_of(address)):
        yield error("address for bounces", f"{address}: its domain's SPF record does not name you", OWN_DOMAIN)
    elif address in (sender, parseaddr(setup.reply_to)[1].lower()):
        todo = "Give bounces a mailbox of their own: a program reads them, people read replies."
        yield warning("address for bounces", f"{address} is the one that takes replies too", todo)
    else:
        yield ok("address for bounces", address)


def _leaving(setup: Setup) -> Finding:
    if setup.leave_to:
        return ok("unsubscribe by mail", f"mails to {setup.leave_to} are read")
    todo = "Set maildir or imap_host in [bounces]: some mail programs, as those of Apple, know no other way."
    return warning("unsubscribe by mail", "not offered, by https only: no mailbox is read", todo)


def _legal(setup: Setup) -> Iterator[Finding]:
    if setup.postal_address.strip():
        yield ok("postal address", setup.postal_address)
    else:
        todo = "Set [newsletter] postal_address: many countries ask for one in every issue."
        yield warning("postal address", "none", todo)
    list_id, domain = setup.list_id.lower(), setup.domain
    if not list_id:
        yield warning("List-Id", "none", "Set [newsletter] list_id: filters sort by it.")
    elif why := reachable_name(list_id):
        yield warning("List-Id", f"{list_id} {why}", "Set [newsletter] list_id to a name in your domain.")
    elif not _beside(list_id, domain):
        yield warning("List-Id", f"{list_id} is not in the sender's domain", "Take a name below your own domain.")
    else:
        yield ok("List-Id", list_id)


def _beside(list_id: str, domain: str) -> bool:
    """Whether a List-Id is below the sender's domain, or below the one above it."""
    parent = domain.partition(".")[2]
    return any(list_id.endswith(f".{above}") for above in (domain, parent) if "." in above)


def check_sample_mail(setup: Setup) -> tuple[Finding, ...]:
    """Check what a mail of ours holds, as it would go out."""
    if not setup.sample:
        return (skipped("a mail", "none could be made: see the templates"),)
    head, _, body = setup.sample.partition(b"\r\n\r\n")
    fields = re.split(r"\r\n(?![ \t])", head.decode("ascii", "replace"))
    found = [problem for problem in _problems(fields, body, setup) if problem]
    if found:
        todo = "Look at base_url, list_id and your own templates: `newsletter lint` and `preview` show the mail."
        return tuple(error("a mail", problem, todo) for problem in found)
    return (ok("a mail", "one-click unsubscribing in its headers, the same link in its text, no header twice"),)


def _problems(fields: list[str], body: bytes, setup: Setup) -> Iterator[str]:
    values: dict[str, list[str]] = {}
    for name, _, value in (field.partition(":") for field in fields):
        values.setdefault(name.lower(), []).append(re.sub(r"\r\n[ \t]", " ", value).strip())
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"):
        if len(values.get(name.lower(), ())) != 1:
            yield f"{name}: stands there {len(values.get(name.lower(), ()))} times, and must once"
    links = re.findall(r"<(https?:[^>]*)>", ",".join(values.get("list-unsubscribe", ())))
    if len(links) != 1 or not links[0].startswith("https:"):
        yield "List-Unsubscribe must hold exactly one https link (RFC 8058)"
    if values.get("list-unsubscribe-post") != ["List-Unsubscribe=One-Click"]:
        yield "List-Unsubscribe-Post must be List-Unsubscribe=One-Click (RFC 8058)"
    if setup.unsubscribe and setup.unsubscribe.encode() not in body.replace(b"=\r\n", b"").replace(b"=3D", b"="):
        yield "the link to unsubscribe is not in the text"
