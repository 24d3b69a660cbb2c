"""For our tests and other people's: a clock to move, ready-made entries and subscribers, transports that misbehave.

`ScriptedServer` is a real SMTP server on loopback that answers what its script says and records what it truly
accepted: the independent judge of a test.
"""

from newsletter.testing.fakes import Clock, MemoryTransport
from newsletter.testing.samples import NOON, WEEK_12, make_entry, make_profile, make_subscriber
from newsletter.testing.smtp_server import GARBAGE, SLOW, Script, ScriptedServer, make_certificate

__all__ = [
    "GARBAGE",
    "NOON",
    "SLOW",
    "WEEK_12",
    "Clock",
    "MemoryTransport",
    "Script",
    "ScriptedServer",
    "make_certificate",
    "make_entry",
    "make_profile",
    "make_subscriber",
]
