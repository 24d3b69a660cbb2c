"""Strings that are made to be slow, of one size, and all parsers: what they meet is repeated, nested, never closed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from xml.sax.saxutils import quoteattr

from newsletter.bounces import read_mail
from newsletter.bounces.classify import Diagnostic, classify
from newsletter.bounces.phrase_lists import has_phrase
from newsletter.bounces.providers import PROVIDERS, parse, read_hook
from newsletter.bounces.verp import ReturnPath, message_ids
from newsletter.collector import extract, names, read_entries
from newsletter.collector.http.body import HINT
from newsletter.collector.normalize import finish
from newsletter.collector.source_kind import Parser
from newsletter.collector.sources import (
    arxiv,
    biorxiv,
    feed,
    huggingface,
    library,
    openreview,
    opml,
    page,
    semanticscholar,
)
from newsletter.collector.summarizer import tidy
from newsletter.collector.text.dates import moment
from newsletter.collector.text.html import readable, safe_html
from newsletter.collector.text.person_names import split_authors, without_affiliation
from newsletter.collector.text.tex import read_tex
from newsletter.collector.text.urls import address, code_link, shown, without_trailing_punctuation
from newsletter.formats import parse_address, parse_profile, read_lines
from newsletter.renderer import sanitize
from newsletter.tables import read_table
from newsletter.tokens import Tokens
from newsletter.types import Entry, Source

SIZE = 100_000  #: characters
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOURCE = Source("s", "feed", "https://x.example/f")
CALM = "reef of a plasma river "

_UNITS = """( ) (a [ ] { } < > & &# &amp; " ' \\ \\( \\[ \\a{ \\emph{ \\mathcal{ \\frac $ $a a$ $$ ^ ^{ a^ ~ `` ``a --
, a, a. a; ; . - / % %41 = + # | * ? ! : :// @ a@ a@b. a@b.c =? =?utf-8?b? =?utf-8?q?a?= 9 1. 10.1234/ 5.1.1 550
<b> </b> <b <b/a= <!-- --> <? <?xml <![CDATA[ <a/href=http://x> https:// http://a. https://a) ... .") ?!
O_FIG org.highwire.dtl.DTLVardef@a arXiv: abs/ v1 doi: jan times 2times W_perp {alpha} mathcal{ @article{ @string{a=b}
openreview.net/forum?a& boundary= message/rfc822 willbe- host[ (in/reply/to user following:
Ã¶ Ã 漢 İ \u0301 \u0323\u0301 a\u0301 \u200b"""
_PLAIN = {unit: unit for unit in _UNITS.split()}
_BLANKS = {
    "blanks": " ",
    "separators": "\u2028",
    "tabs": "\t",
    "lines": "\n",
    "folded": "\n ",
    "CRLF": "\r\n",
    "and": " and ",
    "initials": "A., ",
    "names": "Ada One, ",
    "attributes": ' a="1"',
    "open attributes": ' a="',
    "open tags": "<b a=' ",
    "anchors": '<a href="http://x.example">',
    "comments": "(a (b ",
    "received": "\nReceived: x",
    "to": "\nTo: a@b.example",
    "quoted": "\n> ",
    "RIS": "TY  - JOUR\nTI  - x\n",
    "bib": "@article{a, title={a},\n",
    "parameters": "; a*0=x",
    "quoted parameters": ';a="\\"',
    "dates": "1 jan ",
    "links": "https://a.example/b ",
    "sentences": "We show it. ",
    "items": "<item><title>a</title></item>",
    "broken items": "<item><title>a<b></title></item>",
    "open items": "<item><title>a",
    "categories": "<category>a</category>",
    "open children": "<dc:creator>",
    "notes": "\n\narxiv:",
}


def _filled(unit: str) -> str:
    return (unit * (SIZE // len(unit) + 1))[:SIZE]


def _numbered(unit: str) -> str:
    return "".join(unit.format(number) for number in range(SIZE // len(unit)))[:SIZE]


def _nested(start: str, end: str) -> str:
    depth = SIZE // len(start + end)
    return start * depth + end * depth


FAMILIES: dict[str, str] = {
    **{name: _filled(unit) for name, unit in (_PLAIN | _BLANKS).items()},
    "letters": "a" * SIZE,
    "numbered attributes": _numbered(' a{}="1"'),
    "numbered parameters": _numbered("; a{}=x"),
    "continued parameters": _numbered("; a*{}=x"),
    "numbered namespaces": _numbered(' xmlns:a{}="b"'),
    "numbered children": _numbered("<a{0}>b</a{0}>"),
    "numbered categories": _numbered("<category>a{}</category>"),
    "nested tags": _nested("<a>", "</a>"),
    "nested divisions": _nested("<div>", "</div>"),
    "nested braces": _nested("{", "}"),
    "nested brackets": _nested("[", "]"),
    "nested comments": _nested("(", ")"),
    "nested objects": _nested('{"a":', "}"),
    "blanks and a sign": " " * (SIZE - 1) + "x",
    "a sign and blanks": "x" + " " * (SIZE - 2) + "x",
}


def _text(text: str) -> str:
    """As XML may hold it."""
    return quoteattr("".join(sign for sign in text if sign >= " "))[1:-1].replace("<", "&lt;")


_RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="p"{}><channel>{}</channel></rss>'
_MAIL = "From: MAILER-DAEMON@x.example\nTo: bounces+aaaa@papers.example.org\nSubject: Undelivered mail\n{}"
_REPORT = _MAIL.format(
    'Content-Type: multipart/report; report-type={}; boundary="B"\n\n--B\n\nfailed: {}\n--B\n{}--B--\n'
)
_EVENTS: dict[str, Callable[[str], object]] = {
    "ses": lambda text: {
        "notificationType": "Bounce",
        "bounce": {"bouncedRecipients": [{"emailAddress": text, "diagnosticCode": text, "status": text}]},
    },
    "postmark": lambda text: {"RecordType": "Bounce", "Type": "HardBounce", "Email": text, "Details": text},
    "mailgun": lambda text: {
        "event-data": {"event": "failed", "recipient": text, "delivery-status": {"code": 550, "message": text}}
    },
    "sendgrid": lambda text: [{"event": "bounce", "email": text, "reason": text, "status": text}],
    "brevo": lambda text: {"event": "hard_bounce", "email": text, "reason": text},
    "mailjet": lambda text: [{"event": "bounce", "email": text, "error": text, "comment": text, "hard_bounce": True}],
    "sparkpost": lambda text: [{"msys": {"message_event": {"type": "bounce", "rcpt_to": text, "raw_reason": text}}}],
    "resend": lambda text: {
        "type": "email.bounced",
        "data": {"to": [text], "bounce": {"type": "Permanent", "diagnosticCode": [text]}},
    },
}


def _parsed(parser: Parser, document: str | object) -> object:
    text = document if isinstance(document, str) else json.dumps(document)
    return parser(text.encode("utf-8", "replace"), SOURCE, NOW)


def _children(text: str) -> str:
    tags = ("link", "guid", "description", "dc:creator", "author", "pubDate", "category", "dc:identifier", "dc:date")
    return "".join(f"<{tag}>{_text(text[: SIZE // 3])}</{tag}>" for tag in tags)


def _library(text: str, name: str = "a.bib") -> object:
    return library.read_library(text.encode("utf-8", "replace"), name)


def _mail(text: str) -> object:
    return read_mail(text.encode("utf-8", "replace"))


def _bib(text: str) -> str:
    fields = ("author", "abstract", "keywords", "date", "doi", "note", "url", "journal", "howpublished", "month")
    return "@article{k, title={x}, " + ", ".join(f"{field} = {{{text[: SIZE // 5]}}}" for field in fields) + "}"


def _ris(text: str) -> str:
    tags = ("AU", "AB", "KW", "DO", "UR", "N1", "PY", "JO")
    return "TY  - JOUR\nTI  - x\n" + "".join(f"{tag}  - {text[: SIZE // 4]}\n" for tag in tags) + "ER  - \n"


def _entry(text: str) -> Entry:
    short = text[:2_000]
    return Entry(
        short, text, text, short, (text,), NOW, "s", (text,), short, short, venue=text, tldr=text, also=(short,)
    )


def _paper(text: str) -> dict[str, object]:
    keys = ("title", "abstract", "summary", "url", "id", "doi", "date", "published", "publishedAt", "publicationDate")
    return dict.fromkeys((*keys, "category", "githubRepo", "venue"), text) | {"authors": [{"name": text}]}


RETURN_PATH = ReturnPath("bounces@papers.example.org", "+", Tokens("s" * 40))

#: what is read by each parser, from such a string
PARSERS: dict[str, Callable[[str], object]] = {
    "feed: children": lambda text: _parsed(
        feed.parse, _RSS.format("", f"<item><title>x</title>{_children(text)}</item>")
    ),
    "feed: an item": lambda text: _parsed(feed.parse, _RSS.format("", f"<item><title>x</title>{text}</item>")),
    "feed: a channel": lambda text: _parsed(feed.parse, _RSS.format("", text)),
    "feed: attributes": lambda text: _parsed(feed.parse, _RSS.format(f" {text}", "<item><title>x</title></item>")),
    "feed: a link": lambda text: _parsed(
        feed.parse, _RSS.format("", f"<item><title>x</title><link href={quoteattr(_text(text))}/></item>")
    ),
    "feed: a comment": lambda text: _parsed(feed.parse, f"<!-- {text} -->{_RSS.format('', '<item/>')}"),
    "feed: a doctype": lambda text: _parsed(feed.parse, f"<!DOCTYPE rss [{text}]>{_RSS.format('', '<item/>')}"),
    "feed: anything": partial(_parsed, feed.parse),
    "arxiv": lambda text: _parsed(
        arxiv.parse,
        '<feed xmlns:arxiv="http://arxiv.org/schemas/atom"><entry><id>http://arxiv.org/abs/2401.00001v1</id><title>x</title>'
        f"<summary>{_text(text)}</summary><arxiv:comment>{_text(text)}</arxiv:comment></entry></feed>",
    ),
    "biorxiv": lambda text: _parsed(biorxiv.parse, {"collection": [_paper(text) | {"authors": text}]}),
    "huggingface": lambda text: _parsed(huggingface.parse, [{"paper": _paper(text)}]),
    "JSON feed": lambda text: _parsed(
        feed.parse,
        {"version": "https://jsonfeed.org/version/1", "items": [_paper(text) | {"content_html": text, "tags": [text]}]},
    ),
    "jsonl": lambda text: read_entries(json.dumps(_paper(text) | {"id": "a", "authors": [text]}).encode(), NOW),
    "openreview": lambda text: _parsed(
        openreview.parse, {"notes": [{"id": "a", "content": _paper(text) | {"_bibtex": text, "html": text}}]}
    ),
    "semanticscholar": lambda text: _parsed(
        semanticscholar.parse, {"data": [_paper(text) | {"externalIds": {"DOI": text}}]}
    ),
    "JSON: anything": partial(_parsed, semanticscholar.parse),
    "opml": lambda text: _parsed(
        opml.parse, f"<opml><body><outline xmlUrl={quoteattr(_text(text))}/>{text}</body></opml>"
    ),
    "page": lambda text: _parsed(page.parse, f"title x\n{'abstract ' * 40}\n{text}"),
    "BibTeX: fields": lambda text: _library(_bib(text)),
    "BibTeX: anything": lambda text: _library("@article{k, title = {x}}\n" + text),
    "BibTeX: a value": lambda text: _library(f"@article{{k, title = {text} }}"),
    "RIS: fields": lambda text: _library(_ris(text), "a.ris"),
    "RIS: anything": lambda text: _library(f"TY  - JOUR\nTI  - x\n{text}", "a.ris"),
    "CSL-JSON": lambda text: _library(
        json.dumps([{"title": text, "author": [{"family": text}], "keyword": text, "DOI": text, "note": text}]),
        "a.json",
    ),
    "Zotero": lambda text: _library(
        json.dumps([{"data": {"itemType": "a", "title": text, "date": text, "extra": text, "url": text}}]), "a.json"
    ),
    "finish": lambda text: finish(_entry(text), NOW),
    "readable": readable,
    "safe HTML": safe_html,
    "TeX": read_tex,
    "TeX: math": lambda text: read_tex(f"${text.replace('$', '')}$"),
    "authors": split_authors,
    "affiliation": without_affiliation,
    "date": moment,
    "address": address,
    "links in a text": code_link,
    "the end of a link": lambda text: without_trailing_punctuation(f"https://{text}"),
    "a location": lambda text: shown(f"http://{text}"),
    "names of a paper": lambda text: names(_entry(text)),
    "an extract": lambda text: extract("reef", text[:20_000]),
    "a model's words": tidy,
    "an error's words": lambda text: HINT.search(text[:65_536]),
    "an address": lambda text: _refused(parse_address, text),
    "an address: local part": lambda text: _refused(parse_address, f"{text}@x.example"),
    "an address: domain": lambda text: _refused(parse_address, f"ada@{text}"),
    "a profile": lambda text: parse_profile({"interests": [{"name": text, "keywords": text}], "muted": [text]}),
    "CSV": lambda text: list(read_table(f"email,name\n{text}".encode("utf-8", "replace"), True)),
    "lines": lambda text: list(read_lines(text.encode("utf-8", "replace"))),
    "a title in a mail": lambda text: sanitize.tidy(text, 2_000),
    "letter: text": lambda text: _mail(_MAIL.format(f"\n{text}")),
    "letter: HTML": lambda text: _mail(_MAIL.format(f"Content-Type: text/html\n\n{text}")),
    "letter: type": lambda text: _mail(_MAIL.format(f"Content-Type: text/plain{text}\n\nx")),
    "letter: charset": lambda text: _mail(_MAIL.format(f'Content-Type: text/plain; charset="{text}"\n\nx')),
    "letter: boundary": lambda text: _mail(
        _MAIL.format(f'Content-Type: multipart/mixed; boundary="{text}"\n\n--{text}\n\nx')
    ),
    "letter: encoding": lambda text: _mail(_MAIL.format(f"Content-Transfer-Encoding: {text}\n\nx")),
    "letter: parts": lambda text: _mail(
        _MAIL.format(f'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: a/b{text}\n\n')
    ),
    "letter: people": lambda text: _mail(f"From: {text}\nTo: {text}\nSubject: {text}\n\nx"),
    "letter: anything": _mail,
    "report: fields": lambda text: _mail(
        _REPORT.format(
            "delivery-status",
            text,
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.example\n"
            f"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; {text}\n\n",
        )
    ),
    "report: anything": lambda text: _mail(
        _REPORT.format("delivery-status", "x", f"Content-Type: message/delivery-status\n\n{text}\n")
    ),
    "report: returned": lambda text: _mail(
        _REPORT.format("delivery-status", "x", f"Content-Type: message/rfc822\n\nTo: {text}\n\n{text}\n")
    ),
    "complaint": lambda text: _mail(
        _REPORT.format(
            "feedback-report",
            "x",
            f"Content-Type: message/feedback-report\n\nFeedback-Type: {text}\nUser-Agent: {text}\n\n",
        )
    ),
    "a reason": lambda text: classify(Diagnostic(text, text)),
    "a phrase": lambda text: has_phrase(text, "delay"),
    "tokens": RETURN_PATH.tokens,
    "Message-IDs": message_ids,
    **{
        f"hook: {provider}": lambda text, provider=provider: read_hook(  # type: ignore[misc]
            provider, parse(json.dumps(_EVENTS[provider](text)))
        )
        for provider in PROVIDERS
    },
    "hook: anything": lambda text: read_hook("ses", parse(text)),
}


def _refused(function: Callable[[str], object], text: str) -> object:
    try:
        return function(text)
    except ValueError:
        return None


def seconds(read: Callable[[str], object], text: str, times: int = 1) -> float:
    """The CPU time of reading, the best of some; whatever it raises."""
    best = float("inf")
    for _ in range(times):
        began = time.process_time()
        with suppress(Exception):  # only time matters here
            read(text)
        best = min(best, time.process_time() - began)
    return best
