"""Letters read in a process apart."""

from __future__ import annotations

from pathlib import Path

import stuck
from returned import SAMPLES

from newsletter.bounces import ReportKind, read_mail
from newsletter.bounces.reading import SMALL, LetterReader

LETTER = (Path(SAMPLES) / "postfix-userunknown.eml").read_bytes()
LARGE = LETTER + b"\n" + b"and more of it\n" * (SMALL // 10)


def test_a_large_letter_says_what_it_says_here() -> None:
    with LetterReader() as letters:
        assert letters.read(LARGE) == read_mail(LARGE)
        assert letters.read(LETTER) == read_mail(LETTER)


def test_a_letter_that_takes_too_long_says_nothing_and_costs_no_other() -> None:
    with LetterReader(1.0, stuck.stuck_or_read) as letters:
        late, good = letters.read(b"stuck" + LARGE), letters.read(LARGE)

    assert (late.kind, late.recipients, late.note) == (ReportKind.NONE, (), "took longer than 1 s to read")
    assert late.digest == read_mail(b"stuck" + LARGE).digest
    assert good.kind is ReportKind.BOUNCE
