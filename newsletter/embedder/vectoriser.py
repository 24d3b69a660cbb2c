"""The vectoriser: an embedder with its cache that never raises. Where it fails there are no vectors, and it says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from newsletter.embedder.cache import Known, Put, embed_cached
from newsletter.errors import ConfigError, EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.embedder.embedder import Embedder

REST = 300.0  #: seconds in which those in a hurry do not ask an embedder that has failed

logger = logging.getLogger(__name__)


class Vectoriser:
    """The vectors of one model, made when it is first needed.

    May be called from several threads; one of them embeds.
    """

    def __init__(
        self,
        model: str,
        make: Callable[[], Embedder | None],
        known: Known,
        put: Put,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self._make = make
        self._known = known
        self._put = put
        self._clock = clock
        self._lock = Lock()
        self._embedder: Embedder | None = None
        self._failed: tuple[float, str] | None = None  #: when, and why

    def vectors(
        self, texts: Mapping[str, str], within: float, hurry: bool = False
    ) -> tuple[dict[str, NDArray[np.float32]], str]:
        """Vectors by the keys of `texts`, and one line of trouble; with trouble there is none at all.

        `within`: seconds for what is not kept yet. `hurry`: an embedder that has failed just now is not asked again.
        """
        if not self.model:
            return {}, ""
        if hurry and self._failed and self._clock() - self._failed[0] < REST:
            return {}, self._failed[1]
        began = time.monotonic()
        if not self._lock.acquire(timeout=within):
            return {}, f"{self.model}: busy for more than {within:g} s"
        try:
            return self._embed(texts, within - (time.monotonic() - began)), ""
        except (EmbedderError, ConfigError) as error:
            trouble = f"{self.model}: {' '.join(str(error).split())}"
            logger.warning("no vectors", extra={"model": self.model, "error": trouble})
            self._failed = self._clock(), trouble
            self._embedder = None  # made anew: what was wrong may have been put right, as by fetching the model
            return {}, trouble
        finally:
            self._lock.release()

    def _embed(self, texts: Mapping[str, str], within: float) -> dict[str, NDArray[np.float32]]:
        if self._embedder is None:
            self._embedder = self._make()
        vectors = embed_cached(self._embedder, texts, self._known, self._put, within) if self._embedder else {}
        self._failed = None
        return vectors
