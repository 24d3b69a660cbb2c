"""Mails to look at, usual and awkward ones, in English and in Arabic: made by the product's own renderer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from newsletter.config import resource
from newsletter.renderer import Confirmation, MultilingualIssue, Renderer, load_kind
from newsletter.testing import NOON, WEEK_12, make_entry, make_subscriber
from newsletter.types import Edition, Entry, Links, Masthead, Pick
from newsletter.web.mail_parts import parts

LANGUAGES = ("en", "ar")
NAMES = ("weekly", "skim", "empty", "one", "twenty", "hostile", "confirm")
FIGURE = "https://papers.example.org/figure.png"
BROKEN = "https://papers.example.org/broken.png"
ADDRESS = "12 Quay Street, 1010 Vienna"  #: Latin in the Arabic mail too: it has to stay in order

_BASE = "https://papers.example.org/s/eyJhbGciOiJIUzI1NiJ9.MTIzNDU2.c2lnbmF0dXJl"
LINKS = Links(f"{_BASE}/view", f"{_BASE}/interests", f"{_BASE}/leave", "mailto:u@papers.example.org", f"{_BASE}/f")
_ID = "<2025-W12.1@papers.example.org>"

_ENGLISH = Masthead(
    name="The Weekly Preprint",
    sender="The Weekly Preprint <weekly@papers.example.org>",
    tagline="New research, picked for you",
    postal_address=ADDRESS,
)
MASTHEADS = {
    "en": _ENGLISH,
    "ar": replace(_ENGLISH, name="الملخّص الأسبوعي", tagline="أبحاث جديدة مختارة لك من arXiv وغيره", language="ar"),
}
READERS = {
    "en": make_subscriber("Ada", email="ada@example.org", language="en"),
    "ar": make_subscriber("ليلى", email="layla@example.org", language="ar"),
}
INTERESTS = {
    "en": ("language models", "plasma physics", "medical imaging", ""),
    "ar": ("النماذج اللغوية", "فيزياء البلازما", "graph neural networks", ""),
}
REASONS = {
    "en": ("you follow Jane Doe", "near HDFlow: Enhancing LLM Complex Problem-Solving"),
    "ar": ("تتابع \u2068Jane Doe\u2069", "قريب من \u2068HDFlow: Enhancing LLM Complex Problem-Solving\u2069"),
}
AUTHORS = ("Jane Doe", "Nguyễn Văn An", "Łukasz Kowalski", "Maria Rossi", "Li Wei")
ARABIC_AUTHORS = ("محمد العلي", "Jane Doe", "فاطمة الزهراء بن سالم", "Li Wei")
ARABIC_TITLES = (
    "نموذج لغوي صغير يتفوّق على GPT-4 في حل المسائل الرياضية",
    "HDFlow: تعزيز قدرة النماذج اللغوية على حل المشكلات المعقّدة",
    "التنبؤ باضطراب البلازما في مفاعل ITER بواسطة الشبكات العصبية",
    "تشخيص أمراض الشبكية من صور OCT بدقة 97.3% دون بيانات موسومة",
)
ARABIC_ABSTRACT = (
    "نقدّم طريقة جديدة لتدريب النماذج اللغوية الصغيرة (1.3B) على حل المسائل متعددة الخطوات. "
    "تعتمد الطريقة على Dynamic Workflow الذي يقسّم المسألة إلى أجزاء ثم يجمع الحلول. "
    "تُظهر التجارب على GSM8K وMATH تحسّنًا بمقدار 12.4% مقارنة بطريقة Chain-of-Thought، مع خفض زمن الحساب إلى النصف."
)
RUSSIAN = "Обучение с подкреплением без учителя: модели, которые сами выбирают себе задачи и проверяют ответы. "

#: Each is the title, the abstract, the source, the topics, the interest, the reasons and 3,000 authors of one paper.
HOSTILE = (
    "x" * 5000,
    "李" * 5000,
    "🧑‍🔬👩🏽‍🚀🏳️‍🌈" * 800,
    "Z" + "\u0301\u0302\u0336\u0489\u0316" * 600 + " a" + "\u030a\u0329" * 300,
    "safe\u202egnp.exe \u2066\u2067isolated\u200b\u2060 مرحبا abc שלום",
    "لا" * 2500,
    "<script>alert(1)</script> {{7*7}} </mj-text></td></table> --> <!-- <style>*{display:none}</style>",
)


def mails(language: str) -> dict[str, str]:
    """Name → HTML part, as a mail program reads it."""
    renderer = Renderer(_templates("weekly"), MASTHEADS[language])
    issue = renderer.open(WEEK_12, _seeds(), ("bioRxiv", "OpenReview"))
    return {
        "weekly": _mail(issue, language, usual(language)),
        "skim": _mail(issue, language, usual(language), skim=True),
        "empty": _mail(issue, language, []),
        "one": _mail(issue, language, [_full("one", "One paper only", image_url=BROKEN)]),
        "twenty": _mail(issue, language, [_long(number) for number in range(20)]),
        "hostile": _hostile_mail(issue, language),
        "confirm": _confirmation(language),
    }


def usual(language: str) -> list[Entry]:
    """Ten papers: with and without figure, code, PDF, votes, summary; in the language of the mail and in English."""
    papers = list(islice(_seeds(), 10))
    if language == "ar":
        for place, title in enumerate(ARABIC_TITLES):
            known = {"title": title, "abstract": ARABIC_ABSTRACT, "authors": ARABIC_AUTHORS[place:]}
            papers[2 * place] = replace(papers[2 * place], **known)  # type: ignore[arg-type]
    return [_KINDS[place % 3](paper) for place, paper in enumerate(papers)]


def _mail(issue: MultilingualIssue, language: str, entries: Sequence[Entry], skim: bool = False) -> str:
    interests, reasons = INTERESTS[language], REASONS[language]
    picks = tuple(Pick(entry, 1.0, interests[place % 4], reasons) for place, entry in enumerate(entries))
    reader, popular = replace(READERS[language], skim=skim), tuple(islice(entries, 1, 4))
    return _html(issue, Edition(WEEK_12, reader, picks, popular=popular))


def _hostile_mail(issue: MultilingualIssue, language: str) -> str:
    bare = Pick(make_entry("bare", title="A paper of which nothing is known", abstract="", url=""), 1.0, "", ("new",))
    picks = (*(Pick(_made_of(word), 1.0, word, (word,) * 3) for word in HOSTILE), bare)
    reader, popular = replace(READERS[language], name="W" * 5000), tuple(pick.entry for pick in picks)
    return _html(issue, Edition(WEEK_12, reader, picks, popular=popular))


def _html(issue: MultilingualIssue, edition: Edition) -> str:
    return parts(issue.render(issue.fitting(edition, LINKS), LINKS, _ID, NOON)).html


def _confirmation(language: str) -> str:
    templates = _templates("weekly", "confirm")
    link = f"{_BASE}/confirm/" + "c2lnbmF0dXJl" * 12
    return parts(Confirmation(templates, MASTHEADS[language]).render(READERS[language], link, _ID, NOON)).html


def _templates(*kinds: str) -> dict[str, str]:
    return {name: text for kind in ("messages", *kinds) for name, text in load_kind(kind, None).items()}


def _seeds() -> Iterator[Entry]:
    """Papers as the product ships them, without authors, votes and figures."""
    for line in (resource("seeds") / "papers.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield make_entry(row["id"], title=row["title"], abstract=row["abstract"], topics=tuple(row.get("topics", ())))


def _full(entry_id: str, title: str, **changes: object) -> Entry:
    known: dict[str, object] = {
        "title": title,
        "authors": AUTHORS,
        "published": NOON - timedelta(days=2),
        "source": "arXiv",
        "topics": ("cs.CL", "language models", "reasoning"),
        "code_url": "https://git.example.org/code",
        "pdf_url": "https://papers.example.org/pdf",
        "project_url": "https://project.example.org",
        "image_url": FIGURE,
        "votes": 128,
        "trend": 0.95,
    }
    return make_entry(entry_id, **{**known, **changes})


def _dressed(paper: Entry) -> Entry:
    return _full(paper.id, paper.title, abstract=paper.abstract, authors=paper.authors or AUTHORS)


def _preprint(paper: Entry) -> Entry:
    return replace(paper, source="bioRxiv", published=NOON - timedelta(days=3), votes=1, authors=AUTHORS[:1])


def _unlinked(paper: Entry) -> Entry:
    title_html = "Growth of O(n<sup>2</sup>) in <i>E. coli</i>" if paper.title.isascii() else ""
    return replace(paper, url="", tldr="It halves the time.", title_html=title_html, image_url=BROKEN)


_KINDS: tuple[Callable[[Entry], Entry], ...] = (_dressed, _preprint, _unlinked)


def _long(number: int) -> Entry:
    """So long, in letters that take seven bytes each, that twenty have no room in a mail."""
    return _full(f"long-{number}", RUSSIAN * 2, abstract=RUSSIAN * 8, image_url="")


def _made_of(word: str) -> Entry:
    entry = _full(word[:20], word, abstract=word * 20, authors=(word,) * 3000, topics=(word,) * 9, source=word)
    return replace(entry, url='https://papers.example.org/"onclick=x', image_url=BROKEN)
