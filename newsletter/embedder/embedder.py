"""What an embedder is: a name and a function from texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """A model that makes vectors of texts.

    One that wants queries and papers marked may have `prefixes`, a `Prefixes`; the texts that it gets have them.
    """

    @property
    def name(self) -> str:
        """The name of the model with its version; vectors are kept by it, and never mixed with those of another."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: shape (n, d), rows of length 1; zeros for a text in which nothing is known.

        Raises EmbedderError.
        """
