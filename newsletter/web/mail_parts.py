"""The parts of a finished mail, for the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from newsletter.types import Mail


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail client reads in the bytes."""

    subject: str
    headers: str  #: as they stand in the bytes
    html: str
    text: str
    html_bytes: int  #: of the HTML part as it travels


def parts(mail: Mail) -> Parts:
    """Parse the mail with the standard library, not with our own code that wrote it."""
    message = message_from_bytes(mail.body, _class=EmailMessage, policy=default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    return Parts(
        subject=str(message["Subject"]),
        headers=mail.body.partition(b"\r\n\r\n")[0].decode(errors="replace").replace("\r\n", "\n"),
        html=html.get_content() if html else "",
        text=text.get_content() if text else "",
        html_bytes=len(str(html.get_payload())) if html else 0,
    )
