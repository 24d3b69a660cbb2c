"""What in inline.css is no CSS: the inliner leaves it out in silence, with all that it takes for a part of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from newsletter.renderer.lint import ERROR, WARNING, LintFinding

_UNKNOWN = re.compile(r"Property: (Unknown Property|Invalid value)")  #: inlined all the same
_WHY = {"Unknown Property": "is no property that we know", "Invalid value": "has a value that we do not know"}
_OWN = ("-", "mso-")  #: of single programs
#: where cssutils stopped, and at what
_PLACE = re.compile(r"\[(\d+):\d+: ([^\]]*)\]|\('\w+', (['\"].*?['\"]), (\d+), \d+\)")


def unread_css(file: str, css: str) -> Iterator[LintFinding]:
    """The first mistake, since those that follow may be of its making; and what is read but not known."""
    is_broken = False
    for complaint in _complaints(css):
        told = complaint.getMessage()
        place = _PLACE.search(told)
        if place and (found := _UNKNOWN.match(told)):
            if not place[2].startswith(_OWN):
                yield LintFinding(file, int(place[1]), WARNING, f"{place[2]} {_WHY[found[1]]}")
        elif place and not is_broken:
            is_broken = True
            where = place[2] or place[3] or "its end"
            why = f"this cannot be read as CSS, from {where} on: it has no effect, and takes more with it"
            yield LintFinding(file, int(place[1] or place[4]), ERROR, why)


def _complaints(css: str) -> list[logging.LogRecord]:
    import cssutils

    heard = _LogCollector()
    log = logging.Logger("css")
    log.addHandler(heard)
    try:
        cssutils.CSSParser(log, logging.WARNING, raiseExceptions=False).parseString(css)
    finally:
        cssutils.log.setLog(logging.getLogger("CSSUTILS"))
    return heard.records


class _LogCollector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
