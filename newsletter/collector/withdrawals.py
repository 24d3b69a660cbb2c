"""Whether a source says of a paper that it was withdrawn or retracted. Pure.

A notice names the paper in its title ("Retraction: …", "WITHDRAWN: …"); a preprint server writes a sentence where the
abstract stood, or into arXiv's comment. A paper about withdrawals is none: only what begins like a notice counts.
"""

from __future__ import annotations

import re

_WORK = r"(?:paper|article|manuscript|submission|preprint|pre-print|e-?print|work|version|document|contribution|note)"
_GONE = r"(?:withdrawn|retracted)"
_BY = r"by\s+(?:the\s+|its\s+|all\s+)?(?:co-?)?(?:author|arxiv|submitter|editor|publisher|journal)"
_ADVERBS = r"(?:(?:\w+ly|now|since|also|being)\s+){0,2}"
_WISH = r"(?:(?:have|has|had|are|am|wish|would|like|want|decided|chosen|hereby|to|\w+ly)\s+){0,4}"
_WHY = r"due|because|owing|pending|for|as|since|until|at\s+the\s+request|from\s+arxiv"
_PLACE = r"(?:arxiv|biorxiv|medrxiv|chemrxiv|ssrn|publication|the\s+(?:preprint\s+)?(?:server|repository|archive))\b"
#: at the beginning of an abstract or a comment; "withdrawn from a conference" is no withdrawal of the paper
SENTENCE = re.compile(
    rf"[\s\[(*\"'“]*(?:(?:arxiv\s+)?(?:admin\s+)?(?:note|comments?)\s*:\s*)?(?:"
    rf"(?:th(?:is|e)|our|the\s+present)\s+{_WORK}\s+(?:has\s+(?:now\s+)?been|had\s+to\s+be|is|was)\s+{_ADVERBS}{_GONE}"
    rf"|this\s+{_WORK}\s+(?:has\s+been|was|is)\s+removed(?=\s*(?:$|[.;]|{_BY}|{_WHY}))"
    rf"|(?:(?:the\s+|all\s+)?authors?|we|i)\s+{_WISH}"
    rf"(?:withdr[ae]wn?|withdrawing|retract(?:ed|ing)?)\s+(?:(?:this|the|their|our|my)\s+(?:\w+\s+)?{_WORK}|it)\b"
    rf"|(?:the\s+|all\s+)?authors?\s+(?:have\s+)?request\w*\s+that\s+th(?:is|e)\s+{_WORK}\s+(?:should\s+)?be\s+{_GONE}"
    rf"|(?:bio|med|chem)rxiv\s+has\s+{_GONE}\s+this"
    rf"|(?:(?:this\s+)?{_WORK}\s+)?(?:temporarily\s+)?{_GONE}(?=\s*(?:$|[.,;:!)\]*–—-]|{_BY}|{_WHY}))"
    rf"|withdrawal\s+(?:statement|note|notice)\b"
    rf")(?!\s+from\s+(?!{_PLACE}))",
    re.IGNORECASE,
)
#: wherever it stands in a comment or an abstract
SAID = re.compile(
    rf"\bthis\s+{_WORK}\s+(?:has\s+been|is|was)\s+(?:\w+\s+)?{_GONE}\s+{_BY}"
    rf"|\bthis\s+{_WORK}\s+(?:has\s+(?:now\s+)?been|is)\s+(?:now\s+)?withdrawn(?=\s*(?:$|[.;]|due|because|owing))"
    rf"|[.;,]\s+{_WORK}\s+withdrawn(?=\s*(?:$|[.;]|{_BY}|due|because|owing))"
    rf"|[.;]\s+withdrawn\s+{_BY}",
    re.IGNORECASE,
)
NOTICE = re.compile(
    r"\s*(?:"
    r"[\[(]\s*(?:withdrawn|retracted|removed)(?:\s+(?:article|paper|preprint))?\s*[\])]\s*:?"
    r"|(?:withdrawn|retracted|removed|temporary\s+removal)(?:\s+(?:article|paper|manuscript|preprint))?\s*(?::|\s[–—-]\s)"
    r"|(?:retraction|withdrawal)(?:\s+(?:note|notice|statement))?\s*(?::|\s[–—-]\s)"
    r"|(?:retraction|withdrawal)\s+(?:note|notice|statement)\s+(?:to|of|for|on)\b\s*:?"
    r"|(?:retraction|withdrawal)\s+of\s*:"
    r"|(?:statement|notice)\s+of\s+(?:retraction|withdrawal)\s*(?::|\s[–—-]\s)"
    r")\s*",
    re.IGNORECASE,
)
NOTICE_BEHIND = re.compile(
    r"(?:[\[(]\s*(?i:withdrawn|retracted)(?i:\s+(?:article|paper|preprint))?\s*[\])]|\s[–—-]\s+(?:WITHDRAWN|RETRACTED))$"
)
QUOTED = re.compile(r"[\"'“‘«](.*)[\"'”’»](?:\s*[\[(].*)?")  #: “Title” [J. Med. 12 (2020) 3-9]


def says_withdrawn(text: str) -> bool:
    """Whether a comment, or what stands for an abstract, says so."""
    if not _may_say(text):
        return False
    return bool(SENTENCE.match(text) or SAID.search(text))


def is_notice(title: str) -> bool:
    """Whether a title says so of the paper that it names."""
    return without_notice(title).rstrip() != title.rstrip()


def without_notice(title: str) -> str:
    """The title of the paper of which a notice speaks; any other title as it is."""
    if not _may_say(title):
        return title
    title = title.rstrip()
    begun = NOTICE.match(title)
    bare = title[begun.end() :] if begun else NOTICE_BEHIND.sub("", title).rstrip()
    quoted = QUOTED.fullmatch(bare) if begun else None
    return quoted[1] if quoted else bare


def _may_say(text: str) -> bool:
    small = text.lower()
    return "withdr" in small or "retract" in small or "remov" in small
