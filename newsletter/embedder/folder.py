"""A folder: a sentence-transformers model on this machine, exported to ONNX or not. Nothing is downloaded.

An ONNX model is taken first: it needs no PyTorch, and is quicker on a CPU.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.embedder.onnx_model import OnnxModel, runs_here, weights
from newsletter.embedder.prefixes import folder_prefixes
from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNS = ("modules.json", "config.json")  #: one of them lies in a folder with a model
BATCH = 32


class FolderEmbedder:
    """A model in a folder.

    Needs the extra `fastembed` for one exported to ONNX, else `sentence-transformers`; raises EmbedderError without
    it, or where no model is in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._onnx = weights(folder) is not None and (runs_here() or find_spec("sentence_transformers") is None)
        _check(folder, self._onnx)
        self.name = f"folder:{self.folder.name} {fingerprint(self.folder)}{' onnx' if self._onnx else ''}"
        self.prefixes = folder_prefixes(self.folder)
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts in batches on the CPU."""
        self._model = self._model or self._loaded()
        if self._onnx:
            return unit_rows(self._model.embed(texts), len(texts))
        more = {"batch_size": BATCH, "show_progress_bar": False, "convert_to_numpy": True}
        rows = self._model.encode(list(texts), prompt="", **more)  # no prompt of its own: the texts have theirs
        return unit_rows(rows, len(texts))

    def _loaded(self) -> Any:
        """The loaded model, by its absolute path, so that it is never taken for the name of a model on a hub."""
        try:
            if self._onnx:
                return OnnxModel(self.folder)
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True, trust_remote_code=False)
        except EmbedderError:
            raise
        except Exception as error:  # somebody else's code
            raise EmbedderError(f"it cannot be loaded: {type(error).__name__}: {error}") from error


def _check(folder: Path, onnx: bool) -> None:
    """Raises EmbedderError where a package is missing, or no model is in the folder."""
    if not (runs_here() if onnx else find_spec("sentence_transformers")):
        extra = "fastembed" if onnx else "sentence-transformers"
        raise EmbedderError(f'a package is not installed: pip install "newsletter[{extra}]"')
    if onnx and not (folder / "tokenizer.json").is_file():
        raise EmbedderError(f"there is no whole model in {folder} (tokenizer.json is missing)")
    if not onnx and not any((folder / sign).is_file() for sign in SIGNS):
        raise EmbedderError(f"there is no model in {folder} ({' or '.join(SIGNS)} is missing)")


def fingerprint(folder: Path) -> str:
    """The fingerprint of a model's files: it changes when one of them does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = ((path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.blake2b(repr(list(facts)).encode(), digest_size=8).hexdigest()
