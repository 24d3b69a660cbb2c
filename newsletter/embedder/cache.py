"""Embed each text once: what was made before is kept by model and by a digest of the text.

Pure of any store: `known` and `put` are functions, and vectors are kept as float32, little-endian.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from newsletter.embedder.prefixes import prefixes_of
from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError
from newsletter.types import Entry, Interest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.embedder.embedder import Embedder

Known = Callable[[str, Sequence[str]], Mapping[str, bytes]]  #: (model, digests) → what is kept, by digest
Put = Callable[[str, Mapping[str, bytes]], object]  #: (model, vectors by digest)

CHUNK = 256  #: texts embedded and kept together
FIRST = 32  #: of them at first, where time is short: how long a model takes is not known before
LONGEST = 8_000  #: characters of one text that are read

logger = logging.getLogger(__name__)


def paper_text(entry: Entry) -> str:
    """The text of a paper that is embedded."""
    return f"{entry.title}\n{entry.abstract}"


def interest_text(interest: Interest) -> str:
    """The text of an interest that is embedded: its name and its keywords."""
    return ", ".join(dict.fromkeys((interest.name, *interest.keywords)))


def normal(text: str) -> str:
    """The text that is embedded and digested: white space, forms of a letter and half characters do not count."""
    whole = unicodedata.normalize("NFC", text[: 2 * LONGEST].encode("utf-8", "replace").decode())
    lines = (" ".join(line.split()) for line in whole.splitlines())
    return "\n".join(filter(None, lines))[:LONGEST]


def digest(text: str) -> str:
    """The digest of a normal text, in 32 characters."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def prefixed(embedder: Embedder, texts: Mapping[str, str]) -> dict[str, str]:
    """The normal texts as the model wants them, by the same keys; nothing for a text without a word."""
    prefixes = prefixes_of(embedder)
    return {key: prefixes.before(text) + plain for key, text in texts.items() if (plain := normal(text))}


def embed_cached(
    embedder: Embedder,
    texts: Mapping[str, str],
    known: Known = lambda model, digests: {},  # noqa: ARG005
    put: Put = lambda model, vectors: None,  # noqa: ARG005
    within: float = math.inf,
) -> dict[str, NDArray[np.float32]]:
    """Vectors of length 1 by the keys of `texts`; a text in which nothing is known has none.

    Before a text stands what the model wants there: a `Query` may have another vector than a paper of the same words.
    Asks only for what `known` does not have, and puts each chunk as it comes: after a failure, or when the seconds in
    `within` are over, the next run goes on from there. Raises EmbedderError, whatever the embedder raised.
    """
    normals = prefixed(embedder, texts)
    digests = {key: digest(text) for key, text in normals.items()}
    wanted = {digests[key]: normals[key] for key in digests}
    found = _decoded(known(embedder.name, list(wanted)))
    batches = _BatchEmbedder(embedder, put, within)
    size = batches.complete(found, {digested: text for digested, text in wanted.items() if digested not in found})
    if other := _of_another_size(found, size):  # the model has changed and kept its name
        batches.complete(found, {digested: wanted[digested] for digested in other})
    if _of_another_size(found, size):
        raise EmbedderError("vectors of different lengths")
    return {key: found[digested] for key, digested in digests.items() if found[digested].any()}


class _BatchEmbedder:
    """Embeds what is missing in batches, and keeps each batch as it comes."""

    def __init__(self, embedder: Embedder, put: Put, within: float) -> None:
        self._embedder, self._put, self._within = embedder, put, within
        self._ends = time.monotonic() + within

    def complete(self, found: MutableMapping[str, NDArray[np.float32]], missing: Mapping[str, str]) -> int:
        """Embed what is missing; return the size of the vectors that were made, 0 if none was."""
        names, size, start = list(missing), 0, 0
        began = time.monotonic()
        while start < len(names):
            if (now := time.monotonic()) > self._ends:
                left = f"{len(names) - start} of {len(names)} texts"
                raise EmbedderError(f"no more time after {self._within:.3g} s; {left} are left for the next run")
            some = names[start : start + self._affordable(start, now - began, self._ends - now)]
            start += len(some)
            rows = self._rows([missing[name] for name in some])
            self._put(self._embedder.name, _encoded(some, rows))
            found.update(zip(some, rows, strict=True))
            size = rows.shape[1]
        return size

    @staticmethod
    def _affordable(done: int, took: float, left: float) -> int:
        """How many texts to take next, so that a slow model does not go far beyond the time that is left."""
        if math.isinf(left):
            return CHUNK
        if not done:
            return FIRST
        return max(1, min(CHUNK, int(done * left / max(took, 1e-3))))

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            return unit_rows(self._embedder.embed(texts), len(texts))
        except EmbedderError:
            raise
        except Exception as error:  # somebody else's code
            logger.debug("an embedder raised", exc_info=True)
            words = (str(error).strip().splitlines() or [""])[0]
            raise EmbedderError(f"{type(error).__name__}: {words}".removesuffix(": ")) from error


def _of_another_size(found: Mapping[str, NDArray[np.float32]], size: int) -> list[str]:
    """Digests of the vectors that are not of this size; of all of them, if it is 0 and they differ."""
    if len({len(row) for row in found.values()}) < 2:
        return []
    return [digested for digested, row in found.items() if len(row) != size]


def _decoded(kept: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    import numpy as np

    whole = {digested: data for digested, data in kept.items() if data and len(data) % 4 == 0}
    return {digested: np.frombuffer(data, "<f4").astype(np.float32, copy=False) for digested, data in whole.items()}


def _encoded(names: Iterable[str], rows: NDArray[np.float32]) -> dict[str, bytes]:
    return {name: row.tobytes() for name, row in zip(names, rows.astype("<f4", copy=False), strict=True)}
