"""Bytes to text: a byte order mark wins, then the charset of HTTP (RFC 7303), then what the document says of itself.

Labels mean what browsers take them for (WHATWG): iso-8859-1 is Windows-1252, gb2312 is GBK, shift_jis is cp932.
"""

from __future__ import annotations

import codecs
import re

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
UNMARKED = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}  #: how XML in UTF-16 begins without a mark
BLANKS = b" \t\r\n"
HEAD = 10_000  #: bytes or characters in which a document begins
ASCII = frozenset(("ascii", "us-ascii", "ansi_x3.4-1968", "iso646-us"))  #: what programs say that never looked
DECLARED = re.compile(rb"<\?xml\s[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
WIDER = {"gbk": "gb18030", "euc_jp": "euc_jis_2004"}  #: codecs of Python that lack what browsers read
PROGRAMS = re.compile(r"(?:cp|ibm)-?\d{3,4}", re.IGNORECASE)  #: code pages that browsers do not know


def read_text(data: bytes, declared: str = "", *, xml: bool = False) -> tuple[str, list[str]]:
    """The text without its byte order mark, and one line for what was wrong with it.

    `declared`: the label that the document gives itself; with `xml`, its declaration is looked for. What is not UTF-8,
    as it says or by default, is read as Windows-1252 where it makes no sense at all.
    """
    encoding, start = _marked(data)
    if not encoding:
        found = DECLARED.search(data[:HEAD]) if xml else None
        encoding = codec_of(found[1].decode() if found else declared) or "utf-8"
    text, doubt = _decoded(data[start:], encoding)
    doubt = doubt.replace(":", ", as it says:", 1) if xml or declared else doubt
    return text.removeprefix("\ufeff"), [doubt] if doubt else []


def _marked(data: bytes) -> tuple[str, int]:
    """The encoding by a byte order mark, also behind blank lines, and where the text begins; "" without one."""
    start = len(data[:HEAD]) - len(data[:HEAD].lstrip(BLANKS))
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return encoding, len(mark)
        if data.startswith(mark, start):
            return encoding, start + len(mark)
    return UNMARKED.get(data[:2], ""), 0


def codec_of(label: str) -> str:
    """The codec of Python for a label; "" for an unknown one, and for one that lies: text is no UTF-16 here."""
    import webencodings  # type: ignore[import-untyped]

    known = webencodings.lookup(label)
    if known is None:
        return label if PROGRAMS.fullmatch(label) and _is_known(label) else ""
    name = str(known.codec_info.name)
    if name in ("replacement", "x-user-defined", "utf-16-le", "utf-16-be") or label.strip().lower() in ASCII:
        return ""
    return name


def _is_known(name: str) -> bool:
    try:
        return b"<".decode(name) == "<"
    except (LookupError, UnicodeError):
        return False


def _decoded(data: bytes, encoding: str) -> tuple[str, str]:
    for name in filter(None, (encoding, WIDER.get(encoding))):
        try:
            return data.decode(name), ""
        except UnicodeError:
            pass
    if encoding != "utf-8" and _is_utf8(data):
        return data.decode(), f"the text is not {encoding}: it is UTF-8"
    text = data.decode(WIDER.get(encoding, encoding), "replace")
    if encoding == "utf-8" and text.replace("\ufffd", "").isascii():
        return data.decode("cp1252", "replace"), "the text is not UTF-8: read as Windows-1252"
    return text, f"the text is not {encoding}: unreadable characters became �"


def _is_utf8(data: bytes) -> bool:
    """Whether it has letters that are no ASCII, and all of them are UTF-8."""
    if data.isascii():
        return False
    try:
        data.decode()
    except UnicodeError:
        return False
    return True


def as_utf8(data: bytes, content_type: str) -> bytes:
    """An answer in UTF-8, by the charset of its header; as it is without one, and where its bytes say otherwise.

    What its XML declaration says of it then no longer counts, which a byte order mark tells.
    """
    charset = CHARSET.search(content_type[:1_000])
    if not charset or _marked(data)[0]:
        return data
    declared = DECLARED.search(data[:HEAD])
    mark = codecs.BOM_UTF8 if declared else b""
    encoding = "utf-16-le" if charset[1].lower() in ("utf-16", "utf-16le") else codec_of(charset[1])
    if _is_utf8(data):  # no other encoding looks like this, whatever a server says by habit
        return mark + data if encoding == "utf-8" and declared and codec_of(declared[1].decode()) != "utf-8" else data
    if encoding in ("", "utf-8"):
        return data
    text, doubt = _decoded(data, encoding)
    return data if doubt and "\ufffd" in text else mark + text.encode("utf-8", "replace")


def from_start(text: str, start: re.Pattern[str]) -> tuple[str, list[str]]:
    """The text from where the document begins, and one line for what stood before it: a program's warnings, mostly."""
    found = start.search(text, 0, HEAD)
    before = text[: found.start()].strip(" \t\r\n\ufeff") if found else ""
    return text[found.start() :] if found else text, [f"left out before the document: {before[:60]}"] if before else []
