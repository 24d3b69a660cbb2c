"""The sections of the configuration: one model for each table of the TOML file."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from newsletter.config.values import (
    Amounts,
    Colour,
    Connections,
    Duration,
    EditionSize,
    HelloName,
    HostName,
    Hour,
    OwnRate,
    Rate,
    Share,
    Span,
    Timeout,
    Timezone,
    Weekday,
    return_address,
    sender_address,
    short_mark,
    six_digits,
    web_address,
)
from newsletter.types import SECTIONS, Cadence, Fill, Part, Source, WhenEmpty


class Section(BaseModel):
    """A table of the file that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewsletterSection(Section):
    """[newsletter]: who sends, and how the newsletter presents itself."""

    name: str = "The Weekly Preprint"
    tagline: str = "New papers, picked for you"
    sender: Annotated[str, AfterValidator(sender_address)] = "The Weekly Preprint <newsletter@localhost>"
    reply_to: Annotated[str, AfterValidator(lambda value: value and sender_address(value))] = ""
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "http://127.0.0.1:8000"
    list_id: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+)?$")] = ""
    postal_address: str = ""
    language: str = "en"
    templates: str = ""
    secret: SecretStr | None = None


class ThemeSection(Section):
    """[theme]: the look of mails and pages. It goes before theme.toml; a named colour before one made of the accent."""

    accent: Annotated[str, AfterValidator(lambda value: value and six_digits(value))] = ""
    logo: Annotated[str, AfterValidator(web_address)] = ""
    mark: Annotated[str, AfterValidator(short_mark)] = ""
    sections: tuple[Part, ...] = SECTIONS
    light: dict[str, Colour] = {}
    dark: dict[str, Colour] = {}


class StoreSection(Section):
    """[store]: the database."""

    url: str = "sqlite:///newsletter.db"


class DomainSection(Section):
    """The limits of one recipient domain; None: as for all others."""

    rate: OwnRate = None
    connections: Annotated[int, Field(ge=0, le=100)] | None = None


class ServerSection(Section):
    """A mail server that takes our mails."""

    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr | None = None

    @model_validator(mode="after")
    def never_a_password_in_clear(self) -> Self:
        """Refuse a login without TLS."""
        if self.username and self.security == "none":
            raise ValueError('a password is never sent in clear: set security to "starttls" or "tls"')
        return self


class SmtpSection(ServerSection):
    """[smtp]: the mail server that takes our mails, and how we send in general."""

    connections: Connections = 4
    rate: Rate = 0.0
    mails_per_connection: Annotated[int, Field(ge=0)] = 100
    domain_rate: Rate = 0.0
    domain_connections: Annotated[int, Field(ge=0, le=100)] = 0
    domains: dict[HostName, DomainSection] = {}
    uncertain: Literal["hold", "resend"] = "hold"
    retry: Annotated[tuple[Span, ...], Field(min_length=1)] = (
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=4),
    )
    timeout: Timeout = timedelta(seconds=60)
    hello_name: HelloName = ""
    ca_file: str = ""
    tls_minimum: Literal["", "1.2", "1.3"] = ""


class RelaySection(ServerSection):
    """One [[relay]], in place of the server of [smtp]; None: as configured there."""

    host: Annotated[str, Field(min_length=1)]
    name: str = ""
    connections: Connections | None = None
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    rate: OwnRate = None
    mails_per_connection: Annotated[int, Field(ge=0)] | None = None
    timeout: Timeout | None = None
    hello_name: HelloName | None = None
    ca_file: str | None = None
    tls_minimum: Literal["", "1.2", "1.3"] | None = None


class DkimSection(Section):
    """[dkim]: the keys that sign every mail; nothing is signed without a domain, a selector and a key."""

    domain: HostName = ""
    selector: HostName = ""
    key: SecretStr | None = None
    ed25519_selector: HostName = ""
    ed25519_key: SecretStr | None = None

    @model_validator(mode="after")
    def says_all_or_nothing(self) -> DkimSection:
        """Refuse half a configuration: it would send unsigned mail without a word."""
        first = {"domain": self.domain, "selector": self.selector, "key_file": self.key}
        second = {"ed25519_selector": self.ed25519_selector, "ed25519_key_file": self.ed25519_key}
        needed = {**first, **second} if any(second.values()) else first
        missing = [name for name, value in needed.items() if not value]
        if missing and any(needed.values()):
            raise ValueError(f"{' and '.join(missing)} must be given too")
        if self.domain and "." not in self.domain:
            raise ValueError(f'domain = {self.domain!r}: a domain such as "papers.example.org" is expected')
        if self.selector and self.selector.lower() == self.ed25519_selector.lower():
            raise ValueError("the two keys need two selectors")
        return self


class ScheduleSection(Section):
    """[schedule]: when an issue goes out."""

    cadence: Cadence = Cadence.WEEKLY
    weekday: Weekday = 0
    hour: Hour = 8
    timezone: Timezone = "UTC"
    collect_every: Duration = timedelta(hours=6)
    expire_after: Span = timedelta(days=3)
    spread: Duration = timedelta()


class CollectSection(Section):
    """[collect]: how much is taken from outside."""

    entries_per_source: Annotated[int, Field(ge=1, le=1_000_000)] = 5_000
    papers_per_issue: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    read_within: Timeout = timedelta(seconds=60)
    time_per_source: Span = timedelta(minutes=10)


class WebSection(Section):
    """[web]: where the subscribers' pages are served, and whether everybody may read past issues there."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    archive: bool = True


class SignupSection(Section):
    """[signup]: how many may ask for mail, from where, and what their browser must do for it."""

    network: Amounts = "25/h; 100/d"
    mailbox: Amounts = "5/h; 10/d"
    domain: Amounts = "60/h"
    total: Amounts = "200/h"
    origins: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")], ...] = ()
    challenge_script: Annotated[str, Field(pattern=r"^((https?:/)?/[^\s;,]+)?$")] = ""


class SelectionSection(Section):
    """[selection]: the defaults of a profile, and the embedder."""

    model_config = ConfigDict(protected_namespaces=())  # older pydantics want names with "model_" for themselves

    size: EditionSize = 10
    hype: Share = 0.2
    surprise: Share = 0.1
    fill: Fill = Fill.NONE
    when_empty: WhenEmpty = WhenEmpty.SEND
    floor: Annotated[float, Field(ge=0, le=100)] = 3.0
    model: str = ""
    model_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    model_key: SecretStr | None = None
    model_folder: Path = Path("models")

    @model_validator(mode="after")
    def says_where_the_model_is(self) -> SelectionSection:
        """Refuse the model of a service without the service's address."""
        if self.model.startswith("openai:") and not self.model_url:
            raise ValueError('a model "openai:…" needs a model_url')
        return self


class SummarySection(Section):
    """[summary]: an OpenAI-compatible service that writes a TL;DR for papers that have none."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    model: str = ""
    key: SecretStr | None = None
    language: Annotated[str, Field(pattern=r"^([a-z]{2}(-[A-Za-z]+)?)?$")] = ""
    within: Duration = timedelta(seconds=60)
    most: Annotated[int, Field(ge=1, le=10_000)] = 200

    @model_validator(mode="after")
    def says_which_model(self) -> SummarySection:
        """Refuse a service without a model."""
        if self.url and not self.model:
            raise ValueError("a url needs a model")
        return self


class BouncesSection(Section):
    """[bounces]: where reports on mails come back to, and how they are read."""

    address: Annotated[str, AfterValidator(lambda value: value and return_address(value))] = ""
    delimiter: Literal["+", "-", "="] = "+"
    soft_limit: Annotated[int, Field(ge=1, le=100)] = 3
    soft_within: Duration = timedelta(days=30)
    read_every: Duration = timedelta(minutes=5)
    maildir: str = ""
    imap_host: str = ""
    imap_port: Annotated[int, Field(ge=0, le=65535)] = 0
    imap_security: Literal["tls", "starttls"] = "tls"
    imap_username: str = ""
    imap_password: SecretStr | None = None
    imap_folder: str = "INBOX"
    imap_done: str = ""
    ses_topics: tuple[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[\w.-]+$")], ...] = ()
    postmark_password: SecretStr | None = None
    mailgun_key: SecretStr | None = None
    sendgrid_key: str = ""
    brevo_password: SecretStr | None = None
    mailjet_password: SecretStr | None = None
    sparkpost_password: SecretStr | None = None
    resend_key: SecretStr | None = None

    @property
    def has_mailbox(self) -> bool:
        """Whether a mailbox is read for what comes back."""
        return bool(self.maildir or self.imap_host)

    @model_validator(mode="after")
    def says_who_reads(self) -> BouncesSection:
        """Refuse a mailbox without a user name and a password."""
        if self.imap_host and not (self.imap_username and self.imap_password):
            raise ValueError("imap_host needs imap_username and imap_password_file")
        return self


class SourceSection(BaseModel):
    """One [[source]]; keys beyond these belong to the kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    location: str = ""
    name: str = ""
    kind: str = ""
    private: bool = False

    @model_validator(mode="after")
    def says_where(self) -> SourceSection:
        """Refuse a source with neither a location nor a kind; some kinds know their location."""
        if not self.location and not self.kind:
            raise ValueError("a location (an address, a file, or what the kind understands) is needed")
        return self

    def source(self) -> Source:
        """The source; its name defaults to the last part of the location, without a file's ending, or to the kind."""
        last = re.split(r"[/\\]", self.location.split("?")[0].rstrip("/"))[-1]
        stem = last if "://" in self.location else re.sub(r"\.\w+$", "", last)
        name = self.name or stem or self.location or self.kind
        return Source(name, self.kind, self.location, dict(self.model_extra or {}), self.private)
