"""Connections, pipes and processes that outlive the event loop they were made in."""

from __future__ import annotations

from asyncio import BaseTransport
from functools import wraps
from typing import Any
from weakref import WeakSet

_made: WeakSet[BaseTransport] = WeakSet()


def watch() -> None:
    """Remember every transport that is made from now on."""
    plain = BaseTransport.__init__

    @wraps(plain)
    def init(self: BaseTransport, *given: Any, **named: Any) -> None:
        plain(self, *given, **named)
        _made.add(self)

    BaseTransport.__init__ = init  # type: ignore[method-assign]


def left_open() -> list[str]:
    """Those that nobody can close any more, each told once: its loop is closed and it is not."""
    left = [each for each in [*_made] if _is_open(each) and each._loop.is_closed()]  # type: ignore[attr-defined]
    told = [f"{type(each).__name__} of {_peer(each)}" for each in left]
    for each in left:
        _let_go(each)
    return told


def _is_open(transport: Any) -> bool:
    """As its own __del__ decides, by attributes that only some kinds have."""
    kept = [getattr(transport, name, None) for name in ("_sock", "_pipe")]
    return any(each is not None for each in kept) or not getattr(transport, "_closed", True)


def _peer(transport: BaseTransport) -> str:
    known = {name: transport.get_extra_info(name) for name in ("sockname", "peername", "subprocess", "pipe")}
    return ", ".join(f"{name} {value}" for name, value in known.items() if value) or "nothing known"


def _let_go(transport: Any) -> None:
    """So that the garbage collector does not tell of it a second time, in somebody else's test."""
    for name in ("_sock", "_pipe"):
        if kept := getattr(transport, name, None):
            kept.close()
            setattr(transport, name, None)
    if hasattr(transport, "_closed"):
        transport._closed = True
