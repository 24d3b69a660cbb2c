"""Delivery reports as RFC 3464 and 6533 write them: a group of fields a recipient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.bounces.addresses import first
from newsletter.bounces.mime_parser import unfolded

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}) ?: ?(.*)")
_NAMES = ("final-recipient", "original-recipient", "x-actual-recipient")
_OF_ONE = ("action", "status", "diagnostic-code", "remote-mta")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_STARTS = re.compile(r"(?im)^(?:Reporting-MTA|Final-Recipient|Original-Recipient|Action|Arrival-Date) ?:")


@dataclass(frozen=True, slots=True)
class RecipientFields:
    """The fields of a report about one recipient."""

    recipient: str
    also: tuple[str, ...]
    action: str  #: "failed", "delayed", "delivered", "relayed", "expanded" or ""
    status: str  #: "5.1.1" or ""
    words: str  #: the diagnostic code, without its type
    own: bool  #: the reporting system speaks for itself: "x-unix", "X-Notes"
    program: bool  #: a program of the local system was told, no mail server
    quoted: bool  #: the words are those of a server, which is named: "smtp; 550 …" and Remote-MTA
    category: str  #: what PowerMTA calls the bounce


def groups(text: str) -> Iterator[RecipientFields]:
    """Yield the groups with a recipient, in their order; `text` may be a part of a report, or a text with one in it."""
    found = _STARTS.search(text)
    for block in _merged(_blocks(text[found.start() :])) if found else ():
        group = _group(block)
        if group.recipient:
            yield group


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield runs of fields; a new one begins where a line is empty, or a recipient is named again."""
    block: dict[str, str] = {}
    for line in unfolded(text).split("\n"):
        field = _FIELD.match(line.strip()) if line.strip() else None
        name = field[1].lower() if field else ""
        if not line.strip() or (name in block and name in _NAMES):
            yield block
            block = {}
        if field and name not in block:
            block[name] = field[2].strip()
    yield block


def _merged(blocks: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Join blocks that some systems part: an empty line between the recipient and what became of the mail."""
    last: dict[str, str] = {}
    for block in blocks:
        named = any(name in block for name in _NAMES)
        if last and not named and not any(name in last for name in _OF_ONE) and any(name in block for name in _OF_ONE):
            last |= block
        elif named:
            if last:
                yield last
            last = block
    if last:
        yield last


def _group(block: dict[str, str]) -> RecipientFields:
    """Read a block; its recipient is the final one, unless that is no address that a mail could be sent to."""
    addresses = [_address(block.get(name, "")) for name in _NAMES]
    known = [address for address in addresses if address]
    kind, semicolon, words = block.get("diagnostic-code", "").partition(";")
    status = re.search(r"\b[245]\.\d{1,3}\.\d{1,3}\b", block.get("status", ""))
    return RecipientFields(
        recipient=known[0] if known else "",
        also=tuple(dict.fromkeys(known[1:])),
        action=(block.get("action", "").split() or [""])[0].lower().rstrip(";.,"),
        status=status[0] if status else "",
        words=(words if semicolon and len(kind) < 40 else block.get("diagnostic-code", "")).strip(),
        own=bool(semicolon) and bool(re.fullmatch(r"(?i)x-(?!postfix|outbound)[\w-]{1,30}", kind.strip())),
        program=kind.strip().lower() == "x-unix",
        quoted=bool(semicolon) and len(kind) < 40 and "remote-mta" in block,
        category=block.get("x-powermta-bouncecategory", ""),
    )


def _address(value: str) -> str:
    """Return the address in "rfc822; ada@example.org"; "" for a name of another kind, or a route."""
    text = _ESCAPED.sub(lambda found: _character(found[1]), value.partition(";")[2] or value).strip()
    return "" if text.startswith("@") else first(text)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
