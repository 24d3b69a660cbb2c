"""Embedders: what makes vectors of texts, for likeness beyond common words. None is the default.

    texts ─ normal ─▶ digests ─ known? ─▶ embed (only what is missing) ─ put ─▶ vectors     (cache.py)
    trouble of any kind ─▶ no vectors, and a line that says why                             (vectoriser.py)

Texts that readers typed are a `Query`: models that want them marked get them so (prefixes.py).

To add a kind: one file with a class, and one line in `make_embedder`. Other people's packages add theirs by an entry
point in the group `newsletter.embedders`, whose name is the model's and whose object makes an `Embedder` without
arguments. Nothing here is imported before a model is configured, numpy included.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from newsletter.embedder.cache import embed_cached, interest_text, paper_text
from newsletter.embedder.embedder import Embedder
from newsletter.embedder.prefixes import Query
from newsletter.embedder.vectoriser import Vectoriser
from newsletter.errors import ConfigError, EmbedderError

__all__ = ["MODELS", "Embedder", "Query", "Vectoriser", "embed_cached", "interest_text", "make_embedder", "paper_text"]

GROUP = "newsletter.embedders"  #: of the entry points of other packages
BUILT_IN = ("wordllama", "fastembed:MODEL", "folder:PATH", "openai:MODEL")
MODELS = Path("models")  #: where fetched models are, from home


def make_embedder(
    model: str, *, url: str = "", key: str = "", home: Path = Path(), models: Path = MODELS
) -> Embedder | None:
    """Make the embedder of a name as in [selection] model; None for "". Loads nothing heavy before the first `embed`.

    `url` and `key` are those of "openai:MODEL", `home` is where a relative "folder:PATH" begins, and `models`, the
    folder of what was fetched for "fastembed:MODEL". Raises ConfigError for a name that nobody has, EmbedderError where
    a package, a folder or a model is missing.
    """
    kind, _, rest = model.partition(":")
    if not model:
        return None
    if model == "wordllama":
        from newsletter.embedder.wordllama import WordllamaEmbedder

        return WordllamaEmbedder()
    if kind == "fastembed" and rest:
        from newsletter.embedder.fastembed import FastembedEmbedder

        return FastembedEmbedder(rest, home / models.expanduser())
    if kind == "folder" and rest:
        from newsletter.embedder.folder import FolderEmbedder

        return FolderEmbedder(home / Path(rest).expanduser())
    if kind == "openai" and rest:
        return _make_openai(rest, url, key)
    return _load(_installed(model))


def _make_openai(model: str, url: str, key: str) -> Embedder:
    from newsletter.embedder.openai import OpenaiEmbedder

    if not url:
        raise ConfigError(f'the model "openai:{model}" needs the url of its server')
    return OpenaiEmbedder(model, url, key)


def _installed(name: str) -> EntryPoint:
    points = entry_points(group=GROUP)
    if name not in points.names:
        raise ConfigError(f'there is no embedder "{name}" (known: {", ".join([*BUILT_IN, *sorted(points.names)])})')
    return points[name]


def _load(point: EntryPoint) -> Embedder:
    try:
        made: Any = point.load()()
    except Exception as error:
        raise EmbedderError(f"the plug-in cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(getattr(made, "name", None), str) or not callable(getattr(made, "embed", None)):
        raise EmbedderError(f"the plug-in gave {type(made).__name__}, which has not both a name and a method embed")
    embedder: Embedder = made
    return embedder
