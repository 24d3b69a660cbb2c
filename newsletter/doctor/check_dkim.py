"""DKIM: whether our signatures can be verified by what the DNS says.

Not dkimpy for the keys: of a record with `t=y` we warn "for testing only", dkimpy takes it without a word.
"""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.doctor import dkim
from newsletter.doctor.dkim import OwnKey, Published, Signature
from newsletter.doctor.dns import Resolver
from newsletter.doctor.finding import Finding, error, ok, skipped, txt_record, warning
from newsletter.doctor.setup import Setup, Tools

COVERED = ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post")
_PUBLISH = "Publish this record; a form of your provider may want the text without the quotation marks."


async def check_dkim(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check every key, and a mail signed with all of them; raises Unanswered."""
    if not setup.keys:
        todo = (
            "Set up [dkim] as config/README.md says, unless your relay signs: then look for dkim=pass with your domain."
        )
        return (warning("DKIM", "nothing is signed here", todo),)
    known: dict[str, Published] = {}
    findings = []
    for key in setup.keys:
        finding, published = await _compared(key, tools.resolver)
        findings.append(finding)
        if published:
            known[key.place.lower()] = published
    return (*findings, *_verified(setup.sample, known))


async def _compared(key: OwnKey, resolver: Resolver) -> tuple[Finding, Published | None]:
    name, record = f"DKIM key {key.selector}", txt_record(key.place, key.record)
    texts = (await resolver.ask(key.place, "TXT")).values
    if not texts:
        return error(name, f"nothing at {key.place}", _PUBLISH, record), None
    if len(texts) > 1:
        return error(name, f"{len(texts)} records at {key.place}", "Leave this one only.", record), None
    try:
        published = dkim.read_key(texts[0])
    except ValueError as trouble:
        return error(name, f"{key.place}: {trouble}", _PUBLISH, record), None
    return _judged(name, key, published, record), published


def _judged(name: str, key: OwnKey, published: Published, record: str) -> Finding:
    if published.public != key.public:
        return error(name, f"the key in DNS is not the one that we sign with ({key.place})", _PUBLISH, record)
    kind = f"RSA, {published.bits} bits" if published.bits else "Ed25519"
    if 0 < published.bits < dkim.LEAST_BITS:
        return warning(name, kind, f"Make one of {dkim.LEAST_BITS} bits: shorter ones are refused more and more.")
    if published.testing:
        todo = "Publish it without t=y: receivers are asked to take the mail as unsigned."
        return warning(name, f"{kind}, for testing only", todo, record)
    return ok(name, f"{kind}, the same in DNS ({key.place})")


def _verified(sample: bytes, known: dict[str, Published]) -> Iterator[Finding]:
    """Verify a mail as it would go out, with the keys that receivers find."""
    if not sample:
        yield skipped("DKIM signature", "no mail could be made: see the templates")
        return
    for signature in dkim.signatures(sample):
        name = f"DKIM signature {signature.tags.get('s', '')}"
        if signature.place not in known:
            yield skipped(name, "without its key in DNS nobody can verify it")
            continue
        yield _verdict(name, sample, signature, known[signature.place])


def _verdict(name: str, sample: bytes, signature: Signature, published: Published) -> Finding:
    if trouble := dkim.verify(sample, signature, published.public):
        return error(name, f"of a mail made just now: {trouble}", "Publish the key that stands in [dkim] key_file.")
    bare = [field for field in COVERED if field not in signature.signed]
    if bare:
        return error(name, f"does not cover {', '.join(bare)}", "This is a fault of the newsletter: please report it.")
    return ok(name, "pass, for a mail made just now; it covers From and List-Unsubscribe")
