"""Vectors from the configured embedder, and the note of its last failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from newsletter.embedder import Query, Vectoriser, paper_text
from newsletter.embedder.cache import digest, prefixed
from newsletter.embedder.fetched import NOT_HERE
from newsletter.errors import StoreError
from newsletter.schedule import window
from newsletter.services.context import Context
from newsletter.services.models import configured_embedder, missing
from newsletter.services.papers import older_papers
from newsletter.services.readership import KnownReaders
from newsletter.store import Frozen
from newsletter.types import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger("newsletter")

EMBEDDING = 120.0  #: seconds for the vectors of an issue that were not made before


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the texts that the next issue needs have a vector."""

    papers: int  #: of the issue, older ones, and those that readers like or dislike
    papers_kept: int
    phrases: int  #: that readers typed
    phrases_kept: int


class EntryVectors:
    """Vectors of papers and of readers' words; without an embedder, or where it fails, there are none."""

    def __init__(self, context: Context, readers: KnownReaders) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._readers = readers
        model = context.settings.selection.model
        make = partial(configured_embedder, context.settings)
        self._vectoriser = Vectoriser(model, make, context.store.vectors.known, self._keep)

    def of_entries(
        self, entries: Iterable[Entry], within: float = EMBEDDING, hurry: bool = False
    ) -> tuple[dict[str, NDArray[np.float32]], str]:
        """Entry id → a vector of length 1 of its title and abstract; and one line of trouble, "" when all is well.

        Where no embedder is configured ({}, ""), where it fails ({}, why): raises nothing for what an embedder does.
        `within`: seconds. `hurry`: for a page; an embedder that has just failed is not asked, nothing is noted.
        """
        return self.of_texts({entry.id: paper_text(entry) for entry in entries}, within, hurry)

    def of_texts(
        self, texts: Mapping[str, str], within: float = EMBEDDING, hurry: bool = False
    ) -> tuple[dict[str, NDArray[np.float32]], str]:
        """Make the vectors of any texts, by the texts' keys; else as `of_entries`."""
        vectors, trouble = self._vectoriser.vectors(texts, within, hurry)
        if self._settings.selection.model and not hurry:
            _unless_read_only(lambda: self._store.note("embedder", trouble))
        return vectors, trouble

    def embed(self, within: float = EMBEDDING) -> str:
        """Make the vectors that the next issue will need, as of now; returns the trouble.

        Done after collecting, planning and sending need not wait for an embedder.
        """
        if not self._settings.selection.model:
            return ""
        return self.of_texts(self._texts(self._waiting()), within)[1]

    def embed_pool(self, frozen: Frozen, within: float = EMBEDDING) -> str:
        """Make the vectors of this issue, of older papers, and of what readers like and wrote; returns the trouble."""
        papers = (*older_papers(self._store, frozen.issue.since), *frozen.entries)
        return self.of_texts(self._texts(papers), within)[1]

    def trouble(self) -> str:
        """Why the configured embedder gives no vectors: it is not there, or failed the last time; "" else."""
        if absent := missing(self._settings):
            return absent
        model, noted = self._settings.selection.model, self._store.noted("embedder")
        return noted if model and noted.startswith(f"{model}: ") and NOT_HERE not in noted else ""

    def coverage(self) -> Coverage | None:
        """Count the texts that the next issue needs, and those of them that have a vector; None without a model.

        Raises ConfigError or EmbedderError where the model is not there.
        """
        embedder = configured_embedder(self._settings)
        if embedder is None:
            return None
        texts = self._texts(self._waiting())
        wanted = prefixed(embedder, texts)
        phrases = {digest(text) for key, text in wanted.items() if isinstance(texts[key], Query)}
        papers = {digest(text) for text in wanted.values()} - phrases
        has = self._store.vectors.has
        kept = len(has(embedder.name, [*papers])), len(has(embedder.name, [*phrases]))
        return Coverage(len(papers), kept[0], len(phrases), kept[1])

    def _waiting(self) -> Iterable[Entry]:
        """The papers of the next issue, as of now, and older ones that they are measured against."""
        now, cadence = self._now(), self._settings.schedule.cadence
        since = window(cadence, now, self._store.issues.latest_until(cadence, now))
        return (*older_papers(self._store, since), *self._store.entries.new_between(since, now, now))

    def _texts(self, entries: Iterable[Entry]) -> dict[str, str]:
        """The texts of these entries, of papers that readers like, and what readers wrote."""
        return {**self._readers.readership().texts, **{entry.id: paper_text(entry) for entry in entries}}

    def _keep(self, model: str, made: Mapping[str, bytes]) -> None:
        _unless_read_only(lambda: self._store.vectors.put(model, made))


def _unless_read_only(write: Callable[[], None]) -> None:
    """What is only kept to save work later on must not stop the work."""
    try:
        write()
    except StoreError as error:
        logger.warning("not kept", extra={"error": str(error)})
