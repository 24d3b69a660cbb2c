"""Mails to judge: everything that the templates can show, as the engine makes it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile
from newsletter.types import Entry, Mail
from newsletter.web.preview import render_preview

TOPICS = ("video diffusion", "plasma turbulence", "state-space models", "medical imaging", "graph kernels")


def rich_entry(name: str) -> Entry:
    """An entry with all that a card has room for; twenty of them are more than a mail has room for."""
    return make_entry(
        name.replace(" ", "-"),
        authors=("A. One", "B. Two", "C. Three", "D. Four", "E. Five"),
        published=NOON - timedelta(days=1),
        source="arXiv",
        venue="Journal of Kettles",
        topics=tuple(name.split()),
        abstract=f"{name.capitalize()} is what this is about, and it goes on for a while. " * 9,
        tldr=f"{name.capitalize()}, in short." if name.endswith("0") else "",
        code_url="https://git.example.org/code",
        pdf_url="https://papers.example.org/pdf",
        project_url="https://project.example.org",
        image_url="https://papers.example.org/figure.png",
        votes=12,
        trend=0.9,
    )


def sample_mails(engine: Engine, transport: MemoryTransport) -> dict[str, Mail]:
    """The weekly mail full, with one pick and with none, and the mail that asks to confirm an address."""
    names = [f"{topic} {number}" for topic in TOPICS for number in range(5)]
    engine.store.sightings.add([Named(rich_entry(name), (f"id:{name}",)) for name in names], NOON - timedelta(hours=1))
    profiles = {
        "full": make_profile(*TOPICS, size=20),
        "one": make_profile(TOPICS[0], size=1),
        "empty": make_profile(TOPICS[0], muted=TOPICS),
    }
    weekly = {name: render_preview(engine, None, profile=profile) for name, profile in profiles.items()}
    asyncio.run(engine.subscribe("new@example.org", "New", make_profile()))
    return {**weekly, "confirm": transport.mails[-1]}
