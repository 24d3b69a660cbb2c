"""Settings: all sections of the configuration, and what follows from several of them."""

from __future__ import annotations

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from newsletter.config.sections import (
    BouncesSection,
    CollectSection,
    DkimSection,
    NewsletterSection,
    RelaySection,
    ScheduleSection,
    SelectionSection,
    SignupSection,
    SmtpSection,
    SourceSection,
    StoreSection,
    SummarySection,
    ThemeSection,
    WebSection,
)
from newsletter.config.values import initial
from newsletter.types import Masthead, Source


class Settings(BaseModel):
    """Everything that can be configured; config/newsletter.toml explains each key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    newsletter: NewsletterSection = NewsletterSection()
    theme: ThemeSection = ThemeSection()
    store: StoreSection = StoreSection()
    smtp: SmtpSection = SmtpSection()
    relay: tuple[RelaySection, ...] = ()
    dkim: DkimSection = DkimSection()
    schedule: ScheduleSection = ScheduleSection()
    collect: CollectSection = CollectSection()
    web: WebSection = WebSection()
    signup: SignupSection = SignupSection()
    selection: SelectionSection = SelectionSection()
    summary: SummarySection = SummarySection()
    bounces: BouncesSection = BouncesSection()
    source: tuple[SourceSection, ...] = ()
    home: Annotated[Path, Field(exclude=True)] = Path()

    @model_validator(mode="after")
    def signs_for_the_sender(self) -> Settings:
        """Refuse to sign for another domain than the sender's: DMARC does not count such a signature."""
        ours, signing = parseaddr(self.newsletter.sender)[1].rpartition("@")[2], self.dkim.domain
        if signing and not f".{ours}".lower().endswith(f".{signing}".lower()):
            raise ValueError(f"[dkim] domain = {signing!r}: must be the sender's, {ours!r}, or one above it")
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of entries, in the order of the file."""
        return tuple(section.source() for section in self.source)

    @property
    def store_url(self) -> str:
        """The database's URL, with a relative SQLite path made absolute."""
        return re.sub(
            r"^(sqlite(?:\+\w+)?:///)(?!/|:memory:)(.+)$",
            lambda found: f"{found[1]}{self.home.absolute() / found[2]}",
            self.store.url,
        )

    @property
    def masthead(self) -> Masthead:
        """What a mail shows of the configuration; the List-Id defaults to one below the sender's domain."""
        section = self.newsletter
        domain = parseaddr(section.sender)[1].rpartition("@")[2]
        slug = re.sub(r"[^a-z0-9]+", "-", section.name.lower()).strip("-") or "newsletter"
        list_id = section.list_id or (f"{slug}.{domain}" if "." in domain else "")
        names = ("name", "sender", "tagline", "reply_to", "postal_address", "language")
        given = {name: getattr(section, name) for name in names}
        look = {"logo": self.theme.logo, "mark": self.theme.mark or initial(section.name)}
        rest = {"base_url": section.base_url.rstrip("/"), "timezone": self.schedule.timezone}
        return Masthead(**given, **look, **rest, list_id=list_id, sections=self.theme.sections)
