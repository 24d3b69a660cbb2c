"""A DNS of dictionaries, for tests that must not ask a real one."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.doctor.dns import Answer, Unanswered

Records = Mapping[str, str | tuple[str, ...]]


class Zones:
    """{"example.org TXT": "v=spf1 -all"}; several records as a tuple. A name that no key has is not there.

    "FAIL" for records is a name server that does not answer.
    """

    def __init__(self, records: Records, secure: bool = False) -> None:
        self.records = {key: (value,) if isinstance(value, str) else value for key, value in records.items()}
        self.secure = secure
        self.asked: list[str] = []

    async def ask(self, name: str, kind: str) -> Answer:
        self.asked.append(f"{name} {kind}")
        values = self.records.get(f"{name} {kind}", ())
        if values == ("FAIL",):
            raise Unanswered(f"{kind} {name}: the name servers fail")
        exists = any(
            key.rpartition(" ")[0] == name or key.rpartition(" ")[0].endswith(f".{name}") for key in self.records
        )
        return Answer(values, exists, self.secure)
