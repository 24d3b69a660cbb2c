"""Texts to words, as they are counted: folded, without words of no topic, and by their stems.

What a fold would lose is kept where it means something: "WHO" and "IT" in capitals, the letter of "hepatitis A" and of
"T cells", the signs of "C++" and "C#".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import Stemmer

from newsletter.people import without_strokes

LONGEST = 20_000  #: characters of one text that are read
MARK = "0"  #: behind a word of no topic that means something, in lower case: "who0", "hepatitis a0"

#: Scripts written without spaces (and Hangul, whose endings stick to the word): cut into pairs of characters.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
UNSPACED += "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"  # vowel signs: part of a word, though not \w
TAIL = r"(?:\+\+|\#)?"  #: of "C++" and "C#"
ASCII_WORD = re.compile(rf"[^\W_]+{TAIL}")
WORD = re.compile(f"[{UNSPACED}]+|(?:[^\\W_{UNSPACED}]|[{SIGNS}])+{TAIL}")
HAS_UNSPACED = re.compile(f"[{UNSPACED}]")
ACCENT = re.compile("[\u0300-\u036f]")
CAPITALS = re.compile(r"(?<![^\W_])[A-Z]+(?![^\W_])")
LONE = re.compile(r"(?<![^\W_'’])[a-z](?![^\W_'’])")  #: a letter by itself
SHOUTS = 0.6  #: of its letters in capitals: such a text says nothing by them

WORDS_OF_NO_TOPIC = """
a about above across after again against all almost along already also although always am among an and another
any are around as at be became because become been before behind being below between beyond both but by can
cannot could did do does doing done due during each either else enough etc even ever every few first for from
further get give given had has have having he hence her here hers him his how however i ie if in indeed instead
into is it its itself just last least less made many may me might more moreover most mostly much must my namely
near neither never nevertheless next no nor not nothing now of off often on once one only onto or other others
otherwise our ours out over own per perhaps please put rather re same see seem several she should since so some
something sometimes still such take than that the their theirs them then there therefore these they this those
though three through throughout thus to together too toward towards two under until up upon us very via was we
well were what when where whereas whether which while who whole whose why will with within without would yet you
your yours s t
"""
STOP = frozenset(WORDS_OF_NO_TOPIC.split())

#: British spellings as American ones. What is no English word is changed alike wherever it stands, so it still meets
#: itself.
_SPELLINGS = (
    (re.compile(r"(?<=[a-z]{3})our(?=$|s$|ed$|ing$|able$|al$|ally$|ist|less$|ful$|ite)"), "or"),
    (re.compile(r"(?<=[a-z]{2})is(?=e$|ed$|es$|er$|ers$|ing$|ation|able$)"), "iz"),
    (re.compile(r"(?<=[a-z]l)ys(?=e$|ed$|es$|er$|ers$|ing$)"), "yz"),
    (re.compile(r"(?<=[a-z]{2}[tb])re(?=$|s$)"), "er"),
    (re.compile(r"(?<=(?:del|nel|vel|bel|cel|nal))l(?=ed$|ing$|er$|ers$|ation)"), ""),
    (re.compile(r"(?<=[a-z])[ao]e(?=[a-z]{2})"), "e"),
    (re.compile(r"(?<=[a-z]{2})ogue(?=$|s$)"), "og"),
    (re.compile(r"(?<=[a-z]{2})enc(?=e$|es$)"), "ens"),
    (re.compile(r"^sulph"), "sulf"),
    (re.compile(r"^grey"), "gray"),
    (re.compile(r"^programme(?=$|s$)"), "program"),
    (re.compile(r"(?<=alumin)ium"), "um"),
)
_PORTER = Stemmer.Stemmer("english", 0)


def fold(text: str) -> str:
    """Lower case, no accents or strokes, one form a letter: "Poincaré" is "poincare", "ﬁ" is "fi", "ø" is "o"."""
    if text.isascii():
        return text.lower()
    plain = ACCENT.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFC", without_strokes(plain))


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """English plurals, only the safe ones: "policies", "networks"; not "bias", "loss", "analysis"."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "as")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Without an English ending and in American spelling: "colours" is "color", "normalisation" is "normal".

    Porter's second stemmer (Snowball's English one). Beside the endings that this project cut by hand before it brings
    nDCG@10 of typed phrases from .424 to .438 [measured].
    """
    if not word.isascii() or len(word) < 3:
        return word
    plain = word
    if len(word) > 4:
        for written, instead in _SPELLINGS:
            plain = written.sub(instead, plain)
    found: str = _PORTER.stemWord(plain)
    return found


def unspaced(word: str) -> bool:
    return not word.isascii() and HAS_UNSPACED.match(word) is not None


def means(text: str, start: int, stop: int) -> bool:
    """Whether a word of no topic in capitals means something here: "the WHO says", "hepatitis A", "T cells".

    "A study", "I show" and "the user's" do not; nor does "A" in "X: A Survey".
    """
    if stop - start > 1:
        return True
    if text[stop : stop + 1] in "'’." and stop < len(text):
        return False
    behind = text[start - 1 : start] in (" ", "-", "‐", "‑") and text[start - 2 : start - 1].islower()
    if text[start] in "AI":
        return behind
    return behind or (text[stop : stop + 1] in (" ", "-", "‐", "‑") and text[stop + 1 : stop + 2].isalpha())


def marked(text: str) -> str:
    """The text with MARK behind each word of no topic that means something."""

    def mark(found: re.Match[str]) -> str:
        word = found.group()
        return word + MARK if word.lower() in STOP and means(text, *found.span()) else word

    if text.isupper() or (len(text) < 400 and shouts(text)):
        return text
    return CAPITALS.sub(mark, text)


def shouts(text: str) -> bool:
    """Whether most of its letters are capitals."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(map(str.isupper, letters)) > SHOUTS * max(len(letters), 1)


def words(text: str) -> list[str]:
    """Folded words in order, without stop words; "state-space" is two words, so it meets "state space"."""
    folded = fold(marked(text[:LONGEST]))
    found = (ASCII_WORD if folded.isascii() else WORD).findall(folded)
    return [singular(word) for word in found if word not in STOP]


def asked(phrase: str) -> str:
    """A phrase as a reader types it, so that `words` finds what it means: "hepatitis a", "t cells", and "it" alone."""

    def mark(found: re.Match[str]) -> str:
        first = not phrase[: found.start()].strip()
        return found.group() if first and found.group() in "ai" else found.group() + MARK

    lone = LONE.sub(lambda found: mark(found) if found.group() in STOP else found.group(), phrase[:LONGEST])
    if shouts(lone) and len(lone) <= len("who0"):  # all of it in capitals: "WHO"
        return marked_whole(lone)
    return lone if words(lone) else marked_whole(lone)


def marked_whole(phrase: str) -> str:
    return " ".join(word + MARK if word.lower() in STOP else word for word in phrase.split())


def is_letter(word: str) -> bool:
    """Whether it is one Latin letter, or digit, by itself."""
    return word.isascii() and (len(word) == 1 or (len(word) == 2 and word[1] == MARK))


def single_terms(word: str) -> Sequence[str]:
    """Itself; its pairs of characters in scripts without spaces; nothing of a letter by itself."""
    if unspaced(word):
        return [word[i : i + 2] for i in range(max(1, len(word) - 1))]
    return () if is_letter(word) else (word,)


def terms(text: str) -> Iterator[str]:
    """Words and pairs of neighbours ("state space"); pairs of characters in scripts without spaces."""
    yield from terms_of(words(text))


def terms_of(found: list[str]) -> Iterator[str]:
    """The terms of words as `words` finds them; a letter by itself stands in pairs only."""
    for word in found:
        yield from single_terms(word)
    for first, second in pairwise(found):
        yield f"{first} {second}"
