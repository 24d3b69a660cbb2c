"""The sender: transports, and the run that keeps their connections busy."""

from newsletter.sender.dispatch import Job, Run, Work
from newsletter.sender.folder import FolderTransport, file_name
from newsletter.sender.smtp import Relay, SmtpTransport
from newsletter.sender.transport import Begin, Connection, Transport

__all__ = [
    "Begin",
    "Connection",
    "FolderTransport",
    "Job",
    "Relay",
    "Run",
    "SmtpTransport",
    "Transport",
    "Work",
    "file_name",
]
