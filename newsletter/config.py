"""Settings: built-in defaults < TOML < `NEWSLETTER_SECTION__KEY` in the environment.

Nothing is read at import; the command line calls `load` once with the file and the environment.
Paths in the file are relative to `Settings.home`: the folder of the file, or the folder above it when the
file lies in a folder called `config`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from newsletter.errors import ConfigError
from newsletter.types import SECTIONS, Cadence, Masthead, Part, Source

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PLACES = ("newsletter.toml", "config/newsletter.toml")  #: looked for in the current folder, in this order
KEYS = (("dkim", "key"), ("dkim", "ed25519_key"))  #: secrets of many lines
BOUNCES = (("bounces", "imap_password"), ("bounces", "postmark_password"), ("bounces", "mailgun_key"))
SECRETS = (
    ("newsletter", "secret"),
    ("smtp", "password"),
    ("selection", "model_key"),
    ("summary", "key"),
    *BOUNCES,
    *KEYS,
)
THEME = Path("weekly", "theme.toml")  #: in a folder of templates
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: object) -> object:
    """ "90s", "5m", "1h", "3d", "2w" or a number of seconds; anything else is left to pydantic to refuse."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value) if isinstance(value, str) else None
    with suppress(OverflowError):
        if found:
            return timedelta(**{_UNITS[found[2]]: float(found[1])})
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return timedelta(seconds=value)
    if isinstance(value, timedelta):
        return value
    raise ValueError('a duration such as "30s", "5m", "1h" or "3d" is expected')


def parse_rate(value: object) -> object:
    """ "20/s", "100/m", "1000/h" or "5000/d" as mails a second, or that number; "" is 0: as fast as it goes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*([smhd])\s*", value) if isinstance(value, str) else None
    if found and float(found[1]):
        return float(found[1]) / timedelta(**{_UNITS[found[2]]: 1}).total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return value
    if value == "":
        return 0.0
    raise ValueError('a rate such as "20/s", "100/m" or "1000/h" is expected')


def parse_weekday(value: object) -> object:
    """A name of a weekday, short or long, or 0 (Monday) to 6."""
    names = [day for day in WEEKDAYS if isinstance(value, str) and day.startswith(value.lower())]
    if isinstance(value, str) and len(value) >= 2 and len(names) == 1:
        return WEEKDAYS.index(names[0])
    return value


def known_timezone(value: str) -> str:
    """Refuse a name that the IANA data base does not have."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('an IANA time zone such as "Europe/Berlin" is expected') from error
    return value


def sender_address(value: str) -> str:
    """Refuse what cannot stand in a From header."""
    name, address = parseaddr(value)
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError('an address such as "The Weekly Preprint <weekly@example.org>" is expected') from error
    if "@" not in address or any(ord(character) < 32 for character in value):
        raise ValueError('an address such as "The Weekly Preprint <weekly@example.org>" is expected')
    return value


def return_address(value: str) -> str:
    """Refuse what has no room for a signed token before the @, or could not stand in an envelope."""
    expected = 'an address such as "bounces@example.org", with up to 27 characters before the @, is expected'
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*/?^_`{|}~.+=-]{1,27}@[A-Za-z0-9.-]{1,180}", value):
        raise ValueError(expected)
    try:
        Address(addr_spec=value)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(expected) from error
    return value


def host_name(value: str) -> str:
    """Refuse what DNS could not look up, in ASCII; "" stays."""
    labels = value.split(".")
    if value and not (len(value) <= 120 and all(map(_LABEL.fullmatch, labels))):
        raise ValueError('letters, digits and hyphens with dots between are expected, such as "papers.example.org"')
    return value


def hello_name(value: str) -> str:
    """Refuse what cannot stand in EHLO; "" stays."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError('a name without spaces such as "mail.example.org" is expected')
    return value


def at_least_a_second(value: timedelta) -> timedelta:
    """Refuse what would be over before it began, or never rest."""
    if value < timedelta(seconds=1):
        raise ValueError("at least a second is expected")
    return value


def six_digits(value: str) -> str:
    """Refuse a colour of three digits, with a name, or with a share of transparency."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError('a colour of six digits such as "#0b6e4f" is expected')
    return value.lower()


def web_address(value: str) -> str:
    """Refuse what cannot stand in a mail as the address of an image; "" stays."""
    if value and not (re.fullmatch(r"https?://[^/?#\\@:][!-~]{0,480}", value) and not set("\"'<>") & set(value)):
        raise ValueError('an address such as "https://papers.example.org/logo.png" is expected')
    return value


def short_mark(value: str) -> str:
    """Refuse more than fits in a square; accents and the like count with their letter."""
    letters = [letter for letter in value if not unicodedata.combining(letter) and letter not in "\ufe0e\ufe0f"]
    if len(letters) > 2 or not value.isprintable() or " " in value:
        raise ValueError('one or two characters such as "W" are expected')
    return value


def initial(name: str) -> str:
    """The mark of a newsletter that has none of its own: "W" of The Weekly Preprint."""
    return name.removeprefix("The ")[:1].upper()


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Span = Annotated[Duration, AfterValidator(at_least_a_second)]
Timeout = Annotated[Duration, Field(gt=timedelta())]
Rate = Annotated[float, BeforeValidator(parse_rate)]
OwnRate = Annotated[float | None, BeforeValidator(lambda value: None if value is None else parse_rate(value))]
Connections = Annotated[int, Field(ge=1, le=100)]
Weekday = Annotated[int, BeforeValidator(parse_weekday), Field(ge=0, le=6)]
Hour = Annotated[int, Field(ge=0, le=23)]
Share = Annotated[float, Field(ge=0, le=1)]
Timezone = Annotated[str, AfterValidator(known_timezone)]
HostName = Annotated[str, AfterValidator(host_name)]
HelloName = Annotated[str, AfterValidator(hello_name)]
Colour = Annotated[str, AfterValidator(six_digits)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewsletterSection(Section):
    """Who sends."""

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
    """The look of mails and pages, before theme.toml; a colour by name goes before one made of the accent."""

    accent: Annotated[str, AfterValidator(lambda value: value and six_digits(value))] = ""
    logo: Annotated[str, AfterValidator(web_address)] = ""
    mark: Annotated[str, AfterValidator(short_mark)] = ""
    sections: tuple[Part, ...] = SECTIONS
    light: dict[str, Colour] = {}
    dark: dict[str, Colour] = {}


class StoreSection(Section):
    """Where everything is kept."""

    url: str = "sqlite:///newsletter.db"


class DomainSection(Section):
    """What one recipient domain takes of us; what is None is as for all others."""

    rate: OwnRate = None
    connections: Annotated[int, Field(ge=0, le=100)] | None = None


class ServerSection(Section):
    """Who takes our mails."""

    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr | None = None

    @model_validator(mode="after")
    def never_a_password_in_clear(self) -> Self:
        """AUTH without TLS is refused."""
        if self.username and self.security == "none":
            raise ValueError('a password is never sent in clear: set security to "starttls" or "tls"')
        return self


class SmtpSection(ServerSection):
    """The mail server that takes our mails, and how we send in general."""

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
    """One [[relay]], in place of the server of [smtp]; what is None is as there."""

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
    """The keys that sign every mail; nothing is signed without a domain, a selector and a key."""

    domain: HostName = ""
    selector: HostName = ""
    key: SecretStr | None = None
    ed25519_selector: HostName = ""
    ed25519_key: SecretStr | None = None

    @model_validator(mode="after")
    def says_all_or_nothing(self) -> DkimSection:
        """Half a configuration would send unsigned mail without a word."""
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
    """When an issue goes out."""

    cadence: Cadence = Cadence.WEEKLY
    weekday: Weekday = 0
    hour: Hour = 8
    timezone: Timezone = "UTC"
    collect_every: Duration = timedelta(hours=6)
    expire_after: Span = timedelta(days=3)
    spread: Duration = timedelta()


class WebSection(Section):
    """Where the subscribers' pages are served, and whether everybody may read past issues there."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted_proxies: tuple[str, ...] = ()
    archive: bool = True


class SelectionSection(Section):
    """What a profile gets that does not say otherwise, and the embedder."""

    model_config = ConfigDict(protected_namespaces=())  # older pydantics want names with "model_" for themselves

    size: Annotated[int, Field(ge=1, le=50)] = 10
    hype: Share = 0.2
    surprise: Share = 0.1
    model: str = ""
    model_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    model_key: SecretStr | None = None

    @model_validator(mode="after")
    def says_where_the_model_is(self) -> SelectionSection:
        """A model of a service is nowhere else."""
        if self.model.startswith("openai:") and not self.model_url:
            raise ValueError('a model "openai:…" needs a model_url')
        return self


class SummarySection(Section):
    """An OpenAI-compatible service that writes a TL;DR for papers that have none."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    model: str = ""
    key: SecretStr | None = None
    language: Annotated[str, Field(pattern=r"^([a-z]{2}(-[A-Za-z]+)?)?$")] = ""
    within: Duration = timedelta(seconds=60)
    most: Annotated[int, Field(ge=1, le=10_000)] = 200

    @model_validator(mode="after")
    def says_which_model(self) -> SummarySection:
        """A service without a model answers nothing."""
        if self.url and not self.model:
            raise ValueError("a url needs a model")
        return self


class BouncesSection(Section):
    """Where reports on mails come back to, and how they are read."""

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

    @model_validator(mode="after")
    def says_who_reads(self) -> BouncesSection:
        """A mailbox without a name and a password opens for nobody."""
        if self.imap_host and not (self.imap_username and self.imap_password):
            raise ValueError("imap_host needs imap_username and imap_password_file")
        return self


class SourceSection(BaseModel):
    """One [[source]]; keys beyond these belong to the kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    location: str = ""
    name: str = ""
    kind: str = ""

    @model_validator(mode="after")
    def says_where(self) -> SourceSection:
        """Some kinds know where they are."""
        if not self.location and not self.kind:
            raise ValueError("a location (an address, a file, or what the kind understands) is needed")
        return self

    def source(self) -> Source:
        """The name defaults to the last part of the location, without a file's ending, or to the kind."""
        last = re.split(r"[/\\]", self.location.split("?")[0].rstrip("/"))[-1]
        stem = last if "://" in self.location else re.sub(r"\.\w+$", "", last)
        return Source(
            self.name or stem or self.location or self.kind, self.kind, self.location, dict(self.model_extra or {})
        )


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
    web: WebSection = WebSection()
    selection: SelectionSection = SelectionSection()
    summary: SummarySection = SummarySection()
    bounces: BouncesSection = BouncesSection()
    source: tuple[SourceSection, ...] = ()
    home: Annotated[Path, Field(exclude=True)] = Path()

    @model_validator(mode="after")
    def signs_for_the_sender(self) -> Settings:
        """A signature of another domain counts for nothing where it matters (DMARC)."""
        ours, signing = parseaddr(self.newsletter.sender)[1].rpartition("@")[2], self.dkim.domain
        if signing and not f".{ours}".lower().endswith(f".{signing}".lower()):
            raise ValueError(f"[dkim] domain = {signing!r}: must be the sender's, {ours!r}, or one above it")
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """Called by Engine.collect."""
        return tuple(each.source() for each in self.source)

    @property
    def store_url(self) -> str:
        """The URL with a relative SQLite path made absolute."""
        return re.sub(
            r"^(sqlite(?:\+\w+)?:///)(?!/|:memory:)(.+)$",
            lambda found: f"{found[1]}{self.home.absolute() / found[2]}",
            self.store.url,
        )

    @property
    def masthead(self) -> Masthead:
        """What a mail shows of the configuration; the List-Id falls back to the sender's domain."""
        section = self.newsletter
        domain = parseaddr(section.sender)[1].rpartition("@")[2]
        slug = re.sub(r"[^a-z0-9]+", "-", section.name.lower()).strip("-") or "newsletter"
        list_id = section.list_id or (f"{slug}.{domain}" if "." in domain else "")
        names = ("name", "sender", "tagline", "reply_to", "postal_address", "language")
        given = {name: getattr(section, name) for name in names}
        look = {"logo": self.theme.logo, "mark": self.theme.mark or initial(section.name)}
        rest = {"base_url": section.base_url.rstrip("/"), "timezone": self.schedule.timezone}
        return Masthead(**given, **look, **rest, list_id=list_id, sections=self.theme.sections)


def resource(name: str) -> Path:
    """A folder that comes with the product (`templates`, `seeds`, `config`), in a wheel or a checkout."""
    package = Path(__file__).parent
    packed = package / "_data" / name
    return packed if packed.is_dir() else package.parent / name


def load(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> Settings:
    """Read the settings; `path` None looks at NEWSLETTER_CONFIG and then at PLACES below `folder`.

    Raises ConfigError with every wrong key and value in one line.
    """
    path = path or _find(environ, folder)
    home = _home(path) if path else folder
    tables = _read(path) if path else {}
    label = str(path) if path else "the environment"
    _add_sources_file(tables, path.parent if path else folder)
    _overlay(tables, environ)
    _read_secret_files(tables, home)
    try:
        settings = Settings.model_validate({**tables, "home": home})
    except ValidationError as error:
        raise ConfigError(f"{label}: {'; '.join(_explain(error))}") from error
    _refuse_twins([source.name for source in settings.sources], "sources", label)
    _refuse_twins([relay.name or f"{relay.host}:{relay.port}" for relay in settings.relay], "relays", label)
    _refuse_unknown_colours(settings, label)
    return settings


def secret_files(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> dict[str, Path]:
    """Where secrets lie in files: key → its own file, or the configuration that has it in clear. As `load` finds them.

    Called by checkup.
    """
    path = path or _find(environ, folder)
    tables = _read(path) if path else {}
    written = {(section, key) for section, key in SECRETS if path and key in tables.get(section, {})}
    _overlay(tables, environ)
    found: dict[str, Path] = {}
    for section, key in SECRETS:
        place = tables.get(section, {}).get(f"{key}_file")
        if place:
            found[f"[{section}] {key}_file"] = (_home(path) if path else folder) / str(place)
        elif path and (section, key) in written and f"NEWSLETTER_{section}__{key}".upper() not in environ:
            found[f"[{section}] {key}"] = path
    return found


def _find(environ: Mapping[str, str], folder: Path) -> Path | None:
    if environ.get("NEWSLETTER_CONFIG"):
        return Path(environ["NEWSLETTER_CONFIG"])
    return next((folder / place for place in PLACES if (folder / place).is_file()), None)


def _home(path: Path) -> Path:
    parent = path.absolute().parent
    return parent.parent if parent.name == "config" else parent


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _add_sources_file(tables: dict[str, Any], folder: Path) -> None:
    """`sources.toml` beside the configuration (or in ./config) holds more [[source]] tables."""
    for place in (folder / "sources.toml", folder / "config" / "sources.toml"):
        if place.is_file():
            more = _read(place)
            if set(more) - {"source"}:
                raise ConfigError(f"{place}: only [[source]] tables belong here")
            tables["source"] = [*tables.get("source", []), *more.get("source", [])]
            return


def _overlay(tables: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        section, divider, key = name.removeprefix("NEWSLETTER_").lower().partition("__")
        if name.startswith("NEWSLETTER_") and divider and isinstance(tables.setdefault(section, {}), dict):
            tables[section][key] = _environment_value(section, key, value)
            tables[section].pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)


def _environment_value(section: str, key: str, value: str) -> object:
    """Text stays text where text is expected; lists and numbers are read as TOML writes them."""
    field = Settings.model_fields.get(section)
    fields = getattr(field.annotation, "model_fields", {}) if field else {}
    if key not in fields or fields[key].annotation in (str, SecretStr | None):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _read_secret_files(tables: dict[str, Any], home: Path) -> None:
    """`password_file` stands for `password`: the first line of that file; of KEYS, all of it."""
    for section, key in SECRETS:
        _read_secret_file(tables.get(section), section, key, home)
    for relay in tables["relay"] if isinstance(tables.get("relay"), list) else ():
        _read_secret_file(relay, "relay", "password", home)


def _read_secret_file(table: object, section: str, key: str, home: Path) -> None:
    place = table.pop(f"{key}_file", None) if isinstance(table, dict) else None
    if isinstance(table, dict) and place:
        text = _secret_text(home, str(place), f"[{section}] {key}_file")
        table[key] = text if (section, key) in KEYS else text.partition("\n")[0].strip()


def _secret_text(home: Path, place: str, name: str) -> str:
    if "-----BEGIN" in place:
        raise ConfigError(f"{name}: the path of a file is expected, not the key itself")
    try:
        return (home / place).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise ConfigError(f"{name} = {str(home / place)!r}: cannot be read ({why})") from error


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        if not place:  # two sections that do not agree
            yield _plain(problem["msg"])
            continue
        depth = 2 if len(place) == 3 and place[:2] in (["theme", "light"], ["theme", "dark"]) else 1
        table, key = place[:depth], place[depth:]
        name = f"[{'.'.join(table)}] {'.'.join(key)}".strip()
        if problem["type"] == "extra_forbidden":
            yield f"{name}: unknown key{_nearest(place)}"
        elif problem["type"] == "missing":
            yield f"{name}: is missing"
        else:
            yield f"{name}{_shown(place, problem['input'])}: {_plain(problem['msg'])}"


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _shown(place: list[str], value: object) -> str:
    """The wrong value, unless it is a secret or a whole table."""
    if place[-1] in {key for _, key in SECRETS} or isinstance(value, (dict, BaseModel)):
        return ""
    return f" = {value!r}"


def _nearest(place: list[str]) -> str:
    known: Mapping[str, Any] = Settings.model_fields
    if len(place) > 1:
        known = getattr(Settings.model_fields[place[0]].annotation, "model_fields", {})
    near = difflib.get_close_matches(place[-1], [name for name in known if name != "home"], n=1, cutoff=0.5)
    return f', did you mean "{near[0]}"?' if near else f" (known: {', '.join(known)})"


def _refuse_twins(names: Sequence[str], what: str, label: str) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ConfigError(f"{label}: two {what} are called {twins[0]!r}")


def _refuse_unknown_colours(settings: Settings, label: str) -> None:
    """Known are the names of the built-in theme.toml and of one's own."""
    for table in ("light", "dark"):
        given: Mapping[str, str] = getattr(settings.theme, table)
        known = _colour_names(settings, table) if given else set()
        for name in sorted(given.keys() - known):
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
            hint = f', did you mean "{near[0]}"?' if near else f" (known: {', '.join(sorted(known))})"
            raise ConfigError(f"{label}: [theme.{table}] {name}: unknown colour{hint}")


def _colour_names(settings: Settings, table: str) -> set[str]:
    """What a theme.toml of one's own that cannot be read would add is for the renderer to complain about."""
    names: set[str] = set()
    own = settings.newsletter.templates
    for folder in (resource("templates"), *([settings.home / own] if own else [])):
        with suppress(OSError, ValueError):
            colours = tomllib.loads((folder / THEME).read_text("utf-8-sig")).get(table)
            names |= set(colours) if isinstance(colours, dict) else set()
    return names
