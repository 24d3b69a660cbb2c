"""The draft of the next issue, prepared once for all readers who look at their pages, and anew behind their backs.

page ─ latest ─▶ draft as it is ─ edition ─▶ one reader's choice
         └▶ time to look? ─ thread: did papers, issues or templates change? does a reader name what it lacks? ─▶ draft
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from newsletter.errors import NewsletterError
from newsletter.services.context import Context
from newsletter.services.editions import IssueEditions
from newsletter.services.planning import Planning
from newsletter.services.prepared import PreparedIssue
from newsletter.services.readership import KnownReaders, needed
from newsletter.types import Edition, Subscriber, Vote

logger = logging.getLogger("newsletter")

MOST_VISITORS = 500  #: readers for whom a draft knows more than for everybody
ENDING = 10.0  #: seconds that closing waits for a preparation


@dataclass(frozen=True, slots=True)
class DraftPace:
    """How often the store is looked at, in seconds."""

    look: float = 10.0  #: between two looks
    rest: float = 10.0  #: times as long as the last preparation took, where that is more: a tenth of the work at most
    old: float = 600.0  #: a draft of this age is worth waiting for a newer one
    anew: float = 3600.0  #: a draft of this age is prepared anew though nothing changed: trends, and what others like


@dataclass(frozen=True, slots=True)
class Draft:
    """The next issue as it was prepared at one moment."""

    prepared: PreparedIssue
    languages: Mapping[str, str]  #: that a mail can be in: BCP 47 tag → its name in itself
    named: Set[str]  #: what it knows of readers' profiles, or looked for
    marks: object  #: of what it was made from
    made: float  #: by the clock of the drafts


class Drafts:
    """Keeps one draft. Safe for threads; none of its methods waits but `close`."""

    def __init__(
        self,
        context: Context,
        planning: Planning,
        editions: IssueEditions,
        readers: KnownReaders,
        pace: DraftPace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = context.settings
        self._store = context.store
        self._planning = planning
        self._editions = editions
        self._readers = readers
        self._pace = pace or DraftPace()
        self._clock = clock
        self._lock = Lock()
        self._draft: Draft | None = None
        self._working: Future[None] | None = None
        self._thread: Thread | None = None
        self._next_look = clock()
        self._visitors: OrderedDict[int, None] = OrderedDict()
        self._lacks = False  #: a visitor names what the draft does not know
        self._closing = False
        self._trouble = ""

    def latest(self) -> tuple[Draft | None, Future[None] | None]:
        """The draft as it is, None where there is none; and, where it is worth waiting for, when a newer one is there.

        Starts to look for changes where it is time to.
        """
        with self._lock:
            now = self._clock()
            if self._working is None and now >= self._next_look and not self._closing:
                self._start()
            worth = self._draft is None or now - self._draft.made >= self._pace.old
            return self._draft, self._working if worth else None

    def edition(self, draft: Draft, person: Subscriber, votes: Sequence[Vote]) -> Edition:
        """What the next issue would hold for this person, as their profile and `votes` are now."""
        heard = self._readers.with_signals_of(person, votes, but=draft.prepared.issue.key)
        if not needed(heard.profile, bool(self._settings.selection.model)) <= draft.named:
            self._note(person.id)
        return self._editions.drafted_edition(draft.prepared, person, heard)

    def close(self) -> None:
        """Begin no more; waits a little for what is under way."""
        with self._lock:
            self._closing, thread = True, self._thread
        if thread:
            thread.join(ENDING)

    def _note(self, number: int) -> None:
        with self._lock:
            self._lacks = True
            self._visitors[number] = None
            self._visitors.move_to_end(number)
            while len(self._visitors) > MOST_VISITORS:
                self._visitors.popitem(last=False)

    def _start(self) -> None:
        """Look in a thread of its own; the caller holds the lock."""
        self._working = Future()
        self._working.set_running_or_notify_cancel()  # who stops waiting for it does not stop it
        self._thread = Thread(target=self._look, args=(self._working,), name="draft", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads: the pages do without, and try again at the next look
            self._working = self._thread = None
            self._next_look = self._clock() + self._pace.look

    def _look(self, working: Future[None]) -> None:
        began, trouble = self._clock(), ""
        try:
            self._refresh()
        except NewsletterError as error:
            trouble = str(error)
            if trouble != self._trouble:  # once, not at every look
                logger.warning("no draft of the next issue", extra={"error": trouble})
        except Exception:
            logger.exception("no draft of the next issue")  # a bug of ours, which costs the pages this part alone
        finally:
            with self._lock:
                now = self._clock()
                self._trouble = trouble
                self._next_look = now + max(self._pace.look, self._pace.rest * (now - began))
                self._working = self._thread = None
            working.set_result(None)

    def _refresh(self) -> None:
        """Prepare the draft where it is not as it would be now."""
        marks, draft = (self._store.changes.mark(), self._template_times()), self._draft
        with self._lock:
            lacks, self._lacks, visitors = self._lacks, False, [*self._visitors]
        if draft and not lacks and draft.marks == marks and self._clock() - draft.made < self._pace.anew:
            return
        prepared, named = self._editions.shared_draft(visitors)
        languages = self._planning.languages()
        with self._lock:
            self._draft = Draft(prepared, languages, named, marks, self._clock())

    def _template_times(self) -> tuple[tuple[str, int], ...]:
        own = self._settings.newsletter.templates
        files = sorted((self._settings.home / own).rglob("*")) if own else []
        return tuple((str(file), _time(file)) for file in files)


def _time(file: Path) -> int:
    """0 for a file that is gone: an editor may replace one at any moment."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
