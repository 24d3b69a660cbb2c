"""Which mails did Postfix really take? Read from its log. Pure.

`cleanup: QID: message-id=<…>` alone is no acceptance (a mail may be logged there and never queued); the queue
manager's `qmgr: QID: … (queue active)` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CLEANUP = re.compile(r"postfix\S*/cleanup\[\d+\]: (\w+): message-id=(<[^>]+>)")
_QUEUED = re.compile(r"postfix\S*/qmgr\[\d+\]: (\w+): from=.*\(queue active\)")


def queued_message_ids(lines: Iterable[str]) -> set[str]:
    """The Message-IDs, with angle brackets, of all mails that reached the queue."""
    named: dict[str, str] = {}
    queued: set[str] = set()
    for line in lines:
        if found := _CLEANUP.search(line):
            named[found[1]] = found[2]
        elif (found := _QUEUED.search(line)) and found[1] in named:
            queued.add(named[found[1]])
    return queued
