"""Past issues and the start page in a real browser: see test_looks."""

from __future__ import annotations

import pytest
import samples
from test_looks import Screen, check, planned, served
from test_looks import screen as screen  # a fixture

from newsletter.engine import Engine
from newsletter.types import IssueState
from newsletter.web.public.app import make_app

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("language", samples.LANGUAGES)
def test_nothing_is_wrong_with_what_everybody_may_see(screen: Screen, engine: Engine, language: str) -> None:
    planned(engine, language)
    engine.store.issues.set_state("2025-W12", IssueState.DONE)
    found: list[str] = []

    with served(make_app(engine)) as site:
        for name, path in {"start": "/", "archive": "/archive", "public": "/archive/2025-W12"}.items():
            answer = screen.page.goto(f"{site}{path}")
            assert answer is not None
            assert answer.ok
            found += check(screen, f"{name}-{language}", axe=(375, 600))

    assert not found, "\n".join(found)
    assert not screen.asked
