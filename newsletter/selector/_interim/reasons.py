"""Why a pick was picked, in plain words, from the numbers that made its score."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from newsletter.selector._interim.features import Floats, terms
from newsletter.selector._interim.profile import by_author
from newsletter.selector._interim.rank import Pool
from newsletter.types import Interest

RISING = 0.8  #: percentile of the trend from which an entry is called rising
NEAR = 0.12  #: cosine from which a liked paper is named as near
MOST_WORDS = 3
TELLING = 0.3  #: a word is named when it weighed at least this share of the heaviest one
LONGEST_TITLE = 40


def reasons(pool: Pool, row: int, interest: Interest, query: sparse.csr_matrix, hype: float) -> tuple[str, ...]:
    """At least one; `query` is the sum of the interest's words and liked papers, one row."""
    entry = pool.entries[row]
    author = by_author(entry, interest.authors)
    found = [f"by {author}"] if author else []
    words = matching(pool, row, interest, query)
    if words:
        found.append(f"matches {', '.join(words)}")
    if near := _nearest(pool, row, interest):
        found.append(f"near “{shortened(near)}”")
    if hype > 0 and pool.trend[row] >= RISING:
        found.append("rising fast")
    return tuple(found) or (f"close to {interest.name}",)


def matching(pool: Pool, row: int, interest: Interest, query: sparse.csr_matrix) -> list[str]:
    """The words that weighed most: as the reader wrote them where they did, else as the paper has them."""
    product = pool.candidates[row].multiply(query).tocsr()
    order = np.argsort(-product.data, kind="stable")
    telling = [place for place in order[: 4 * MOST_WORDS] if product.data[place] >= TELLING * product.data[order[0]]]
    keys = [pool.vocabulary.terms[product.indices[place]] for place in telling]
    shown: list[str] = []
    for key in sorted(keys, key=lambda key: -len(key.split())):  # a phrase tells more than its words
        label = _as_written(key, interest.keywords or (interest.name,)) or _as_printed(pool, row, key)
        if label and not any(
            label.casefold() in each.casefold() or each.casefold() in label.casefold() for each in shown
        ):
            shown.append(label)
    return shown[:MOST_WORDS]


def _as_written(key: str, keywords: tuple[str, ...]) -> str:
    """The shortest keyword of the reader that holds this term and nothing beyond it."""
    exact = [word for word in keywords if key in set(terms(word)) and len(word.split()) <= len(key.split())]
    return min(exact, key=len, default="")


def _as_printed(pool: Pool, row: int, key: str) -> str:
    """The term as it stands in the title or abstract; "" where its form was changed beyond finding."""
    entry = pool.entries[row]
    pattern = r"[\s-]+".join(re.escape(word) + r"\w{0,3}" for word in key.split())
    found = re.search(rf"\b{pattern}\b", f"{entry.title} {entry.abstract} {' '.join(entry.topics)}", re.IGNORECASE)
    return " ".join(word.lower() if word.istitle() else word for word in found[0].split()) if found else ""


def _nearest(pool: Pool, row: int, interest: Interest) -> str:
    """The title of the liked paper that is nearest, when it is near."""
    rows = [pool.place[each] for each in interest.liked if each in pool.place]
    if not rows:
        return ""
    cosines: Floats = np.asarray((pool.texts[rows] @ pool.candidates[row].T).todense()).ravel()
    best = int(np.argmax(cosines))
    return pool.titles[rows[best]] if cosines[best] >= NEAR else ""


def shortened(title: str) -> str:
    """A title's first part, or its first words."""
    head = title.split(":")[0].strip()
    if len(head) <= LONGEST_TITLE:
        return head
    return head[:LONGEST_TITLE].rsplit(" ", 1)[0] + "…"
