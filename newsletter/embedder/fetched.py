"""Models that were fetched: each in a folder of its own, with a note of its files that is written last.

models/baai--bge-small-en-v1.5/         model_optimized.onnx, tokenizer.json … and fetched.json
models/baai--bge-small-en-v1.5.part/    a download that did not come to its end; the next one goes on there
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from newsletter.errors import EmbedderError

NOTE = "fetched.json"
NOT_HERE = "is not here yet"


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model whose files are all here."""

    model: str  #: "BAAI/bge-small-en-v1.5"
    source: str  #: the repository that its files are from: "qdrant/bge-small-en-v1.5-onnx-q"
    revision: str  #: of the repository
    files: Mapping[str, int]  #: name → bytes
    digest: str  #: of the files' contents and of `trial`: vectors are kept by it
    trial: tuple[float, ...]  #: the vector of TRIAL when the model was fetched

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(self.files.values())


def model_folder(models: Path, model: str) -> Path:
    """The folder of a model. Raises EmbedderError for a name that no model has."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", model, re.ASCII):
        raise EmbedderError(f'"{model}" is no name of a model, such as "BAAI/bge-small-en-v1.5"')
    return models / model.lower().replace("/", "--")


def look_for(models: Path, model: str) -> FetchedModel | None:
    """The model, where it is here as a whole; None where it is not."""
    return read_note(model_folder(models, model))


def fetched_model(models: Path, model: str) -> FetchedModel:
    """The model. Raises EmbedderError where it is not here."""
    found = look_for(models, model)
    if found is None:
        raise EmbedderError(f"the model {model} {NOT_HERE}: run `newsletter model fetch {model}`")
    return found


def read_note(folder: Path) -> FetchedModel | None:
    """What a folder says of itself; None where it says nothing, or where a file is not there with all its bytes."""
    try:
        said = json.loads((folder / NOTE).read_text("utf-8"))
        found = FetchedModel(**{**said, "trial": tuple(map(float, said["trial"]))})
        whole = all((folder / name).stat().st_size == size for name, size in found.files.items())
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return found if whole and found.files else None


def write_note(folder: Path, found: FetchedModel) -> None:
    """Write it beside its place first, so that no half of it is ever read."""
    draft = folder / f"{NOTE}.part"
    draft.write_text(json.dumps(asdict(found), indent=1), "utf-8")
    draft.replace(folder / NOTE)


def digest_of(folder: Path, names: Iterable[str], trial: Iterable[float]) -> str:
    """The digest of these files and of the vector."""
    contents = [(name, file_digest(folder / name, hashlib.sha256()).hex()) for name in sorted(names)]
    return hashlib.blake2b(repr((contents, [*trial])).encode(), digest_size=8).hexdigest()


def file_digest(path: Path, made: hashlib._Hash) -> bytes:
    """The digest of a file's content, on top of what `made` has read."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            made.update(block)
    return made.digest()
