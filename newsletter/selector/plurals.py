"""Singular and plural of an English word, as far as they are sound: "policy" and "policies", not "police".

A stemmer says too much for what a reader mutes (Porter's makes one stem of "organ" and "organization", of "universe"
and "university"), and too little ("analysis" and "analyses" have two). `inflect` 7.6 takes 2.6 s to load and reads
these wrong:

| word | number by inflect | right |
|---|---|---|
| analysis, virus, corpus, bias | plurals of analysi, viru, corpu, bia | singular |
| new, genetic, economic | plurals news, genetics, economics | none |
| matrices, vertices, larvae, spectra, vertebrae | plurals of matrice, vertice; singular; singular | plurals |
| hypothesis, crisis, stimulus | plurals of hypothesi, crisi, stimulu | singular |
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.selector.tokens import fold

#: What the rules below would miss, and what they would be wrong about elsewhere ("alumina" is no plural of "aluminum").
_IRREGULAR = """
child/children mouse/mice louse/lice goose/geese foot/feet tooth/teeth ox/oxen person/people man/men
woman/women quiz/quizzes leaf/leaves half/halves wolf/wolves shelf/shelves self/selves calf/calves elf/elves
dwarf/dwarves thief/thieves loaf/loaves scarf/scarves hoof/hooves sheaf/sheaves knife/knives life/lives wife/wives
bacterium/bacteria spectrum/spectra datum/data medium/media quantum/quanta equilibrium/equilibria
continuum/continua curriculum/curricula optimum/optima minimum/minima maximum/maxima extremum/extrema
stratum/strata symposium/symposia ovum/ova serum/sera erratum/errata memorandum/memoranda referendum/referenda
phylum/phyla cilium/cilia flagellum/flagella septum/septa millennium/millennia aquarium/aquaria
consortium/consortia epithelium/epithelia endothelium/endothelia sporangium/sporangia phenomenon/phenomena
criterion/criteria automaton/automata ganglion/ganglia mitochondrion/mitochondria taxon/taxa
polyhedron/polyhedra tetrahedron/tetrahedra spermatozoon/spermatozoa genus/genera corpus/corpora
larynx/larynges pharynx/pharynges phalanx/phalanges
"""
_PAIRS = [pair.split("/") for pair in _IRREGULAR.split()]
PLURAL, SINGULAR = dict(_PAIRS), {plural: one for one, plural in _PAIRS}

_SINGULAR_IN_S = """
news series species aids mars bias gas atlas canvas alias chaos cosmos pathos ethos lens always perhaps
pancreas christmas texas kansas hans james thomas wales athens laos diabetes herpes rabies scabies measles
goods customs overseas whereas bayes
"""
_PLURAL_IN_US_OR_IS = "gpus cpus tpus npus menus gnus emus apis taxis skis"
_COUNTABLE = """
topic metric clinic critic epidemic pandemic heuristic characteristic antibiotic fabric mosaic logic ceramic
plastic lyric relic skeptic sceptic mnemonic comic rubric statistic diagnostic academic cosmetic medic
"""
NO_PLURALS = frozenset(_SINGULAR_IN_S.split())  #: without their s they are another word, a name, or none
PLURALS = frozenset(_PLURAL_IN_US_OR_IS.split())  #: as no other words in -us or -is
COUNTABLE = frozenset(_COUNTABLE.split())  #: with a plural in -ics; of other words that is a subject: "genetics"
_ACRONYMS = re.compile(r"[A-Z][A-Z0-9]+s")
_CONSONANT_Y = re.compile(r"(?:[^aeiouy]|qu)y")


def numbers(phrase: str) -> tuple[str, ...]:
    """The phrase, folded, and with its last word in singular and plural: "language models" and "language model"."""
    head, blank, last = phrase.rpartition(" ")
    word = fold(last)
    found = [word, *_plurals(word), *_singulars(word)]
    if _ACRONYMS.fullmatch(last):  # "APIs"
        found.append(word[:-1])
    return tuple(f"{fold(head)}{blank}{form}" for form in dict.fromkeys(found))


def _plurals(word: str) -> Iterator[str]:
    """What may be its plural. Forms that are no words do no harm."""
    if not word[-1:].isalpha() or word in PLURALS:
        return
    if word in PLURAL:
        yield PLURAL[word]
    elif word.endswith("man"):
        yield word[:-2] + "en"
    if word.endswith("ic") and word not in COUNTABLE:
        return
    if _CONSONANT_Y.fullmatch(word[-3:] if word.endswith("quy") else word[-2:]):
        yield word[:-1] + "ies"
        return
    yield from _classical_plurals(word)
    if word.endswith(("s", "x", "z", "sh", "ch", "o")):
        yield word + "es"
    if not word.endswith(("s", "x", "z", "sh")) and word != "new":
        yield word + "s"


def _classical_plurals(word: str) -> Iterator[str]:
    if word.endswith("is") and len(word) > 3:
        yield word[:-2] + "es"
    elif word.endswith("us") and len(word) > 4 and word != "minus":
        yield word[:-2] + "i"
    elif word.endswith(("ix", "ex")) and len(word) > 3:
        yield word[:-2] + "ices"
    elif word.endswith("a") and len(word) > 3:
        yield word + "e"
        if word.endswith("ma"):
            yield word + "ta"


def _singulars(word: str) -> Iterator[str]:
    """What it may be the plural of."""
    if word in SINGULAR:
        yield SINGULAR[word]
    elif word.endswith("men") and len(word) > 4:
        yield word[:-2] + "an"
    if len(word) < 4 or word in NO_PLURALS:
        return
    yield from _classical_singulars(word)
    if not word.endswith("s") or (word.endswith(("ss", "us", "is")) and word not in PLURALS):
        return
    if word.endswith("ics") and word[:-1] not in COUNTABLE:
        return
    if word.endswith("ies") and len(word) > 4:
        yield word[:-3] + "y"
    elif word.endswith(("ses", "xes", "zes", "shes", "ches", "oes")):
        yield word[:-2] + "is"
        if len(word) > 4:
            yield word[:-2]
    yield word[:-1]


def _classical_singulars(word: str) -> Iterator[str]:
    if word.endswith("ices") and word not in ("prices", "vices", "spices"):
        yield word[:-4] + "ix"
        yield word[:-4] + "ex"
    elif word.endswith("i") and word not in ("mini", "mali"):
        yield word[:-1] + "us"
    elif word.endswith("ae"):
        yield word[:-1]
    elif word.endswith("mata"):
        yield word[:-2]
