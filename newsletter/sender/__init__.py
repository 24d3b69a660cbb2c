"""The sender: transports, and the run that keeps their connections busy."""

from newsletter.sender.circuit_breaker import REST, Breaker, Trip, too_many_complaints
from newsletter.sender.dispatch import Run
from newsletter.sender.folder import FolderTransport, file_name
from newsletter.sender.jobs import Job, Work, domain_of
from newsletter.sender.rate_limit import Gate, Lane, Limit, Pace
from newsletter.sender.relay import Route, shared_out
from newsletter.sender.smtp import Relay, SmtpTransport
from newsletter.sender.transport import Begin, Connection, Transport
from newsletter.sender.tuning import BreakerTuning, DispatchTuning, RateLimitTuning, SmtpTuning

__all__ = [
    "REST",
    "Begin",
    "Breaker",
    "BreakerTuning",
    "Connection",
    "DispatchTuning",
    "FolderTransport",
    "Gate",
    "Job",
    "Lane",
    "Limit",
    "Pace",
    "RateLimitTuning",
    "Relay",
    "Route",
    "Run",
    "SmtpTransport",
    "SmtpTuning",
    "Transport",
    "Trip",
    "Work",
    "domain_of",
    "file_name",
    "shared_out",
    "too_many_complaints",
]
