"""How fast mails are made, beside the usual chain: `python tests/benchmarks/render.py [--rounds 7] [--entries 2000]`.

CPU time, medians of interleaved rounds, one process. The usual chain makes each mail anew: Jinja, MJML, premailer,
EmailMessage, and dkimpy where it is installed (`pip install dkimpy`). Quote ratios, since machines differ.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from random import Random
from statistics import median
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jinja2 import Environment
from markupsafe import Markup

from newsletter.config import resource
from newsletter.renderer import Renderer, load_templates
from newsletter.renderer.compile import Macros, Templates, html_environment, inline, text_environment, to_html
from newsletter.renderer.fragments import Card
from newsletter.renderer.issue_renderer import Reader
from newsletter.sender.dkim import Signer, ed25519_key, rsa_key
from newsletter.types import Cadence, Edition, Entry, Issue, Links, Mail, Masthead, Pick, Subscriber

CARDS = 10
ISSUE = Issue("2026-W12", Cadence.WEEKLY, datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 16, 7, tzinfo=UTC))
MASTHEAD = Masthead(
    name="The Weekly Preprint",
    sender="The Weekly Preprint <weekly@papers.example.org>",
    tagline="New papers for you, by your own interests",
    list_id="weekly.papers.example.org",
    postal_address="1 Library Road, Anytown",
    base_url="https://papers.example.org",
)
TEXT = (
    "We present a method for sparse attention in long documents that needs no training and halves the memory of "
    "large language models while their answers stay as good on five public tests of reading and reasoning"
)
WORDS = TEXT.split()
FIRST = ("Ada", "Grace", "Émilie", "Sofia", "Chien", "Maryam", "Katherine", "Zoë")
LAST = ("Lovelace", "Hopper", "du Châtelet", "Kovalevskaya", "Wu", "Mirzakhani", "Johnson", "Müller")


def papers(number: int) -> list[Entry]:
    """Each unlike the others, with what most papers have: 160 words, four authors, topics, votes, links."""
    chance, found = Random(1), []
    for place in range(number):
        address = f"https://papers.example.org/{place:05}"
        found.append(
            Entry(
                id=f"arxiv:2603.{place:05}",
                title=" ".join(chance.choices(WORDS, k=11)).capitalize(),
                abstract=". ".join(" ".join(chance.choices(WORDS, k=20)).capitalize() for _ in range(8)) + ".",
                url=address,
                authors=tuple(f"{chance.choice(FIRST)} {chance.choice(LAST)}" for _ in range(4)),
                published=ISSUE.since,
                source="arXiv",
                topics=("cs.LG", "machine learning", "attention"),
                votes=place % 90,
                pdf_url=f"{address}.pdf",
                code_url=f"https://code.example.org/{place}" if place % 3 else "",
                image_url=f"{address}.png" if place % 2 else "",
            )
        )
    return found


def editions(entries: Sequence[Entry], number: int) -> list[tuple[Edition, Links, str]]:
    """Each of its own picks in its own order, of three interests, with reasons."""
    chance, found = Random(2), []
    for place in range(number):
        token = f"{chance.getrandbits(240):060x}"
        picks = tuple(
            Pick(
                entry,
                0.5,
                ("sparse attention", "reading", "")[rank % 3],
                (f"matches {chance.choice(WORDS)}", "near it"),
            )
            for rank, entry in enumerate(chance.sample(entries, CARDS))
        )
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}" if place % 4 else ""
        person = Subscriber(place, f"reader{place}@example.org", name)
        base = MASTHEAD.base_url
        links = Links(
            f"{base}/view/{token}", f"{base}/interests/{token}", f"{base}/unsubscribe/{token}", "", f"{base}/f/{token}"
        )
        found.append((Edition(ISSUE, person, picks), links, f"<{place}.{token[:20]}@papers.example.org>"))
    return found


class Chain:
    """The usual way: every mail through every tool."""

    def __init__(self, folder: Path, pool: int) -> None:
        files = Templates(load_templates(folder), "en")
        self._source, self._css, self._text = files["edition.mjml"], files["inline.css"], files["edition.txt"]
        self._pool = pool

    def make(self, edition: Edition, links: Links, message_id: str) -> bytes:
        """HTML and text by Jinja, MJML and premailer; the mail by the standard library."""
        html = inline(to_html("edition", self._jinja(html_environment(), self._source, edition, links)), self._css)
        text = self._jinja(text_environment(), self._text, edition, links)
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = MASTHEAD.sender, f"{edition.subscriber.name} <{edition.subscriber.email}>"
        mail["Subject"], mail["Message-ID"] = edition.picks[0].entry.title, message_id
        mail["Date"] = format_datetime(ISSUE.until)
        mail["List-Unsubscribe"] = f"<{links.unsubscribe}>"
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        return mail.as_bytes()

    def _jinja(self, environment: Environment, source: str, edition: Edition, links: Links) -> str:
        template = environment.from_string(source)
        slot = SimpleNamespace(
            **{name: getattr(links, name) for name in ("view", "interests", "unsubscribe", "feedback")},
            name=edition.subscriber.name, email=edition.subscriber.email, shares="reading 3", minutes="5",
            preheader="Also", lead="", cards="", popular="", rank="1", label="1", interest="reading", count="3", why="",
            title="", others="",
        )  # fmt: skip
        context = {
            "masthead": MASTHEAD, "issue": ISSUE, "pool": self._pool, "missing": (), "slot": slot,
            "reader": Reader(len(edition.picks), 0, bool(edition.subscriber.name), True, False, True),
        }  # fmt: skip
        macros = Macros(template, context)
        cards = []
        for rank, pick in enumerate(edition.picks, 1):
            slot.rank = slot.label = str(rank)
            slot.interest, slot.why = pick.interest, "; ".join(pick.reasons)
            kind = "lead" if rank == 1 else "card"
            cards += [macros("group")] if 1 < rank < 5 else []
            cards.append(macros(kind, Card.of(pick.entry, 700 if rank == 1 else 420)))
        slot.lead, slot.cards = Markup(cards[0]), Markup("".join(cards[1:]))  # noqa: S704 - rendered with autoescape
        return str(template.render(context))


def cpu(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def key_of(key: PrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signers() -> tuple[dict[str, Signer], Callable[[bytes], bytes] | None]:
    """Ours with an RSA-2048 key and with Ed25519 alone; and dkimpy with the same RSA key, where it is installed."""
    pem, other = key_of(generate_private_key(65537, 2048)), key_of(Ed25519PrivateKey.generate())
    domain = "papers.example.org"
    ours = {"RSA-2048": Signer(domain, [rsa_key(pem, "s")]), "Ed25519": Signer(domain, [ed25519_key(other, "e")])}
    try:
        import dkim
    except ImportError:
        print("dkimpy is not installed: the usual chain is not signed")
        return ours, None
    return ours, lambda mail: dkim.sign(mail, b"s", domain.encode(), pem.encode()) + mail


def memory(prepare: Callable[[], object]) -> int:
    """Bytes that stay after `prepare`."""
    tracemalloc.start()
    kept = prepare()
    found = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return found


def prepared(entries: Sequence[Entry], renderer: Renderer) -> object:
    """An issue with all of its cards made."""
    issue = renderer.open(ISSUE, entries)
    version = issue.version(Edition(ISSUE, Subscriber(1, "reader@example.org"), ()))
    return issue, [version._piece(kind, entry, mute=False) for entry in entries for kind in ("lead", "card")]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--entries", type=int, default=2_000)
    options.add_argument("--mails", type=int, default=2_000)
    asked = options.parse_args()
    folder = resource("templates") / "weekly"
    entries = papers(asked.entries)
    some = editions(entries[:59], asked.mails)
    files = load_templates(folder)
    renderer = Renderer(files, MASTHEAD)
    issue = renderer.open(ISSUE, entries[:59])
    chain = Chain(folder, 59)

    def ours() -> Iterator[Mail]:
        for edition, links, name in some:
            yield issue.render(edition, links, name, ISSUE.until)

    few = some[:20]
    mails = [*ours()]
    html = max(len(mail.body.split(b"Content-Transfer-Encoding: 7bit", 1)[1]) for mail in mails)
    own, usual = signers()
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "ours, unsigned": (len(some), lambda: sum(1 for _ in ours())),
        "usual chain, unsigned": (len(few), lambda: [chain.make(*each) for each in few]),
        "compile the templates and try them out": (1, lambda: Renderer(files, MASTHEAD)),
        "prepare 59 entries": (1, lambda: prepared(entries[:59], renderer)),
    }
    for name, signer in own.items():
        works[f"ours, signed with {name}"] = len(some), lambda sign=signer.sign: sum(1 for mail in ours() if sign(mail))  # type: ignore[misc]
    if usual:
        works["usual chain, signed with RSA-2048"] = len(few), lambda: [usual(chain.make(*each)) for each in few]
    rates: dict[str, list[float]] = {}
    for _ in range(asked.rounds):
        for name, (count, work) in works.items():
            rates.setdefault(name, []).append(count / cpu(work))
    for name, found in rates.items():
        print(f"{name}: {median(found):,.1f}/s  ({min(found):,.1f}-{max(found):,.1f})")
    print(f"prepare {asked.entries:,} entries: {cpu(lambda: prepared(entries, renderer)):.2f} s")
    print(f"memory of {asked.entries:,} prepared entries: {memory(lambda: prepared(entries, renderer)) / 1e6:.0f} MB")
    print(f"largest HTML part of {CARDS} cards: {html:,} bytes; whole mail {max(len(m.body) for m in mails):,} bytes")


if __name__ == "__main__":
    main()
