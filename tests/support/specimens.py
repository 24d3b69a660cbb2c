"""Mails to judge: everything that the templates can show, as the engine makes it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Entry, Mail
from newsletter.web.preview.proof import render_preview

TOPICS = ("video diffusion", "plasma turbulence", "state-space models", "medical imaging", "graph kernels")


def rich_entry(name: str) -> Entry:
    """An entry with all that a card has room for."""
    return make_entry(
        name.replace(" ", "-"),
        authors=("A. One", "B. Two", "C. Three", "D. Four", "E. Five"),
        published=NOON - timedelta(days=1),
        source="arXiv",
        venue="Journal of Kettles",
        topics=("cs.LG", *name.split()),
        abstract=f"{name.capitalize()} is what this is about, and it goes on for a while. " * 9,
        tldr=f"{name.capitalize()}, in short." if int(name[-1]) % 2 else "",
        code_url="https://git.example.org/code",
        pdf_url="https://papers.example.org/pdf",
        project_url="https://project.example.org",
        image_url="https://papers.example.org/figure.png",
        votes=90 * int(name[-1]) ** 2,  # so some of their field rise
    )


def specimens(engine: Engine, transport: MemoryTransport) -> dict[str, Mail]:
    """The weekly mail in each of its kinds, and the mail that asks to confirm an address."""
    names = [f"{topic} {number}" for topic in TOPICS for number in range(5)]
    engine.store.sightings.add([Named(rich_entry(name), (f"id:{name}",)) for name in names], NOON - timedelta(hours=1))
    full = make_profile(*TOPICS, size=20)
    readers = {
        "full": make_subscriber("Full", 0, profile=full),
        "arabic": make_subscriber("Arabic", 0, profile=full, language="ar"),
        "skim": make_subscriber("Skim", 0, profile=full, skim=True),
        "one": make_subscriber("One", 0, profile=make_profile(TOPICS[0], size=1)),
        "empty": make_subscriber("Empty", 0, profile=make_profile(TOPICS[0], muted=TOPICS)),
    }
    engine.store.subscribers.put_all([*readers.values()], "test", NOON)
    weekly = {name: render_preview(engine, None, reader.email) for name, reader in readers.items()}
    asyncio.run(engine.subscriptions.subscribe("new@example.org", "New", make_profile()))
    return {**weekly, "confirm": transport.mails[-1]}
