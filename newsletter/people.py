"""Names of people and groups: whom a name may mean, however it is written.

    "Smith, J. A.", "Smith JA", "J.A. Smith Jr., PhD" ─ readings ─▶ given names, family, suffix ─▶ the same or not

Sources join papers by it, and readers' authors are found by it. `nameparser` 2.6 was tried: it takes 0.3 ms a name
(this 0.01 to 0.05 ms) and reads these wrong:

| name | family by nameparser | right |
|---|---|---|
| Smith JA; Lee B; García-Pérez J | JA; B; J | Smith; Lee; García-Pérez |
| Lee MD | none | Lee |
| Smith, Jr., John | Smith, the given name lost in its suffix | Smith, John |
| DUPONT Jean | Jean | DUPONT |
| Vincent DO | none: an osteopath | DO |
| The AURORA Collaboration | Collaboration | a group |
| Yu. A. Petrov | Petrov, "Yu." a title | Petrov, Yu. |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 200  #: characters of a name that are read
NAMES_KEPT = 20_000  #: names whose readings are at hand: to find them takes up to 50 µs
LONGEST_DEGREES = 30  #: characters of "MD MPH"

#: Letters that Unicode takes for letters of their own, beside those that lose an accent: how they are written without.
LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
    | {"ŋ": "n", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ə": "e"}
)
_OWN_LETTER = re.compile(f"[{''.join(map(chr, LETTERS))}]")
_ALSO = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj"}
#: How some of them are also written: "Müller" is "Muller" or "Mueller". "Mueller" is not "Muller", though.
SPELT_OUT = str.maketrans(_ALSO | {letter.upper(): spelt.upper() for letter, spelt in _ALSO.items()})
APOSTROPHES = "'’‘‛ʼʻʹ′`´＇ʾʿ՚ꞌ"
_APOSTROPHE = re.compile(f"[{APOSTROPHES}] ?")
_HYPHENS = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_ACCENT = re.compile("[\u0300-\u036f]")
_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
CJK = re.compile(f"[{_CJK}]")
_CJK_RUN = re.compile(f"[{_CJK}](?:[ ·・,]*[{_CJK}])*")

_GENERATION = re.compile(r"(?i:jr|jnr|junior|sr|snr|senior)\.?|III?|IV|2nd|3rd|4th")
_SAME_GENERATION = {"jnr": "jr", "junior": "jr", "snr": "sr", "senior": "sr", "2nd": "ii", "3rd": "iii", "4th": "iv"}
_DEGREES = """
phd dphil md msc bsc ms bs ma ba mph mba mbbs mbchb mbbch do dds dmd dvm rn bsn msn pharmd edd scd dsc jd llm llb
frcp frcs frs facp facs faha facc esq drmed drph psyd dnp rph meng beng
"""
DEGREES = frozenset(_DEGREES.split())
_TITLE = re.compile(r"(?:(?:dr|prof|professor|mr|mrs|ms|sir|dame|rev|hon)\.? +)+(?=\S+ +\S)", re.IGNORECASE)
_TITLES = frozenset({"dr", "prof", "professor", "mr", "mrs", "ms", "sir", "dame", "rev", "hon"})
_PARTICLES = """
de del della delle dello dei degli di da das dal do dos du des la le las les los van von vom zu zum zur der den
het ter ten te op al el ul as ad ibn ben bin bint af av und
"""
PARTICLES = frozenset(_PARTICLES.split())  #: articles and the like, which not everybody writes
_JOINED = frozenset({"mc", "mac"})  #: "Mc Donald" is one name
_GROUP_STEMS = ("institut", "universi", "laboratoi")
_GROUPS = """
collaboration collaborations collab consortium consortia group groups team teams laboratory laboratories lab labs
network networks society committee committees association associations center centers centre centres initiative
initiatives investigators study project projects foundation council councils agency department departments school
alliance partnership academy office union hospital ministry commission research observatory survey experiment
company corporation inc ltd gmbh
"""
_GROUP_WORDS = frozenset(_GROUPS.split())
_CJK_GROUP = re.compile(
    "大学|大學|学院|學院|研究|公司|中心|集团|集團|协会|協會|学会|學會|대학|연구|센터|委员会|委員会|株式会社|[所院]$"
)
_ARTICLE = re.compile(r"^(?:(?:on behalf of|for|the|la|le|les|el|die|der|das|il) +)+", re.IGNORECASE)
_INITIALS = re.compile(r"\w(?:\.-?\w)*\.?")  #: "J.-P."
_PLAIN = re.compile(r"[A-Z][a-z]{1,19}(?: [A-Z](?:\.|[a-z]{1,19})){0,4} [A-Z][a-z]{1,19}")
_BRACKETS = re.compile(r"[(\[（][^()\[\]（）]*[)\]）]?")


@dataclass(frozen=True, slots=True)
class PersonName:
    """One reading of a name, folded."""

    given: tuple[str, ...]  #: "j" for an initial, "yu." for an abbreviation; () where there is only a family name
    family: str  #: in one word, without articles; of a group all its words
    suffix: str = ""  #: "jr", "iii" …
    group: bool = False

    @property
    def name(self) -> str:
        """The given names first."""
        return " ".join((*self.given, self.family))


@lru_cache(maxsize=NAMES_KEPT)
def readings(name: str) -> tuple[PersonName, ...]:
    """What this name may mean, the likeliest first; () for what is no name.

    Several for a name of two words in capitals, for a double family name, for umlauts, and for two scripts.
    """
    if _PLAIN.fullmatch(name):
        words = name.lower().replace(".", "").split()
        if _SPECIAL.isdisjoint(words) and not any(word.startswith(_GROUP_STEMS) for word in words):
            return (PersonName(tuple(words[:-1]), words[-1]),)
    bare = _APOSTROPHE.sub("", unicodedata.normalize("NFC", " ".join(name[:LONGEST].split())).translate(_HYPHENS))
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", bare))
    found = dict.fromkeys(_read(bare))
    if (spelt := bare.translate(SPELT_OUT)) != bare:
        found |= dict.fromkeys(_read(spelt))
    return tuple(found)


def families(names: Iterable[str]) -> frozenset[str]:
    """The family names, and the groups, that these names may bear."""
    return frozenset(reading.family for name in names for reading in readings(name))


def same_person(asked: PersonName, found: PersonName) -> bool:
    """Whether who is asked for may be who is found: one family, given names or their initials that do not differ.

    A family name alone asks for all that bear it. "John A. Smith" is "John Smith", but not "John B. Smith".
    """
    return (
        asked.family == found.family
        and (not asked.suffix or not found.suffix or asked.suffix == found.suffix)
        and _given_agree(asked.given, found.given)
    )


def words_agree(one: PersonName, other: PersonName) -> bool:
    """Whether all words of the shorter name stand in the longer one, in any order: "Zhuang Ziyu" and "Ziyu Zhuang".

    Initials stand for words, but one word must be the same.
    """
    shorter, longer = sorted(([*one.given, one.family], [*other.given, other.family]), key=len)
    left, same = longer.copy(), 0
    for word in sorted(shorter, key=len, reverse=True):
        match = word if word in left else next((near for near in left if _alike(near, word)), None)
        if match is None:
            return False
        left.remove(match)
        same += match == word and len(word) > 1
    return same > 0 and len(shorter) > 1


def is_group(name: str) -> bool:
    """Whether it is the name of a collaboration, an institute and so on."""
    words = re.findall(r"\w+", name.lower())
    return (
        not _GROUP_WORDS.isdisjoint(words)
        or any(word.startswith(_GROUP_STEMS) for word in words)
        or (not name.isascii() and _CJK_GROUP.search(name) is not None)
    )


def is_generation(part: str) -> bool:
    """Whether it is "Jr.", "III" or the like."""
    return _GENERATION.fullmatch(part.strip()) is not None


def is_degree(part: str) -> bool:
    """Whether it is "PhD", "M.D.", "MD MPH" or the like, and nothing else; "Ma" and "Do" are names."""
    if len(part) > LONGEST_DEGREES:
        return False
    words = part.replace(".", "").replace("/", " ").replace("-", " ").split()
    whole = "".join(words).lower()
    return bool(words) and (
        whole in DEGREES - {"ma", "do", "ba", "ms", "md", "bs", "rn", "jd"}
        or all(word.lower() in DEGREES and (len(word) > 2 or word.isupper()) for word in words)
    )


def is_initials(part: str) -> bool:
    """Whether it is "A.", "B. K.", "J.-P." or "A"."""
    return all(_INITIALS.fullmatch(word) for word in part.split()) and part.strip() != ""


def folded_name(text: str) -> str:
    """Lower case, without accents, strokes and apostrophes: "M. O’Neary" is "m. oneary", "Søren" is "soren"."""
    if text.isascii():
        return _APOSTROPHE.sub("", text.lower())
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", _APOSTROPHE.sub("", text))).casefold()
    return unicodedata.normalize("NFC", without_strokes(plain))


def without_strokes(text: str) -> str:
    """Lower-case text with "l" for "ł", "o" for "ø", "ae" for "æ" and so on."""
    return text.translate(LETTERS) if _OWN_LETTER.search(text) else text


_SUFFIXES = frozenset({"jr", "sr", "jnr", "snr", "junior", "senior", "iii"})
_SPECIAL = PARTICLES | DEGREES | _TITLES | _JOINED | _GROUP_WORDS | _SUFFIXES  #: words that a plain name does not hold


def _read(name: str) -> Iterator[PersonName]:
    """Readings of a name in NFKC, without apostrophes."""
    if CJK.search(name):
        yield from _two_scripts(name)
        return
    name = _BRACKETS.sub(" ", name).strip(" ,;*")
    if is_group(name):
        words = folded_name(_ARTICLE.sub("", name)).replace("collab.", "collaboration")
        yield PersonName((), " ".join(re.findall(r"\w+", words)), group=True)
        return
    mixed = name != name.upper()
    family, given, suffix = _parts(name)
    if given:
        yield from _named(_words(given, mixed), family.split(), suffix)
    else:
        yield from _in_a_row(family, suffix, mixed)


def _two_scripts(name: str) -> Iterator[PersonName]:
    """ "Hao Chen (陈昊)" is both; letters of a CJK name count without the blanks between them."""
    for run in _CJK_RUN.findall(name):
        yield PersonName((), re.sub(r"[ ·・,]", "", run), group=is_group(run))
    rest = re.sub(r"[()\[\]（） ]+", " ", _CJK_RUN.sub(" ", name)).strip()
    if re.search(r"[^\W\d_]{2}", rest):
        yield from _read(rest)


def _parts(name: str) -> tuple[str, str, str]:
    """What stands before the first comma, the given names behind it, and a suffix like "jr"; degrees are left out."""
    first, *rest = (part.strip() for part in name.split(","))
    suffix, given = "", ""
    for part in rest:
        if is_generation(part):
            suffix = _generation(part)
        elif part and not (is_degree(part) and (given or " " in first)):
            given = given or part
    if given:
        words = given.split()
        if len(words) > 1 and is_generation(words[-1]):  # "Smith, John Jr."
            given, suffix = " ".join(words[:-1]), _generation(words[-1])
        head, _, last = first.rpartition(" ")
        if head and is_generation(last):  # "Smith Jr., John"
            first, suffix = head, _generation(last)
    return first, given, suffix


def _in_a_row(name: str, suffix: str, mixed: bool) -> Iterator[PersonName]:
    """Readings of a name without a comma; mixed: not all of it is in capitals."""
    words = _TITLE.sub("", name).split()
    while len(words) > 2 and mixed and is_degree(words[-1]) and not is_initials(words[-2]):
        words.pop()
    while len(words) > 1 and is_generation(words[-1]):
        suffix = _generation(words.pop())
    if not words:
        return
    at = len(words)
    while at > 1 and mixed and _may_be_initials(words[at - 1]):
        at -= 1
    behind = words[at:]
    if behind and not is_initials(words[0]):  # "Smith JA", "van der Berg J. P."
        yield from _named(_letters(behind), words[:at], suffix)
        if len(behind) > 1 or not behind[0].isalpha() or len(behind[0]) == 1:
            return
    start = 0 if words[0] in PARTICLES and words[0] != "ben" else _where_family_starts(words)  # "de Vries"
    yield from _named(_words(" ".join(words[:start]), mixed), words[start:], suffix)
    if mixed and len(words) > 1 and len(words[0]) > 1 and words[0].isalpha() and words[0].isupper():
        yield from _named(_words(" ".join(words[1:]), mixed), words[:1], suffix)  # "DUPONT Jean"
    if start and len(words) == 2 and words[0].lower() in PARTICLES:  # "De Vries": a given name, or an article
        yield PersonName((), folded_name("".join(words)), suffix)


def _where_family_starts(words: Sequence[str]) -> int:
    """The place of the last word, or of the articles before it: "van der Berg"."""
    start = len(words) - 1
    while start > 1 and (words[start - 1].lower() in PARTICLES | _JOINED or words[start - 1] in ("y", "e")):
        start -= 1
    return start


def _named(given: Sequence[str], family: Sequence[str], suffix: str) -> Iterator[PersonName]:
    """Readings with this family name: a double one with its first part as a middle name, and whole; with articles."""
    words = [word for part in family for word in folded_name(part).strip(".").split("-") if word]
    if len(words) > 1 and words[-2] in _JOINED:
        words[-2:] = ["".join(words[-2:])]
    main = [word for word in words[:-1] if word not in PARTICLES and word not in ("y", "e")] + words[-1:]
    if not main or not any(map(str.isalpha, main[-1])):
        return
    names = tuple(word for place, word in enumerate(given) if not place or word not in PARTICLES)
    if names or len(main) == 1:
        yield PersonName((*names, *main[:-1]), main[-1], suffix)
    if len(main) > 1:
        yield PersonName(names, "".join(main), suffix)
    if len(words) > len(main):
        yield PersonName(names, "".join(words), suffix)


def _words(given: str, mixed: bool) -> list[str]:
    """Given names, folded: "J.-P." is j, p, "Jean-Pierre" is jean, pierre, "AJ" is a, j; "Yu." stays "yu."."""
    found: list[str] = []
    for word in re.findall(r"[^\s.-]+\.?", given):
        plain = folded_name(word)
        if mixed and word.isalpha() and _may_be_initials(word):
            found += plain
        else:
            found.append(plain if len(plain) > 2 else plain.rstrip("."))
    return [word for word in found if word]


def _letters(initials: Sequence[str]) -> list[str]:
    return [letter for part in initials for letter in folded_name(part) if letter.isalpha()]


def _may_be_initials(word: str) -> bool:
    """ "JA", "J-P", "J.", "A": initials, or a short name in capitals."""
    letters = word.replace("-", "")
    return word.isupper() and (is_initials(word) or (len(letters) < 4 and letters.isalpha()))


def _generation(part: str) -> str:
    plain = part.strip().rstrip(".").lower()
    return _SAME_GENERATION.get(plain, plain)


def _given_agree(asked: tuple[str, ...], found: tuple[str, ...]) -> bool:
    if not asked or not found:
        return not asked
    if "".join(asked) == "".join(found):  # "Xiao-Ming", "Xiaoming"
        return True
    shorter, longer = sorted((asked, found), key=len)
    rest = iter(longer[1:])
    return _alike(shorter[0], longer[0]) and all(any(_alike(word, other) for other in rest) for word in shorter[1:])


def _alike(one: str, other: str) -> bool:
    """The same name, its initial, or its abbreviation: "yuri", "y", "yu."."""
    short, full = sorted((one.rstrip("."), other.rstrip(".")), key=len)
    return short == full or ((len(short) == 1 or "." in one + other) and full.startswith(short))
