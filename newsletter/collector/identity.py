"""One paper, many names: what makes v1 and v2, a cross-list, a DOI, Hugging Face and a bare title one entry."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from urllib.parse import unquote

from newsletter.collector.text.dois import doi_in
from newsletter.collector.text.normal_forms import normalized
from newsletter.collector.text.urls import without_tracking
from newsletter.collector.withdrawals import without_notice
from newsletter.people import families, is_group, readings, same_person, words_agree
from newsletter.types import Entry

_NUMBER = r"(\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z]+(?:-[a-z]+)?(?:\.[a-z]{2})?/\d{7})(?!\d)"  # since 2007, and before
_PLACES = (
    r"arxiv\.org/(?:abs|pdf|html|format|ps|src|e-print)/",
    r"alphaxiv\.org/(?:abs|overview|pdf)/",
    r"ar5iv\.[\w.]{1,40}/(?:abs|html)/",
    r"(?:huggingface|hf)\.co/papers/",
    r"\barxiv(?:\.org)?:",
    r"\b10\.48550/arxiv\.",
)
ARXIV = re.compile(rf"(?:{'|'.join(_PLACES)}){_NUMBER}", re.IGNORECASE)
BARE_ARXIV = re.compile(rf"{_NUMBER}(?:v\d+)?", re.IGNORECASE)
OPENREVIEW = re.compile(r"openreview\.net/(?:forum|pdf|attachment)\?(?:[^#]{0,300}&)?id=([\w-]+)|^openreview:([\w-]+)$")
_FORMS = "editorial|erratum|corrigendum|correction|preface|foreword|proceedings|retraction|front matter|book review"
_FORMS += "|in this issue|issue information|table of contents|letter|reply|response|introduction to|special issue"
GENERIC = re.compile(rf"(?:(?:author|publisher)s? )?(?:{_FORMS})\b")
LONGEST = 2000  #: characters of an id or address that are looked at
SCHEMES = ("arxiv", "doi", "openreview", "s2")  #: strongest first
SCHOLAR = re.compile(r"^(?:s2:|https?://www\.semanticscholar\.org/paper/(?:[^/?#]+/)?)([0-9a-f]{40})$", re.IGNORECASE)
FEWEST_WORDS = 5  #: a title of so many words is a name by itself; a shorter one only with author and year
COMPARED = 200  #: authors of each list that are held beside each other by family name,
LEADING = 3  #: and word by word
IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def names(entry: Entry) -> tuple[str, ...]:
    """All canonical names of a paper, strongest first: arxiv:, doi:, openreview:, s2:, id: (as given), title:.

    Two entries that share a name are sightings of one paper when `same_paper` agrees.
    """
    given = list(_canonical(entry.id, given=True))
    own = () if given else _own_names(entry)
    return tuple(dict.fromkeys([*_strong(entry, given), *own, *map(_short, _titles(entry))]))


def identifiers(entry: Entry) -> tuple[str, ...]:
    """The strong ones of its names: what `Entry.also` holds of a finished entry."""
    return tuple(dict.fromkeys(_strong(entry, list(_canonical(entry.id, given=True)))))


def without_titles(entry: Entry) -> tuple[str, ...]:
    """The names of a finished entry that an id or a link gave it."""
    own = () if entry.id in entry.also else _own_names(entry)
    return (*entry.also, *own)


def title_key(title: str) -> str:
    """What all ways to write one title have in common."""
    return _folded(without_notice(title)).replace(" ", "")


def same_paper(known: Entry, new: Entry, shared: Collection[str]) -> bool:
    """Whether a sighting that shares these names with a known entry is the same paper.

    A shared title alone is not enough for two different arXiv ids, nor for two groups of authors without a common
    family name; a short title wants the same first author. A collaboration may stand for its members. A bare number
    ("7") as an id means something in its own source only.
    """
    if any(not name.startswith("title:") and _says_enough(name) for name in shared):
        return True
    return (
        any(name.startswith("title:") for name in shared)
        and not (_numbers(known) and _numbers(new))
        and _authors_agree(known, new)
    )


def entry_id(entry: Entry) -> str:
    """The id for the store when a source gives none: the first name, for a title a short slug and eight hex digits."""
    first = next(iter(names(replace(entry, title=""))), "")
    return first.removeprefix("id:") or id_by_title(entry)


def id_by_title(entry: Entry) -> str:
    """A short slug and eight hex digits."""
    basis = next(_titles(entry), "") or f"{entry.title}\n{entry.url}\n{entry.source}"
    slug = re.sub(r"[^a-z0-9]+", "-", _folded(entry.title)).strip("-")
    slug = slug if len(slug) <= 40 else slug[:41].rpartition("-")[0] or slug[:40]
    return f"{slug or 'paper'}-{hashlib.sha256(basis.encode()).hexdigest()[:8]}"


def _strong(entry: Entry, given: Sequence[str]) -> list[str]:
    said = (name for identifier in entry.also for name in _canonical(identifier, given=True))
    found = [*given, *said, *_canonical(entry.url), *_canonical(entry.pdf_url)]
    return sorted(found, key=lambda name: SCHEMES.index(name.partition(":")[0]))


def _own_names(entry: Entry) -> list[str]:
    """Names made of an id that is none of the known kinds; one that is an address, in any of its usual forms."""
    if not entry.id:
        return []
    own = entry.id.removeprefix("id:")
    scoped = entry.source and ":" not in entry.id
    forms = (own, f"{entry.source}/{entry.id}" if scoped else without_tracking(own))
    return [f"id:{form}" for form in dict.fromkeys(forms)]


def _says_enough(name: str) -> bool:
    own = name.removeprefix("id:")
    return own == name or ":" in own or "/" in own


def _numbers(entry: Entry) -> bool:
    return any(name.startswith("arxiv:") for name in identifiers(entry))


def _authors_agree(known: Entry, new: Entry) -> bool:
    """Whether they may be the same people: one has a family name in common, or the words of one name are another's."""
    ours, theirs = ([author for author in entry.authors if author.strip()] for entry in (known, new))
    if not ours or not theirs:
        return True
    if _tells_little(_folded(new.title)):
        return _same_first(ours[0], theirs[0])
    return (
        not families(ours[:COMPARED]).isdisjoint(families(theirs[:COMPARED]))
        or any(_same_words(our, their) for our, their in product(ours[:LEADING], theirs[:LEADING]))
        or all(map(is_group, ours[:COMPARED])) != all(map(is_group, theirs[:COMPARED]))
    )


def _same_first(our: str, their: str) -> bool:
    pairs = [*product(readings(our), readings(their))]
    return any(same_person(one, other) or same_person(other, one) for one, other in pairs)


def _same_words(our: str, their: str) -> bool:
    return any(words_agree(one, other) for one, other in product(readings(our), readings(their)))


def _canonical(raw: str, *, given: bool = False) -> Iterator[str]:
    """The names that an id or an address holds; only a given id may be a bare number."""
    if not raw or len(raw) > LONGEST:
        return
    text = unquote(raw)
    arxiv = ARXIV.search(text) or (BARE_ARXIV.fullmatch(text) if given else None)
    if arxiv:
        yield "arxiv:" + re.sub(r"\.[a-z]{2}/", "/", arxiv[1].lower())
    elif doi := doi_in(raw):
        yield f"doi:{doi}"
    if forum := OPENREVIEW.search(text):
        yield f"openreview:{forum[1] or forum[2]}"
    if paper := SCHOLAR.search(text):
        yield f"s2:{paper[1].lower()}"


def _titles(entry: Entry) -> Iterator[str]:
    words = _folded(without_notice(entry.title))
    key = words.replace(" ", "")
    if not _tells_little(words):
        yield f"title:{key}"
    elif key and entry.authors and entry.published:
        first = entry.authors[0]
        for family in dict.fromkeys([_last_word(first), *(reading.family for reading in readings(first))]):
            yield f"title:{key}|{family}|{entry.published.year}"


def _tells_little(words: str) -> bool:
    """Whether many papers may bear this folded title: it is short, or "editorial"."""
    long_enough = len(words.split()) >= FEWEST_WORDS or len(IDEOGRAPHS.findall(words)) >= 2 * FEWEST_WORDS
    return not long_enough or GENERIC.match(words) is not None


def _short(title: str) -> str:
    """A name of fixed length: a database finds its way among 100,000 short ones faster than among long ones."""
    return f"title:{hashlib.blake2b(title.encode(), digest_size=9).hexdigest()}"


def _last_word(author: str) -> str:
    """Of the name, folded: the key by which stores know short titles."""
    name = author.partition(",")[0] if "," in author else author.split()[-1]
    return _folded(name).replace(" ", "")


def _folded(text: str) -> str:
    """Lower-case words without accents, dashes or superscripts: `Slow–Fast N²` and `slow-fast n2` are one title."""
    plain = "".join(letter for letter in normalized("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain.casefold()))
