"""A mail on trial: whose, of which issue, in which templates, and what became of it. By the same path as `send`.

wish ─▶ reader, guest ─▶ prepared (kept until store or templates change) ─▶ edition ─▶ mail ─▶ proof
"""

from __future__ import annotations

import re
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

MOST_PRESSES = 4
MOST_PROOFS = 40
STRANGER = Subscriber(0, "reader@example.org", "Reader", Status.ACTIVE)  #: who has a profile and no address


@dataclass(frozen=True, slots=True)
class Wish:
    """What the maintainer wants to see."""

    issue: str = ""  #: its key; "" for the next one, as of now
    today: bool = False  #: a planned issue in the templates of today instead of its own
    address: str = ""  #: "" for the first subscriber, or the stranger where there is a profile
    profile: Profile | None = None  #: in place of the reader's own

    @property
    def frozen(self) -> bool:
        """Nothing that is saved now changes it."""
        return bool(self.issue) and not self.today


class Stamps(NamedTuple):
    """They change when something is saved."""

    templates: str
    store: str


@dataclass(frozen=True, slots=True)
class Proof:
    """One reader's mail, and what it was made from."""

    id: str  #: the same for the same mail
    wish: Wish
    prepared: PreparedIssue
    person: Subscriber
    kept: Kept
    mail: Mail
    parts: Parts
    stamps: Stamps
    trouble: TemplateError | None  #: the templates of now cannot be used: made with the last ones that could


class _Plate(NamedTuple):
    stamps: Stamps
    prepared: PreparedIssue
    trouble: TemplateError | None


class Proofs:
    """Makes proofs and keeps the latest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plates: OrderedDict[tuple[object, ...], _Plate] = OrderedDict()
        self._proofs: OrderedDict[str, Proof] = OrderedDict()
        self._last: PreparedIssue | None = None  #: of the next issue, as it could last be made
        self._making = Lock()

    def make(self, wish: Wish) -> Proof:
        """Raises NewsletterError. Writes nothing."""
        person = self._reader(wish)
        with self._making:  # the page asks for two readers at once: one of them prepares the prepared
            stamps = self.stamps()
            plate = self._plate(wish, self._guest(person), stamps)
        kept = self._engine.editions.edition(plate.prepared, person, anew=wish.profile is not None or not wish.issue)
        mail = plate.prepared.render_mail(kept)
        digest = blake2b(mail.body + repr((wish, stamps, str(plate.trouble))).encode(), digest_size=8).hexdigest()
        proof = Proof(digest, wish, plate.prepared, person, kept, mail, parts(mail), stamps, plate.trouble)
        self._proofs[digest] = proof
        while len(self._proofs) > MOST_PROOFS:
            self._proofs.popitem(last=False)
        return proof

    def find(self, name: str) -> Proof | None:
        """None for one that is no longer kept."""
        return self._proofs.get(name)

    def stamps(self) -> Stamps:
        own = self._engine.settings.newsletter.templates
        folders = [resource("templates"), *([self._engine.settings.home / own] if own else [])]
        times = [(str(path), _time(path)) for folder in folders for path in sorted(folder.rglob("*"))]
        return Stamps(blake2b(repr(times).encode(), digest_size=8).hexdigest(), str(_store_time(self._engine)))

    def _reader(self, wish: Wish) -> Subscriber:
        if wish.address:
            person = self._engine.store.subscribers.find(wish.address)
        elif wish.profile:
            person = STRANGER
        else:
            person = next(self._engine.store.subscribers.listed(Status.ACTIVE), STRANGER)
        return replace(person, profile=wish.profile) if wish.profile else person

    def _guest(self, person: Subscriber) -> Subscriber | None:
        """The reader, where the prepared would not know papers or words of theirs otherwise."""
        stored = self._engine.store.subscribers.get(person.id).profile if person.id else Profile()
        known = stored if person.status is Status.ACTIVE else Profile()
        words = bool(self._engine.settings.selection.model)
        return person if _named(person.profile, words) - _named(known, words) else None

    def _plate(self, wish: Wish, guest: Subscriber | None, stamps: Stamps) -> _Plate:
        """Papers are read again when the store changes, templates when they do; broken ones leave the last prepared."""
        key = (wish.issue, wish.today, guest)
        known = self._plates.pop(key, None)
        if known is None or known.stamps.store != stamps.store:
            plate = self._prepared(wish, guest, stamps)
        elif wish.frozen or known.stamps.templates == stamps.templates:
            plate = known
        else:
            plate = self._in_templates_of_now(known.prepared, stamps)
        self._plates[key] = plate
        while len(self._plates) > MOST_PRESSES:
            self._plates.popitem(last=False)
        return plate

    def _prepared(self, wish: Wish, guest: Subscriber | None, stamps: Stamps) -> _Plate:
        try:
            prepared = self._engine.editions.trial(wish.issue, guest)
        except TemplateError as error:
            if wish.issue or not self._last:
                raise
            return _Plate(Stamps(stamps.templates, ""), self._last, error)  # and is tried again next time
        if wish.issue:
            plain = _Plate(stamps, prepared, None)
            return self._in_templates_of_now(prepared, stamps) if wish.today else plain
        self._last = prepared
        return _Plate(stamps, prepared, None)

    def _in_templates_of_now(self, prepared: PreparedIssue, stamps: Stamps) -> _Plate:
        try:
            return _Plate(stamps, self._engine.editions.with_todays_templates(prepared), None)
        except TemplateError as error:
            return _Plate(stamps, prepared, error)


def render_preview(engine: Engine, key: str | None, address: str | None = None, profile: Profile | None = None) -> Mail:
    """One mail: of a subscriber, of an invented reader with this profile, or of the first subscriber.

    Called by `newsletter preview --out`.
    """
    return Proofs(engine).make(Wish(key or "", False, address or "", profile)).mail


def _named(profile: Profile, words: bool) -> set[str]:
    """What a prepared has to know of a profile: its papers, and for an embedder its words."""
    papers = {*profile.liked, *profile.disliked, *(name for each in profile.interests for name in each.liked)}
    return papers | {*phrases(profile)} if words else papers


def _store_time(engine: Engine) -> int:
    """When an SQLite file last changed; another database says nothing."""
    place = re.sub(r"^sqlite[^:]*:///", "", engine.settings.store_url)
    return max(_time(Path(place)), _time(Path(f"{place}-wal")))


def _time(path: Path) -> int:
    """0 for what is not there: an editor may replace a file at any moment."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
