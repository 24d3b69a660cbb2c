"""An independent judge of SPF records: pyspf, with a DNS of dictionaries."""

from __future__ import annotations

import warnings
from typing import Any

from zones import Records, Zones

with warnings.catch_warnings():  # it is older than Python's complaints about "\d"
    warnings.simplefilter("ignore")
    import spf


def judged(records: Records, address: str) -> str:
    """What it says of a mail from a.org that comes from there."""

    def look_up(name: str, kind: str, *_: object) -> list[Any]:
        values = Zones(records).records.get(f"{name} {kind}", ())
        return [((name, kind), _as_pyspf_has_it(kind, value)) for value in values]

    spf.DNSLookup = look_up
    return str(spf.query(address, "weekly@a.org", "mail.a.org").check()[0])


def _as_pyspf_has_it(kind: str, value: str) -> Any:
    if kind == "TXT":
        return (value.encode(),)
    if kind == "MX":
        rank, _, host = value.partition(" ")
        return int(rank), host
    return value
