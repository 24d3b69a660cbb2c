"""A proof of work before a sign-up (ALTCHA), where the operator wants one. Nobody else is asked: no third party.

GET /challenge ─▶ a signed puzzle ─ the widget in the browser ─▶ its solution in the form ─▶ verified here, good once

Only this file knows the library `altcha`.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

from newsletter.errors import ConfigError
from newsletter.services.context import Context

WITHIN = 600  #: seconds to solve it and to fill the form
COST = 5_000  #: rounds of PBKDF2 a try; some 256 tries: about a second in a browser
LONGEST = 4_096  #: characters of a solution
MOST_USED = 10_000  #: solutions that are remembered


class Challenge:
    """The puzzles of [signup] challenge_script."""

    def __init__(self, context: Context) -> None:
        """Raise ConfigError where the library is missing."""
        self.script = context.settings.signup.challenge_script  #: the widget's; "": no challenge is asked for
        self._key = context.tokens.key("challenge")
        self._used: dict[str, object] = {}  #: signatures of what was solved, oldest first
        if self.script and find_spec("altcha") is None:
            raise ConfigError('[signup] challenge_script needs a package: pip install "newsletter[altcha]"')

    def make(self) -> dict[str, Any]:
        """Make a puzzle, as the widget reads it."""
        from altcha import create_challenge

        expires = int(time.time()) + WITHIN  # the library reads the clock itself
        puzzle = create_challenge("PBKDF2/SHA-256", COST, expires_at=expires, hmac_secret=self._key)
        return dict(puzzle.to_dict())

    def is_solved(self, solution: str) -> bool:
        """Whether this is the solution of a puzzle of ours, the first time; True where no challenge is asked for."""
        if not self.script:
            return True
        from altcha import Payload, verify_solution

        if len(solution) > LONGEST or not verify_solution(solution, self._key).verified:
            return False
        signature, this_use = str(Payload.from_base64(solution).challenge.signature), object()
        while len(self._used) >= MOST_USED:
            self._used.pop(next(iter(self._used)), None)
        return self._used.setdefault(signature, this_use) is this_use
