"""Fastembed: small models by name, run by onnxruntime without PyTorch. They are fetched once, by a command of its own.

Nothing is downloaded here: a model that was not fetched is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.embedder.batches import BATCH, embed_by_length
from newsletter.embedder.fetched import fetched_model, model_folder
from newsletter.embedder.prefixes import known_prefixes
from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIAL = "Sparse attention for long documents"  #: embedded once when a model is fetched, and whenever it is loaded
ALIKE = 0.97  #: cosine of two vectors of one text by one model, on whatever machine
INSTALL = 'a package is not installed: pip install "newsletter[fastembed]"'


class FastembedEmbedder:
    """A model of fastembed's list, in the folder `models`.

    Needs the extra `fastembed`; raises EmbedderError without it, or where the model was not fetched.
    """

    def __init__(self, model: str, models: Path) -> None:
        if find_spec("fastembed") is None:
            raise EmbedderError(INSTALL)
        self.fetched = fetched_model(models, model)
        self.folder = model_folder(models, model)
        self.name = f"fastembed:{self.fetched.model} {self.fetched.digest}"
        self.prefixes = known_prefixes(self.fetched.model)
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts on the CPU."""
        self._model = self._model or self._loaded()
        return run(self._model, texts)

    def _loaded(self) -> Any:
        """The loaded model; refused if it gives other vectors than it did, as after an update of fastembed."""
        model = loaded(self.fetched.model, self.folder)
        likeness = alike(run(model, [TRIAL])[0], self.fetched.trial)
        if likeness < ALIKE:
            todo = f"run `newsletter model fetch {self.fetched.model}`"
            raise EmbedderError(f"the model gives other vectors than when it was fetched: {todo}")
        return model


def loaded(model: str, folder: Path) -> Any:
    """A model of fastembed's from the files of a folder. Raises EmbedderError, whatever is wrong with them."""
    try:
        from fastembed import TextEmbedding

        place = {"cache_dir": str(folder), "specific_model_path": str(folder), "local_files_only": True}
        make: Any = TextEmbedding
        return make(model, threads=1, providers=["CPUExecutionProvider"], **place)
    except Exception as error:  # somebody else's code
        words = (str(error).strip().splitlines() or [""])[0]
        raise EmbedderError(f"it cannot be loaded: {type(error).__name__}: {words}") from error


def run(model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    """The rows of texts, of length 1."""
    import numpy as np

    def embed(some: list[str]) -> NDArray[np.float32]:
        return np.stack([*model.embed(some, batch_size=BATCH)])

    return unit_rows(embed_by_length(texts, len, embed), len(texts))


def alike(row: NDArray[np.float32], other: Sequence[float]) -> float:
    """The cosine of two vectors of length 1; 0 for two of different lengths."""
    import numpy as np

    return float(row @ np.asarray(other, np.float32)) if len(row) == len(other) else 0.0
