"""Which mails did Postfix really take? Read from its log. Pure.

`cleanup: QID: message-id=<…>` alone is no acceptance (a mail may be logged there and never queued); the queue
manager's `qmgr: QID: … (queue active)` is. Programs may be called otherwise than postfix/… (syslog_name), and short
queue ids come again for other mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter.errors import InputError

_CLEANUP = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=(<[^>]+>)?")
_QUEUED = re.compile(r"/qmgr\[\d+\]: (\w+): from=.*\(queue active\)")


def queued_message_ids(lines: Iterable[str]) -> set[str]:
    """Return the Message-IDs, with angle brackets, of all mails that reached the queue.

    Raises InputError where no line tells of a mail in the queue: this is no such log, or it is packed.
    """
    named: dict[str, str] = {}
    queued: set[str] = set()
    manager = False
    for line in lines:
        if found := _CLEANUP.search(line):
            named[found[1]] = found[2] or ""
        elif found := _QUEUED.search(line):
            manager = True
            queued.add(named.get(found[1], ""))
    if not manager:
        raise InputError("no line of Postfix's queue manager in this log: nobody can tell by it what was accepted")
    return queued - {""}
