"""Fetching a model of fastembed's list: the only place where anything of a model is downloaded.

    list of fastembed ─▶ repository ─▶ files, one by one, into "….part" ─▶ checksums ─▶ a trial ─▶ note ─▶ in its place

An interrupted download goes on where it was. Nothing in "….part" is ever taken for a model.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from newsletter.embedder.fastembed import ALIKE, INSTALL, TRIAL, alike, loaded, run
from newsletter.embedder.fetched import FetchedModel, digest_of, file_digest, model_folder, read_note, write_note
from newsletter.errors import EmbedderError

OTHER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
PATIENCE = 20.0  #: seconds for the list of a repository's files

Progress = Callable[[int, int], object]  #: (bytes that came in, bytes of all files)


def fetch(
    model: str,
    models: Path,
    progress: Progress = lambda came, total: None,  # noqa: ARG005
    endpoint: str | None = None,
) -> FetchedModel:
    """Fetch a model into the folder `models`, unless it is there and gives what it gave: then nobody is asked.

    `endpoint`: the address of a hub or its mirror, by default what huggingface_hub takes ($HF_ENDPOINT).
    Raises EmbedderError: no such model, no network, no room, a wrong checksum, a trial that fails.
    """
    if find_spec("fastembed") is None:
        raise EmbedderError(INSTALL)
    folder, listed = model_folder(models, model), _listed(model)
    with _one_line(models, endpoint):
        known = read_note(folder)
        if known and digest_of(folder, known.files, known.trial) == known.digest:
            return _tried(folder, known)
        part = folder.with_name(f"{folder.name}.part")
        part.mkdir(parents=True, exist_ok=True)
        found = _download(listed, part, progress, endpoint)
        _move(part, folder)
        return found


def _tried(folder: Path, known: FetchedModel) -> FetchedModel:
    """The model that is here; noted anew, with another name for its vectors, if it gives others than it did."""
    row = run(loaded(known.model, folder), [TRIAL])[0]
    if alike(row, known.trial) >= ALIKE:
        return known
    return _noted(folder, known.model, known.source, known.revision, known.files)


def _download(listed: Mapping[str, Any], part: Path, progress: Progress, endpoint: str | None) -> FetchedModel:
    """All files, checked, tried and noted."""
    from huggingface_hub import HfApi

    source = listed["sources"]["hf"]
    if not source:
        raise EmbedderError(f"fastembed has {listed['model']} in a place that is not known here")
    told = HfApi(endpoint).model_info(source, files_metadata=True, timeout=PATIENCE)
    needed = {listed["model_file"], *listed["additional_files"]}
    wanted = [file for file in told.siblings or () if file.rfilename in {*needed, *OTHER_FILES}]
    if missing := needed - {file.rfilename for file in wanted}:
        raise EmbedderError(f"{source} does not hold {', '.join(sorted(missing))}")
    total = sum(file.size or 0 for file in wanted)
    progress(0, total)
    for file in wanted:
        place = {"repo_id": source, "revision": told.sha, "endpoint": endpoint, "local_dir": part}
        _download_file(file, place, part / file.rfilename, lambda came: progress(came, total))
    sizes = {file.rfilename: (part / file.rfilename).stat().st_size for file in wanted}
    return _noted(part, listed["model"], source, told.sha or "", sizes)


def _download_file(file: Any, place: Mapping[str, Any], path: Path, came: Callable[[int], object]) -> None:
    """One file, unless it is there and right; a wrong one is not kept."""
    from huggingface_hub import hf_hub_download

    if path.is_file() and _is_right(path, file):
        came(file.size or 0)
        return
    path.unlink(missing_ok=True)
    hf_hub_download(filename=file.rfilename, **place, tqdm_class=_counter(came))
    if not _is_right(path, file):
        path.unlink(missing_ok=True)
        raise EmbedderError(f"the checksum of {file.rfilename} is wrong: fetch it again")


def _is_right(path: Path, file: Any) -> bool:
    """Compare with the checksum that the repository tells: SHA-256 for large files, git's for small ones."""
    size = path.stat().st_size
    if file.lfs:
        return (size, file_digest(path, hashlib.sha256()).hex()) == (file.size, file.lfs.sha256)
    git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    return (size, file_digest(path, git).hex()) == (file.size, file.blob_id)


def _noted(folder: Path, model: str, source: str, revision: str, sizes: Mapping[str, int]) -> FetchedModel:
    """Try the model, and note it: from here on the folder holds one."""
    row = tuple(round(float(number), 6) for number in run(loaded(model, folder), [TRIAL])[0])
    if not any(row):
        raise EmbedderError("the model says nothing of a text")
    found = FetchedModel(model, source, revision, {**sizes}, digest_of(folder, sizes, row), row)
    write_note(folder, found)
    return found


def _move(part: Path, folder: Path) -> None:
    """Put a whole model in its place. What huggingface_hub kept for itself is not needed any more."""
    shutil.rmtree(part / ".cache", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _listed(model: str) -> Mapping[str, Any]:
    """What fastembed knows of the model. Raises EmbedderError, with names that are like it."""
    from fastembed import TextEmbedding

    models: Sequence[Mapping[str, Any]] = TextEmbedding.list_supported_models()
    known = {str(listed["model"]).lower(): listed for listed in models}
    if model.lower() in known:
        return known[model.lower()]
    near = difflib.get_close_matches(model.lower(), known) or ["baai/bge-small-en-v1.5"]
    names = ", ".join(known[name]["model"] for name in near)
    raise EmbedderError(f"fastembed has no model {model}; it has {names} and {len(known) - len(near)} more")


def _counter(came: Callable[[int], object]) -> Any:
    """A progress bar that draws nothing and tells each step."""
    from tqdm import tqdm

    class Counter(tqdm):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            named.pop("name", None)
            super().__init__(*given, **{**named, "disable": True})
            came(int(named.get("initial") or 0))

        def update(self, n: float | None = 1) -> bool | None:
            came(int(n or 0))
            return None

        def update_transfer(self, n: float) -> None:
            """Bytes on the wire; what arrives is counted by `update`."""

    return Counter


@contextmanager
def _one_line(models: Path, endpoint: str | None) -> Iterator[None]:
    """Make one line of whatever goes wrong, and keep huggingface_hub from talking."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    except EmbedderError:
        raise
    except Exception as error:  # somebody else's code, a network and a disk
        raise EmbedderError(_told(error, models, endpoint)) from error
    finally:
        logger.setLevel(level)


def _told(error: Exception, models: Path, endpoint: str | None) -> str:
    """Name the disk or the server, and what is wrong with it."""
    from huggingface_hub import constants

    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{models} cannot be written: {error.strerror}"
    status = getattr(getattr(error, "response", None), "status_code", 0)
    wrong = f"answers {status}" if status else f"cannot be reached ({type(error.__cause__ or error).__name__})"
    return f"the model cannot be fetched: {endpoint or constants.ENDPOINT} {wrong}"
