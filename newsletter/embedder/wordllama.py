"""WordLlama: token vectors of a large language model, averaged. Small, quick on a CPU, its weights in its wheel."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIG, SIZE = "l2_supercat", 256  #: the weights that the wheel holds
BATCH = 32  #: texts padded to the longest of them


class WordllamaEmbedder:
    """The WordLlama model. Needs the extra `wordllama`; raises EmbedderError without it."""

    def __init__(self) -> None:
        try:
            self.name = f"wordllama {version('wordllama')} {CONFIG} {SIZE}"
        except PackageNotFoundError as error:
            raise EmbedderError('the package is not installed: pip install "newsletter[wordllama]"') from error
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, those of one length together, so that little is padded."""
        import numpy as np

        self._model = self._model or _loaded()
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        found = self._model.embed([texts[number] for number in order], batch_size=BATCH)
        rows = np.empty_like(found)
        rows[order] = found
        return unit_rows(rows, len(texts))


def _loaded() -> Any:
    """The loaded model.

    Its own folder stands in for its cache: otherwise it misses its tokenizer and asks the network for it.
    """
    try:
        import wordllama

        folder = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(CONFIG, cache_dir=folder, dim=SIZE, disable_download=True)
    except Exception as error:  # somebody else's code
        raise EmbedderError(f"it cannot be loaded: {type(error).__name__}: {error}") from error
