"""SpamAssassin, without a network, sees hardly a trace of spam in our signed mails (acceptance 3).

It verifies no DKIM signature then, as it would have to ask DNS; dkimpy does that in other tests.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Clock
from tools import spamassassin
from verifier import DKIM, verdicts

from newsletter.config import Settings, resource
from newsletter.demo import demo_readers
from newsletter.engine import Engine, make_engine
from newsletter.store import Store
from newsletter.testing import MemoryTransport
from newsletter.types import Profile

RULES = "/usr/share/spamassassin"  #: those of the package, not what sa-update may have brought
MOST = 1.0  #: points; 5.0 is spam
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


class Verdict(NamedTuple):
    """What SpamAssassin says of one mail."""

    score: float
    report: str  #: points, name and meaning of each rule that hit


@pytest.fixture
def demo(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock) -> Engine:
    """The engine of newsletter.demo, but with keys and in memory."""
    seeds = {"name": "seeds", "kind": "jsonl", "location": str(resource("seeds") / "papers.jsonl")}
    more = {"dkim": DKIM, "source": [seeds], "home": settings.home}
    store.subscribers.put_all(demo_readers(), "demo", clock())
    return make_engine(Settings.model_validate({**settings.model_dump(), **more}), store, transport, clock)


def judge(mails: list[bytes], folder: Path) -> list[Verdict]:
    """In a home of its own, which knows nothing of other mails."""
    preferences, files = folder / "preferences", [folder / f"{number}.eml" for number in range(len(mails))]
    preferences.write_text("use_bayes 0\nreport_safe 0\n", "utf-8")
    for file, mail in zip(files, mails, strict=True):
        file.write_bytes(mail)
    command = [spamassassin(), "--local", "--test-mode", "--configpath", RULES, "--prefspath", str(preferences)]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run([*command, *map(str, files)], env=environment, capture_output=True, check=False)
    reports = done.stdout.decode(errors="replace").split("Content analysis details:")[1:]
    assert len(reports) == len(mails), done.stderr.decode(errors="replace")
    return [
        Verdict(float(score[1]), report) for report in reports if (score := re.search(r"(-?[\d.]+) points", report))
    ]


async def test_signed_mails_of_the_demo_score_next_to_nothing(
    demo: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    await demo.collection.collect()
    await demo.sending.send(demo.planning.plan()[0].key)
    await demo.subscriptions.subscribe("new@example.org", "New", Profile())

    judged = judge([mail.body for mail in transport.mails], tmp_path)

    assert len(judged) == 6
    for mail, (score, report) in zip(transport.mails, judged, strict=True):
        assert verdicts(mail.body) == [True, True]
        assert score < MOST, f"{mail.recipient}: {report}"


async def test_spam_would_be_seen(demo: Engine, transport: MemoryTransport, tmp_path: Path) -> None:
    await demo.subscriptions.subscribe("new@example.org", "New", Profile())
    [honest] = [mail.body for mail in transport.mails]
    offer = b"<p>Dear friend, CLICK HERE for cheap Viagra, 100% free! You have won $1,000,000.00 in the lottery.</p>"
    spam = [honest.replace(b"<body", GTUBE + b"<body"), honest.replace(b"</body>", offer * 20 + b"</body>")]

    gtube, offered = judge(spam, tmp_path)

    assert gtube.score > 900
    assert "GTUBE" in gtube.report
    assert offered.score > MOST, offered.report
