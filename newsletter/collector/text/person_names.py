"""Names of people, as sources write them: many in one line, family names first, affiliations in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from newsletter.people import CJK, PARTICLES, is_degree, is_generation, is_group, is_initials

_AND = r"(?:and|&|und(?! zu )|och|et(?! al\b))"
MARK = re.compile(rf"[()]|(?:[,，、،､] ?)+(?:{_AND} )?| {_AND} | on behalf of (?:the )?")
BARS = re.compile(r" ?[|｜] ?| / |(?<=[\u4e00-\u9fff]{2})[・·](?=[\u4e00-\u9fff]{2})")
OF_MAIL = re.compile(r"[^\s@()]+@[^\s@()]+ ?\(([^()@]+)\)")  #: "ann@lab.example (Ann Lee)", as RSS has it
_WORD = r"[A-ZÀ-ÞĀ-Ž][a-zà-ÿā-ž][\w'’-]{0,30}"
SIMPLE = re.compile(rf"{_WORD}(?: [A-Z]\.){{0,4}} {_WORD}")  #: a name that nothing is to be asked of
WITH_BRACKET = re.compile(rf"{SIMPLE.pattern}(?: ?\([^()]*\))?")
PLAIN_MARK = re.compile(r", (?:and |& )?| and | & ")
FAMILY = re.compile(rf"{_WORD}(?:[ -]{_WORD}){{0,2}}")
INITIALS = re.compile(r"[A-Z]\.(?:[ -]?[A-Z]\.){0,4}")
LONGEST_GROUP = 200  #: characters of a group's name that an "and" is looked for in
SEMICOLON = re.compile(r"[;；؛]")
NOBODY = re.compile(
    r"\W*(?:et\.? ?al|(?:and )?(?:\d+ )?(?:others|colleagues|co-?workers)|(?:and )?\d+ more)\b\W*", re.IGNORECASE
)
BEHIND = re.compile(r"[ \[(]{1,3}et\.? ?al(?:ii)?\b[.\])]*(?=$| ?\()|(?<=[\u4e00-\u9fff]{2})等人?$", re.IGNORECASE)
BEFORE = re.compile(r"^(?:by|and)[: ] ?(?=\S+ \S)", re.IGNORECASE)
OF_A_FIELD = re.compile(r" (?:of|for|de|für) ")
FOR_GROUP = re.compile(r"^(?:for|on behalf of) (?:the )?", re.IGNORECASE)
HAN_NAMES = re.compile(r"[\u3400-\u9fff]{2,3}(?:[ \u3000][\u3400-\u9fff]{2,3}){2,}")
PLACE = re.compile(r"[\d@/]|大学|大學|学院|學院|研究|公司|中心|校|[所院系部大]$|대$|원$|[北清复中]")


@dataclass(slots=True)
class _Part:
    """What stands between two commas."""

    text: str
    behind_and: str = ""  #: "and", "&" or the like where one stands before it
    suffix: str = ""  #: "Jr.", which stood behind it
    whole: bool = False  #: a name with all its parts: what follows is somebody else
    words: list[str] = field(init=False)
    group: bool = field(init=False)
    cjk: bool = field(init=False)

    def __post_init__(self) -> None:
        self.words = self.text.partition("(")[0].split()
        self.group = is_group(self.text)
        self.cjk = CJK.search(self.text) is not None

    @property
    def alone(self) -> bool:
        """Whether it may be a family name: one word, or "van der Berg"."""
        return not self.whole and not self.cjk and (len(self.words) == 1 or self.words[0] in PARTICLES)

    def behind(self, given: _Part) -> _Part:
        """This family name behind the given ones; before them in CJK."""
        text = f"{self.text}{given.text}" if self.cjk and given.cjk else f"{given.text} {self.text}"
        return _Part(text, self.behind_and, self.suffix or given.suffix, whole=True)

    @property
    def name(self) -> str:
        return f"{self.text} {self.suffix}".strip()


def split_authors(line: str) -> list[str]:
    """The people in a line like "A One (Rome, Italy), B Two" or bioRxiv's "One, A., Two, B. K.", given names first.

    Groups are names, too; "Jr." belongs to who stands before it; "PhD" and "et al." are nobody.
    """
    line = BEFORE.sub("", " ".join(line.split()))
    if of_mail := OF_MAIL.fullmatch(line):
        return [of_mail[1].strip()]
    if "(" not in line:
        line = BARS.sub("; ", line)
    if names := _in_short(line):
        return names
    if SEMICOLON.search(line):
        names = [name for piece in SEMICOLON.split(line) for name in _in_piece(piece)]
    elif HAN_NAMES.fullmatch(line):
        names = line.split()
    else:
        names = [part.name for part in _people(_parts(line))]
    return [name for name in names if name]


def given_first(name: str) -> str:
    """The name with the given name first: "Doe, A." is A. Doe, "Doe, A., Jr." is A. Doe Jr.; degrees are left out."""
    if name.isascii() and "," not in name:
        return name.strip()
    first, *rest = (part.strip() for part in re.split("[,，]", name))
    kept = [part for part in rest if part and not is_generation(part)]
    suffix = next((part for part in rest if is_generation(part)), "")
    while kept and is_degree(kept[-1]) and (len(kept) > 1 or " " in first):
        kept.pop()
    if len(kept) > 1 or is_group(name):
        return name.strip()
    given = "".join(kept)
    between = "" if CJK.search(given) else " "
    return f"{given}{between}{first} {suffix}".strip() if not CJK.search(first) else f"{first}{given}".strip()


def without_affiliation(name: str) -> tuple[str, str]:
    """The name and the affiliation in its brackets: "Ada One (Rome, Italy)" is Ada One of Rome, Italy.

    "Hao Chen (陈昊)" has his name there.
    """
    name = name.strip()
    before, bracket, inside = name.partition("(")
    if bracket and before.strip() and ")" not in before and len(inside) > 1 and inside.endswith(")"):
        return (name, "") if _is_name_in_cjk(inside[:-1]) else (before.rstrip(), inside[:-1].strip())
    return name, ""


def _is_name_in_cjk(inside: str) -> bool:
    plain = inside.replace(" ", "").replace("·", "")
    return 2 <= len(plain) <= 5 and all(map(CJK.match, plain)) and not PLACE.search(plain)


def _in_short(line: str) -> list[str]:
    """The names of a line as most are, of which nothing is to be asked; [] for any other."""
    if "(" not in line:
        plain = PLAIN_MARK.split(line)
        return plain if all(map(SIMPLE.fullmatch, plain)) else _families_with_initials(line)
    parts = [text.strip() for text, _ in _outside_brackets(line)]
    return parts if all(map(WITH_BRACKET.fullmatch, parts)) else []


def _families_with_initials(line: str) -> list[str]:
    """The names of "Doe, A., Roe, B. K.", as bioRxiv writes them, in short; [] for any other line."""
    parts = line.removesuffix(",").split(", ")
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    fine = len(parts) % 2 == 0 and all(
        FAMILY.fullmatch(family) and INITIALS.fullmatch(given) and not is_group(family) for family, given in pairs
    )
    return [f"{given} {family}" for family, given in pairs] if fine else []


def _in_piece(piece: str) -> Iterator[str]:
    """The names between two semicolons: "Roe, B. and Poe, C." are two."""
    plain = BEHIND.sub("", BEFORE.sub("", piece.strip()))
    parts = re.split(rf",? {_AND} ", plain) if not is_group(plain) else [plain]
    yield from (given_first(part) for part in parts if not NOBODY.fullmatch(part) and re.search(r"[^\W\d_]", part))


def _parts(line: str) -> list[_Part]:
    """The parts between commas and "and", but for those in brackets; without those that are nobody."""
    found = []
    for text, behind_and in _outside_brackets(line):
        plain = BEHIND.sub("", text.strip())
        if re.search(r"[^\W\d_]", plain) and not NOBODY.fullmatch(plain):
            part = _Part(plain, behind_and)
            found.append(_Part(FOR_GROUP.sub("", plain), behind_and) if part.group else part)
    return _joined_groups(found)


def _outside_brackets(line: str) -> list[tuple[str, str]]:
    """The parts between commas and "and", but for those behind which a bracket closes before one opens.

    With each, the "and" before it. From the end to the start: one look at each sign, where a lookahead at
    each comma takes the square of them.
    """
    parts: list[tuple[str, str]] = []
    end, closes = len(line), False
    for mark in reversed(list(MARK.finditer(line))):
        if mark[0] in "()":
            closes = mark[0] == ")"
        elif not closes:
            parts.append((line[mark.end() : end], mark[0].strip(" ,，、،､")))
            end = mark.start()
    return [(line[:end], ""), *reversed(parts)]


def _joined_groups(parts: Sequence[_Part]) -> list[_Part]:
    """Groups whose own name holds an "and" or a comma in one: "School of Physics and Astronomy"."""
    found: list[_Part] = []
    for part in parts:
        if found and part.behind_and and _one_group(found, part):
            found[-1] = _Part(f"{found[-1].text} {part.behind_and} {part.text}", found[-1].behind_and)
        else:
            found.append(part)
    if len(found) == 2 and found[0].group and found[1].alone and not found[1].behind_and:
        return [_Part(f"{found[0].text}, {found[1].text}")]  # "Institute of Physics, Rome"
    return found


def _one_group(found: Sequence[_Part], part: _Part) -> bool:
    """Whether the "and" before this part stands in a group's name: of a field ("of Physics and …"), or at the start."""
    before = found[-1]
    if before.group and len(part.words) == 1 and len(before.text) < LONGEST_GROUP:
        return OF_A_FIELD.search(before.text) is not None
    first = len(found) == 1 and len(before.words) == 1 and not is_initials(before.text)
    return part.group and first and part.words[0].lower() != "the"


def _people(parts: Sequence[_Part]) -> list[_Part]:
    """Parts to people: initials, suffixes and degrees to who stands before them, then family names to given names."""
    found: list[_Part] = []
    for part in parts:
        before = found[-1] if found and not part.behind_and else None
        if before is None or part.group:
            found.append(part)
        elif is_generation(part.text):
            before.suffix = part.text
        elif not before.whole and _are_initials(part, before, found):
            found[-1] = before.behind(part)
        elif is_degree(part.text):
            before.whole = True
        else:
            found.append(part)
    runs = [list(run) for _, run in groupby(_numbered(found), key=lambda each: each[0])]
    named = [[part for _, part in run] for run in runs]
    lone = any(len(run) == 1 and run[0].alone and not run[0].group for run in named)
    return [part for run in named for part in _paired(run, lone, only=len(found) == 2)]


def _are_initials(part: _Part, before: _Part, found: Sequence[_Part]) -> bool:
    """Whether a part belongs to the family name before it; "MD" behind a whole name is a degree."""
    dotted, short = is_initials(part.text), part.text.isupper() and part.text.isalpha() and len(part.text) < 4
    if before.group or not (dotted or short):
        return False
    if is_degree(part.text):
        open_one = len(found) > 1 and found[-2].alone and not found[-2].group
        return before.alone and not open_one
    return dotted or before.alone


def _numbered(parts: Sequence[_Part]) -> Iterator[tuple[int, _Part]]:
    """Parts with the number of their run: one ends before "and", and on both sides of a whole name or a group."""
    number, closed = 0, False
    for part in parts:
        number += closed or part.behind_and != "" or part.group
        yield number, part
        closed = part.whole or part.group


def _paired(run: list[_Part], lone: bool, *, only: bool) -> Iterator[_Part]:
    """The people of a run: "Doe", "Jane" is one. lone: the line has a single word that is somebody by itself.

    only: the line has these two parts and no other, so "García Pérez, José" is one, too.
    """
    singles = len([part for part in run if part.alone or _short_in_cjk(part)])
    if len(run) == 2 and not lone and _reversed(*run, only=only):
        yield run[0].behind(run[1])
    elif not lone and singles and len(run) % 2 == 0 and all(part.alone for part in run[::2]):
        yield from (one.behind(two) for one, two in zip(run[::2], run[1::2], strict=True))
    elif singles == 2 and not lone and len(run) > 2 and run[0].alone and run[1].alone:  # "Doe, Jane, Richard Roe"
        yield from (run[0].behind(run[1]), *run[2:])
    else:
        yield from run


def _reversed(family: _Part, given: _Part, *, only: bool) -> bool:
    """Whether two parts are one name."""
    if family.cjk:
        return _short_in_cjk(family)
    if family.whole or given.text.isupper() or given.text[0].islower():
        return False
    names = [word for word in family.words if word not in PARTICLES and word not in ("y", "e")]
    return family.alone or (only and given.alone and len(names) == 2 and not names[-1].isupper())


def _short_in_cjk(part: _Part) -> bool:
    return part.cjk and len(part.text) == 1
