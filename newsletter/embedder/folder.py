"""A folder: a sentence-transformers model on this machine. Nothing is downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNS = ("modules.json", "config.json")  #: one of them lies in a folder with a model
BATCH = 32


class FolderEmbedder:
    """A sentence-transformers model in a folder.

    Needs the extra `sentence-transformers`; raises EmbedderError without it, or where no model is in the folder.
    """

    def __init__(self, folder: Path) -> None:
        if find_spec("sentence_transformers") is None:
            raise EmbedderError('a package is not installed: pip install "newsletter[sentence-transformers]"')
        if not any((folder / sign).is_file() for sign in SIGNS):
            raise EmbedderError(f"there is no model in {folder} ({' or '.join(SIGNS)} is missing)")
        self.folder = folder.resolve()
        self.name = f"folder:{self.folder.name} {fingerprint(self.folder)}"
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts in batches on the CPU."""
        self._model = self._model or self._loaded()
        rows = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)
        return unit_rows(rows, len(texts))

    def _loaded(self) -> Any:
        """The loaded model, by its absolute path, so that it is never taken for the name of a model on a hub."""
        try:
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True, trust_remote_code=False)
        except Exception as error:  # somebody else's code
            raise EmbedderError(f"it cannot be loaded: {type(error).__name__}: {error}") from error


def fingerprint(folder: Path) -> str:
    """The fingerprint of a model's files: it changes when one of them does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = ((path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.blake2b(repr(list(facts)).encode(), digest_size=8).hexdigest()
