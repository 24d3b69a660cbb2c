"""A proof: one reader's mail, of which issue, in which templates, and what it became. By the same path as `send`.

request ─▶ reader ─▶ prepared issue (cached until store or templates change) ─▶ edition ─▶ mail ─▶ proof
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from newsletter.config import resource
from newsletter.engine import Engine
from newsletter.errors import TemplateError
from newsletter.selector import phrases
from newsletter.services.prepared import PreparedIssue
from newsletter.store import Kept
from newsletter.types import Mail, Profile, Status, Subscriber
from newsletter.web.mail_parts import Parts, parts

MOST_PREVIEWS = 4  #: prepared issues in memory
MOST_PROOFS = 40  #: mails in memory
#: has a profile of the maintainer's choice, and an address that nobody has
SAMPLE_READER = Subscriber(0, "reader@example.org", "Reader", Status.ACTIVE)


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What the maintainer wants to see."""

    issue: str = ""  #: its key; "" for the next one, as of now
    today: bool = False  #: a planned issue in the templates of today instead of its own
    address: str = ""  #: "" for the first subscriber, or the sample reader where there is a profile
    profile: Profile | None = None  #: in place of the reader's own

    @property
    def frozen(self) -> bool:
        """Whether nothing that is saved now changes the mail."""
        return bool(self.issue) and not self.today


class Versions(NamedTuple):
    """Marks that change when something is saved."""

    templates: str
    store: str


@dataclass(frozen=True, slots=True)
class Proof:
    """One reader's mail, and what it was made from."""

    id: str  #: the same for the same mail
    request: PreviewRequest
    prepared: PreparedIssue
    person: Subscriber
    kept: Kept
    mail: Mail
    parts: Parts
    versions: Versions
    template_error: TemplateError | None  #: why today's templates could not be used; the last good ones were


class CachedPreview(NamedTuple):
    """A prepared issue, and as of which versions it was prepared."""

    versions: Versions
    prepared: PreparedIssue
    template_error: TemplateError | None


class Proofs:
    """Makes proofs, and keeps the latest in memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._previews: OrderedDict[tuple[object, ...], CachedPreview] = OrderedDict()
        self._proofs: OrderedDict[str, Proof] = OrderedDict()
        self._last: PreparedIssue | None = None  #: the next issue, as it could last be prepared
        self._preparing = Lock()

    def make(self, request: PreviewRequest) -> Proof:
        """Make a proof without writing anything; raises NewsletterError."""
        person = self._reader(request)
        with self._preparing:  # the page asks for two readers at once, and one of them prepares the issue
            versions = self.versions()
            preview = self._preview(request, self._guest(person), versions)
        anew = request.profile is not None or not request.issue
        kept = self._engine.editions.edition(preview.prepared, person, anew=anew)
        mail = preview.prepared.render_mail(kept)
        origin = repr((request, versions, str(preview.template_error))).encode()
        name = blake2b(mail.body + origin, digest_size=8).hexdigest()
        proof = Proof(
            name, request, preview.prepared, person, kept, mail, parts(mail), versions, preview.template_error
        )
        self._proofs[name] = proof
        while len(self._proofs) > MOST_PROOFS:
            self._proofs.popitem(last=False)
        return proof

    def find(self, name: str) -> Proof | None:
        """Return the proof with this id; None where it is no longer in memory."""
        return self._proofs.get(name)

    def versions(self) -> Versions:
        """Return the versions of templates and store as of now."""
        own = self._engine.settings.newsletter.templates
        folders = [resource("templates"), *([self._engine.settings.home / own] if own else [])]
        times = [(str(path), _time(path)) for folder in folders for path in sorted(folder.rglob("*"))]
        return Versions(blake2b(repr(times).encode(), digest_size=8).hexdigest(), str(self._engine.status.changed_at()))

    def _reader(self, request: PreviewRequest) -> Subscriber:
        if request.address:
            person = self._engine.subscriptions.find(request.address)
        elif request.profile:
            person = SAMPLE_READER
        else:
            person = next(self._engine.subscriptions.listed(Status.ACTIVE), SAMPLE_READER)
        return replace(person, profile=request.profile) if request.profile else person

    def _guest(self, person: Subscriber) -> Subscriber | None:
        """Return the reader where a prepared issue would not know papers or words of theirs otherwise."""
        own = self._engine.subscriptions.get(person.id).profile if person.id else Profile()
        known = own if person.status is Status.ACTIVE else Profile()
        words = bool(self._engine.settings.selection.model)
        return person if _named(person.profile, words) - _named(known, words) else None

    def _preview(self, request: PreviewRequest, guest: Subscriber | None, versions: Versions) -> CachedPreview:
        """Read papers again when the store changes, and templates when they do; broken ones leave the last good."""
        key = (request.issue, request.today, guest)
        cached = self._previews.pop(key, None)
        if cached is None or cached.versions.store != versions.store:
            preview = self._prepare(request, guest, versions)
        elif request.frozen or cached.versions.templates == versions.templates:
            preview = cached
        else:
            preview = self._with_templates_of_today(cached.prepared, versions)
        self._previews[key] = preview
        while len(self._previews) > MOST_PREVIEWS:
            self._previews.popitem(last=False)
        return preview

    def _prepare(self, request: PreviewRequest, guest: Subscriber | None, versions: Versions) -> CachedPreview:
        try:
            prepared = self._engine.editions.trial(request.issue, guest)
        except TemplateError as error:
            if request.issue or not self._last:
                raise
            return CachedPreview(Versions(versions.templates, ""), self._last, error)  # prepared again next time
        if request.today and request.issue:
            return self._with_templates_of_today(prepared, versions)
        if not request.issue:
            self._last = prepared
        return CachedPreview(versions, prepared, None)

    def _with_templates_of_today(self, prepared: PreparedIssue, versions: Versions) -> CachedPreview:
        try:
            return CachedPreview(versions, self._engine.editions.with_todays_templates(prepared), None)
        except TemplateError as error:
            return CachedPreview(versions, prepared, error)


def render_preview(engine: Engine, key: str | None, address: str | None = None, profile: Profile | None = None) -> Mail:
    """Render one mail: of a subscriber, of the sample reader with this profile, or of the first subscriber."""
    return Proofs(engine).make(PreviewRequest(key or "", False, address or "", profile)).mail


def _named(profile: Profile, words: bool) -> set[str]:
    """Return what a prepared issue has to know of a profile: its papers, and for an embedder its words."""
    liked = (entry for interest in profile.interests for entry in interest.liked)
    papers = {*profile.liked, *profile.disliked, *liked}
    return papers | {*phrases(profile)} if words else papers


def _time(path: Path) -> int:
    """Return the file's modification time, 0 for a missing file: an editor may replace one at any moment."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
