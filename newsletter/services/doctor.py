"""What `newsletter doctor` examines: the settings, a mail made with them, the database, as the doctor wants them.

It does not go through `make_engine`, which raises where something is broken: that is when a doctor is asked.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from ssl import SSLContext
from urllib.parse import urlsplit

from pydantic import SecretStr

from newsletter import sender
from newsletter.config import SECRETS, Settings
from newsletter.doctor import Dns, Finding, Http, RelaySetup, Setup, SmtpCaller, Tools, finding, own_addresses
from newsletter.doctor.dkim import OwnKey, public_half
from newsletter.errors import ConfigError, NewerDatabase, NewsletterError, StoreBusy, StoreError, TemplateError
from newsletter.renderer import find_all, load_kind, own_folder, wanted_templates
from newsletter.sender.smtp import tls_context
from newsletter.services.context import utc_now
from newsletter.services.models import missing
from newsletter.services.prepared import Chooser, PreparedIssue, Signatures
from newsletter.services.readership import Readership
from newsletter.services.wiring import leave_address, leave_by_mail, relay, return_path, signing
from newsletter.store import Frozen, Store, file_of
from newsletter.store.database import refuse_newer
from newsletter.store.schema import REVISION
from newsletter.tokens import Tokens, new_secret
from newsletter.types import Cadence, Edition, Entry, Issue, Pick, Subscriber

_MAKE = "`newsletter init` makes it, or the first `newsletter collect`."


def tools() -> Tools:
    """The tools that ask the real world."""
    return Tools(Dns(), SmtpCaller(_tls_context), Http(), own_addresses, utc_now)


def setup_of(settings: Settings, secret_files: Mapping[str, Path], now: datetime) -> Setup:
    """Gather what the doctor examines; reads the templates and the database, changes nothing."""
    section, masthead = settings.newsletter, settings.masthead
    keys, trouble = _keys(settings)
    sample, unsubscribe = _sample(settings, now)
    return Setup(
        sender=section.sender,
        reply_to=section.reply_to,
        bounces=settings.bounces.address,
        leave_to=leave_address(settings),
        base_url=masthead.base_url,
        list_id=masthead.list_id,
        postal_address=section.postal_address,
        relays=_relays(settings),
        keys=keys,
        sample=sample,
        unsubscribe=unsubscribe,
        secret_files=tuple(secret_files.items()),
        database_file=file_of(settings.store_url),
        premises=(*trouble, look_at_templates(settings), look_at_database(settings), *look_at_model(settings)),
        hidden=tuple(_secrets(settings)),
    )


def _relays(settings: Settings) -> tuple[RelaySetup, ...]:
    return tuple(RelaySetup(**asdict(relay(settings, section))) for section in settings.relay or (settings.smtp,))


def _tls_context(called: RelaySetup) -> SSLContext:
    return tls_context(sender.Relay(**asdict(called)))


def _keys(settings: Settings) -> tuple[tuple[OwnKey, ...], tuple[Finding, ...]]:
    section = settings.dkim
    pairs = ((section.key, section.selector), (section.ed25519_key, section.ed25519_selector))
    try:
        signing(settings)
        keys = tuple(public_half(pem.get_secret_value(), section.domain, name) for pem, name in pairs if pem)
    except (ConfigError, ValueError) as trouble:
        todo = "Make a new one, as config/README.md says: nothing is sent with this one."
        return (), (finding.error("DKIM key", str(trouble), todo),)
    return keys, ()


def _sample(settings: Settings, now: datetime) -> tuple[bytes, str]:
    """A mail as `send` would make it, for nobody, and its unsubscribe link: signed with a secret that nobody has."""
    issue = Issue("2025-W12", Cadence.WEEKLY, now - timedelta(days=7), now)
    entry = Entry("sample", "A paper", abstract="What it says.", url="https://example.org/paper")
    edition = Edition(issue, Subscriber(0, "nobody@example.org"), (Pick(entry, 1.0, "", ("a sample",)),))
    try:
        frozen = Frozen(issue, settings.masthead, wanted_templates(settings), (), (entry,))
        tokens = Tokens(new_secret())
        path, leaving = return_path(settings, tokens), leave_by_mail(settings, tokens)
        signatures = Signatures(tokens, path, leaving, signing(settings))
        prepared = PreparedIssue(frozen, Chooser(frozen, Readership(), settings.selection), signatures)
        return prepared.render_mail(prepared.kept(edition, now)).body, prepared.links(0).unsubscribe
    except NewsletterError:  # `_keys`, `look_at_templates` and the check of the From say why
        return b"", ""


def look_at_templates(settings: Settings) -> Finding:
    """Check the templates as `newsletter lint` does, in one line."""
    name, todo = "templates", "`newsletter lint` names every place."
    try:
        own = own_folder(settings)
        weekly, confirm, messages = (load_kind(kind, own) for kind in ("weekly", "confirm", "messages"))
        found = find_all(weekly, confirm, settings.masthead, messages, settings.theme)
    except TemplateError as trouble:
        return finding.error(name, str(trouble), todo)
    errors = [fault for fault in found if fault.severity == "error"]
    if errors:
        return finding.error(name, f"{len(errors)} errors; the first: {errors[0]}", todo)
    if found:
        return finding.warning(name, f"{len(found)} warnings; the first: {found[0]}", todo)
    return finding.ok(name, "compile, and lint finds nothing")


def look_at_database(settings: Settings) -> Finding:
    """Check the database; looks before it opens: SQLite would make the file."""
    file = file_of(settings.store_url)
    if file and not file.exists():
        return finding.warning("database", f"{file} is not there yet", _MAKE)
    try:
        store = Store(settings.store_url)
        try:
            return _opened(store)
        finally:
            store.close()
    except StoreBusy as trouble:
        return finding.warning("database", str(trouble), "Wait for the other program to end, and see that it does.")
    except StoreError as trouble:
        return finding.error("database", str(trouble), "Look at [store] url, and that this user may write there.")


def _opened(store: Store) -> Finding:
    revision = store.database.revision()
    if not revision:
        return finding.warning("database", "is empty", _MAKE)
    try:
        refuse_newer(revision)
    except NewerDatabase as trouble:
        return finding.error("database", str(trouble), "Install the version that made it, or a later one.")
    if revision != REVISION:
        return finding.error("database", f"is of version {revision}, not {REVISION}", "Run `newsletter migrate`.")
    with store.database.write():
        pass
    return finding.ok("database", f"can be written, version {revision}")


def look_at_model(settings: Settings) -> tuple[Finding, ...]:
    """Check that the configured model is there; whether it embeds is told by `newsletter status`."""
    model = settings.selection.model
    if not model:
        return ()
    if trouble := missing(settings, others=True):
        todo = "Until then papers are ranked by their words alone."
        return (finding.warning("model", trouble, todo),)
    return (finding.ok("model", f"{model} is set up"),)


def _secrets(settings: Settings) -> Iterator[str]:
    """The secrets, and the forms in which a server could say them back."""
    tables = settings.model_dump()
    for section, key in SECRETS:
        value = tables.get(section, {}).get(key)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for server in _relays(settings):
        if server.password:
            yield server.password
            yield b64encode(server.password.encode()).decode()
            yield b64encode(f"\0{server.username}\0{server.password}".encode()).decode()
    yield urlsplit(settings.store.url).password or ""
