"""Vectors from the configured embedder, and the note of its last failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from newsletter.embedder import Embedder, Vectoriser, make_embedder, paper_text
from newsletter.errors import StoreError
from newsletter.schedule import window
from newsletter.services.context import Context
from newsletter.services.readership import KnownReaders
from newsletter.types import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger("newsletter")

EMBEDDING = 120.0  #: seconds for the vectors of an issue that were not made before


class EntryVectors:
    """Vectors of papers and of readers' words; without an embedder, or where it fails, there are none."""

    def __init__(self, context: Context, readers: KnownReaders) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._readers = readers
        model = context.settings.selection.model
        self._vectoriser = Vectoriser(model, self._embedder, context.store.vectors.known, self._keep)

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
        now, cadence = self._now(), self._settings.schedule.cadence
        since = window(cadence, now, self._store.issues.latest_until(cadence, now))
        return self.embed_pool(self._store.entries.new_between(since, now, now), within)

    def embed_pool(self, entries: Iterable[Entry], within: float = EMBEDDING) -> str:
        """Make the vectors of these entries, and of what readers like and wrote; returns the trouble."""
        texts = self._readers.readership().texts
        return self.of_texts({**texts, **{entry.id: paper_text(entry) for entry in entries}}, within)[1]

    def trouble(self) -> str:
        """Why the configured embedder gave no vectors the last time; "" when it did, or when none is configured."""
        model, noted = self._settings.selection.model, self._store.noted("embedder")
        return noted if model and noted.startswith(f"{model}: ") else ""

    def _embedder(self) -> Embedder | None:
        section = self._settings.selection
        key = section.model_key.get_secret_value() if section.model_key else ""
        return make_embedder(section.model, url=section.model_url, key=key, home=self._settings.home)

    def _keep(self, model: str, made: Mapping[str, bytes]) -> None:
        _unless_read_only(lambda: self._store.vectors.put(model, made))


def _unless_read_only(write: Callable[[], None]) -> None:
    """What is only kept to save work later on must not stop the work."""
    try:
        write()
    except StoreError as error:
        logger.warning("not kept", extra={"error": str(error)})
