"""The ways out."""

from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import HostDown
from newsletter.sender.relay import Route, shared_out
from newsletter.testing import MemoryTransport

REFUSED = HostDown("connection refused", phase="connect")
WRONG_PASSWORD = HostDown("535 5.7.8 no", 535, "5.7.8", "auth")


def test_connections_are_shared_out_by_weight() -> None:
    assert shared_out(4, [3, 1]) == [3, 1]
    assert shared_out(10, [1, 1, 1]) == [4, 3, 3]
    assert shared_out(1, [3, 1]) == [1, 1]


@given(st.integers(1, 100), st.lists(st.floats(0.1, 1000), min_size=1, max_size=8))
def test_every_relay_has_one_connection_and_none_is_lost(connections: int, weights: list[float]) -> None:
    shares = shared_out(connections, weights)

    assert min(shares) >= 1
    assert sum(shares) >= connections or sum(shares) == len(weights)
    assert sum(shares) <= connections + len(weights) - 1


def test_what_was_tried_at_once_counts_once() -> None:
    route = Route(MemoryTransport())
    for _ in range(8):
        route.failed(REFUSED, began=1.0, now=1.1)
    assert not route.down(3, 1.1)

    for began in (2.0, 3.0):
        route.failed(REFUSED, began, began + 0.1)
    assert route.down(3, 3.1)
    route.worked()
    assert not route.down(3, 3.2)


def test_a_no_for_good_is_not_asked_again_for_a_while() -> None:
    route = Route(MemoryTransport())
    route.failed(WRONG_PASSWORD, began=1.0, now=1.1)

    assert route.down(3, 2.0)
    assert not route.down(3, 2.0 + route.longest_pause_seconds)
