"""DMARC: the record, and whether SPF and DKIM speak of the domain in the From.

Not checkdmarc: where no DMARC record joins bounces.example.org with papers.example.org we say not aligned; it has no
call for alignment, and by its Public Suffix List the two are aligned.
"""

from __future__ import annotations

from newsletter.doctor import dmarc_record
from newsletter.doctor.dmarc_record import Policy, Walk
from newsletter.doctor.finding import Finding, error, ok, skipped, txt_record, warning
from newsletter.doctor.setup import Setup, Tools


async def check_dmarc(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check the record, where reports go and what is aligned; raises Unanswered."""
    domain = setup.domain
    if not domain:
        return (skipped("DMARC", "the sender has no domain that DNS could know"),)
    walk = await dmarc_record.walk(domain, tools.resolver)
    if walk.policy is None:
        return (_absent(setup, walk), skipped("alignment", "follows from the DMARC record"))
    return (
        _told(setup, walk.policy),
        await _reports(setup, walk.policy, tools),
        *await _aligned(setup, walk, walk.policy, tools),
    )


def _absent(setup: Setup, walk: Walk) -> Finding:
    name, record = f"DMARC of {setup.domain}", _fresh(setup)
    if walk.several:
        return error(name, f"several records at _dmarc.{walk.several[0]}", "Leave one: of two, receivers take neither.")
    todo = "Publish this record: the large providers want one, p=none is enough. Reports go to the address in rua."
    return error(name, "none", todo, record)


def _fresh(setup: Setup) -> str:
    return txt_record(f"_dmarc.{setup.domain}", f"v=DMARC1; p=none; rua=mailto:{setup.sender_address}")


def _told(setup: Setup, policy: Policy) -> Finding:
    name, wanted = f"DMARC of {setup.domain}", policy.wanted(setup.domain)
    where = "" if policy.domain == setup.domain else f" (by the record of {policy.domain})"
    if policy.problem:
        return warning(name, f"{policy.problem}{where}", "Mend the record: receivers take it as p=none, or as none.")
    if wanted == "none":
        todo = "When the reports show no mail of yours failing, p=quarantine keeps others from using your name."
        return ok(name, f"p=none{where}", todo)
    return ok(name, f"p={wanted}{where}")


async def _reports(setup: Setup, policy: Policy, tools: Tools) -> Finding:
    name = f"DMARC reports of {policy.domain}"
    if not policy.reports:
        tags = {**policy.tags, "rua": f"mailto:{setup.sender_address}"}
        record = txt_record(f"_dmarc.{policy.domain}", "; ".join(f"{tag}={value}" for tag, value in tags.items()))
        todo = "Name an address in rua: the reports say who sends in your name, and what of yours fails."
        return warning(name, "none are asked for", todo, record)
    refused = [
        address
        for address in policy.reports[:5]
        if not await dmarc_record.takes_reports(address, policy, tools.resolver)
    ]
    if not refused:
        return ok(name, f"to {', '.join(policy.reports)}")
    place = f"{policy.domain}._report._dmarc.{refused[0].rpartition('@')[2].lower()}"
    todo = "Have this record published there, or name an address of your own domain: else no report is sent."
    return warning(name, f"{refused[0]} has not said that it takes them", todo, txt_record(place, "v=DMARC1"))


async def _aligned(setup: Setup, walk: Walk, policy: Policy, tools: Tools) -> tuple[Finding, ...]:
    """Check the alignment of SPF and of DKIM: one of the two must be aligned; Microsoft likes both."""
    by_spf = await dmarc_record.aligned(setup.envelope_domain, walk, policy.strict("aspf"), tools.resolver)
    signing = sorted({key.domain.lower() for key in setup.keys})
    by_dkim = [await dmarc_record.aligned(domain, walk, policy.strict("adkim"), tools.resolver) for domain in signing]
    spf = _verdict("SPF", setup.envelope_domain, setup.domain, by_spf, policy.strict("aspf"), any(by_dkim))
    if not signing:
        return spf, skipped("alignment of DKIM", "nothing is signed here")
    dkim = _verdict("DKIM", ", ".join(signing), setup.domain, all(by_dkim), policy.strict("adkim"), by_spf)
    return spf, dkim


def _verdict(what: str, theirs: str, ours: str, aligned: bool, strict: bool, other: bool) -> Finding:
    """Judge one alignment; `other`: whether the other one of the two is aligned."""
    name, mode = f"alignment of {what}", "strict" if strict else "relaxed"
    if aligned:
        return ok(name, f"{theirs} speaks for {ours} ({mode})")
    found = f"{theirs} does not speak for {ours} ({mode})"
    where = "the address for bounces" if what == "SPF" else "[dkim] domain"
    todo = f"Take {where} from {ours}" + (f", or write a{what.lower()}=r in the DMARC record." if strict else ".")
    return (warning if other else error)(name, found, todo)
