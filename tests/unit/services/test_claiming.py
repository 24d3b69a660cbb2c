"""A gate counts what came of a claim, not what was hoped for."""

from __future__ import annotations

from newsletter.sender import Limit, Pace
from newsletter.services.claiming import _Door
from newsletter.testing import NOON


def test_a_gate_is_charged_only_for_what_no_other_sender_was_quicker_with() -> None:
    gate = Pace(Limit(rate=1.0)).gate(0.0, 5)
    door = _Door(gate, {}, NOON)

    waits = [door.later(f"reader{number}@slow.example") for number in range(6)]
    door.settled(False, ["reader0@slow.example"])

    assert waits[0] is None
    assert waits[5] is not None
    assert (gate.let_in, gate.ends) == ({"slow.example": 1}, {})


def test_a_gate_is_charged_for_all_that_was_decided_when_it_was_done() -> None:
    gate = Pace(Limit(rate=1.0)).gate(0.0, 5)
    door = _Door(gate, {}, NOON)

    let_in = [door.later(f"reader{number}@slow.example") for number in range(6)].count(None)
    door.settled(True, ["reader0@slow.example"])

    assert gate.let_in == {"slow.example": let_in}
    assert "slow.example" in gate.ends
