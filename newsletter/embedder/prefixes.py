"""Prefixes: what some models want to stand before a query, and before a document, so that the two meet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

PROMPTS = "config_sentence_transformers.json"  #: where a model in a folder says its own
QUERY_PROMPTS, PAPER_PROMPTS = ("query",), ("document", "passage")  #: their names there


class Query(str):
    """A text that a reader typed. Models that tell queries from documents are given it as a query."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What stands before a text; "" for most models."""

    query: str = ""
    paper: str = ""

    def before(self, text: str) -> str:
        """The prefix of this text: that of queries for a `Query`."""
        return self.query if isinstance(text, Query) else self.paper


_SEARCH = Prefixes("Represent this sentence for searching relevant passages: ")
#: From the models' own cards, whoever serves them: a name in lower case → prefixes; the first that is found counts.
_KNOWN = (
    (r"\bbge-(small|base|large)-en\b", _SEARCH),
    (r"\bbge-(small|base|large)-zh\b", Prefixes("为这个句子生成表示以用于检索相关文章：")),
    (r"\barctic-embed(2|\b.*\bv2)", Prefixes("query: ")),
    (r"\barctic-embed\b", _SEARCH),
    (r"\bmxbai-embed-large\b", _SEARCH),
    (r"\bnomic-embed-text\b", Prefixes("search_query: ", "search_document: ")),
    (r"\be5-(small|base|large)\b(?!.*\binstruct)", Prefixes("query: ", "passage: ")),
    (r"\bembeddinggemma\b", Prefixes("task: search result | query: ", "title: none | text: ")),
)


def prefixes_of(embedder: object) -> Prefixes:
    """The prefixes that an embedder has; none for one that does not say."""
    own = getattr(embedder, "prefixes", None)
    return own if isinstance(own, Prefixes) else Prefixes()


def known_prefixes(model: str) -> Prefixes:
    """The prefixes of a model by its name, "BAAI/bge-small-en-v1.5"; none for one that is not known to want any."""
    return next((prefixes for pattern, prefixes in _KNOWN if re.search(pattern, model.lower())), Prefixes())


def folder_prefixes(folder: Path) -> Prefixes:
    """The prefixes that a model in a folder says itself, or those of the folder's name."""
    try:
        said = json.loads((folder / PROMPTS).read_text("utf-8"))
        prompts = {str(name): text for name, text in said.get("prompts", {}).items() if isinstance(text, str)}
    except (OSError, ValueError, AttributeError):
        said, prompts = {}, {}
    if not any(prompts.values()):
        return known_prefixes(folder.name)
    default = prompts.get(str(said.get("default_prompt_name")), "")
    return Prefixes(_first(prompts, QUERY_PROMPTS, default), _first(prompts, PAPER_PROMPTS, default))


def _first(prompts: dict[str, str], names: tuple[str, ...], default: str) -> str:
    return next((prompts[name] for name in names if name in prompts), default)
