"""DMARC (RFC 9989, which obsoletes RFC 7489): what receivers do with mail that fails, and who counts as the sender.

The organisational domain is found by the DNS tree walk of RFC 9989 4.10, not by the Public Suffix List of RFC 7489: a
list would have to be downloaded and kept up to date, and the walk asks what receivers ask. Where a DMARC record stands
at the organisational domain, as it should, both find the same one.

Not checkdmarc: of a.mail.example.com below `_dmarc.mail.example.com TXT "v=DMARC1; psd=n"` we say that the organisation
is mail.example.com; it says example.com, by its list.
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.doctor.dns import Resolver
from newsletter.doctor.tags import read_tags

POLICIES = ("none", "quarantine", "reject")
MOST_LABELS = 8  #: a longer name is cut to seven labels after the first question


@dataclass(frozen=True, slots=True)
class Policy:
    """A DMARC record and where it stands."""

    domain: str
    tags: dict[str, str]
    problem: str = ""  #: receivers take it as p=none, or as no record at all

    def strict(self, tag: str) -> bool:
        """Whether only the very same domain is aligned; `tag`: adkim or aspf."""
        return self.tags.get(tag, "r").lower() == "s"

    def wanted(self, domain: str) -> str:
        """The policy for mail from this domain."""
        own = self.tags.get("p", "none").lower()
        return own if domain == self.domain else self.tags.get("sp", own).lower()

    @property
    def reports(self) -> tuple[str, ...]:
        """Mail addresses that get the daily reports."""
        uris = (uri.strip() for uri in self.tags.get("rua", "").split(","))
        return tuple(uri[len("mailto:") :].partition("!")[0] for uri in uris if uri.lower().startswith("mailto:"))


@dataclass(frozen=True, slots=True)
class Walk:
    """What lies on the way up from a domain."""

    start: str
    policies: tuple[Policy, ...]  #: longest domain first
    several: tuple[str, ...] = ()  #: domains with two records and more, which count as none

    @property
    def organisation(self) -> str:
        """The organisational domain (RFC 9989 4.10.2)."""
        for policy in self.policies:
            flag = policy.tags.get("psd", "u").lower()
            if flag == "n":
                return policy.domain
            if flag == "y" and policy.domain != self.start:
                count = policy.domain.count(".") + 2
                return ".".join(self.start.split(".")[-count:])
        return self.policies[-1].domain if self.policies else self.start

    @property
    def policy(self) -> Policy | None:
        """The policy that applies: of the domain itself, else of the organisation, else of the public suffix."""
        at = {policy.domain: policy for policy in self.policies}
        suffix = next((policy for policy in self.policies if policy.tags.get("psd", "").lower() == "y"), None)
        return at.get(self.start) or at.get(self.organisation) or suffix


async def walk(domain: str, resolver: Resolver) -> Walk:
    """Ask for the records on the way up from a domain; raises Unanswered."""
    found: list[Policy] = []
    several: list[str] = []
    for target in targets(domain):
        texts = [text for text in (await resolver.ask(f"_dmarc.{target}", "TXT")).values if is_dmarc(text)]
        if len(texts) > 1:
            several.append(target)
        if len(texts) == 1:
            found.append(read_policy(target, texts[0]))
            if found[-1].tags.get("psd", "u").lower() in ("y", "n"):
                break
    return Walk(domain, tuple(found), tuple(several))


def targets(domain: str) -> list[str]:
    """The names that are asked, in their order: at most eight."""
    labels = domain.split(".")
    start = 1 if len(labels) < MOST_LABELS else len(labels) - MOST_LABELS + 1
    return [domain, *(".".join(labels[at:]) for at in range(start, len(labels)))]


def is_dmarc(text: str) -> bool:
    name, _, value = text.partition(";")[0].partition("=")
    return name.strip().lower() == "v" and value.strip() == "DMARC1"


def read_policy(domain: str, text: str) -> Policy:
    """Read a record; never raises: receivers make do with what they can read."""
    try:
        tags = read_tags(text)
    except ValueError as error:
        return Policy(domain, {"v": "DMARC1"}, str(error))
    wrong = next((tag for tag in ("p", "sp", "np") if tags.get(tag, "none").lower() not in POLICIES), "")
    if wrong:
        return Policy(domain, {**tags, wrong: "none"}, f"{wrong}={tags[wrong][:40]} is none of {', '.join(POLICIES)}")
    return Policy(domain, tags, "" if "p" in tags else "it has no p=, which older receivers want")


async def aligned(domain: str, sender: Walk, strict: bool, resolver: Resolver) -> bool:
    """Whether an SPF or DKIM domain speaks for the From. Raises Unanswered."""
    if domain == sender.start:
        return True
    return not strict and (await walk(domain, resolver)).organisation == sender.organisation


async def takes_reports(address: str, policy: Policy, resolver: Resolver) -> bool:
    """Whether the domain of a report address wants them (RFC 7489 7.1: another's must say so). Raises Unanswered."""
    domain = address.rpartition("@")[2].lower()
    if (await walk(domain, resolver)).organisation == (await walk(policy.domain, resolver)).organisation:
        return True
    answer = await resolver.ask(f"{policy.domain}._report._dmarc.{domain}", "TXT")
    return any(is_dmarc(text) for text in answer.values)
