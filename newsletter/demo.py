"""The main job from end to end, offline: seeds in, five mails out over real SMTP to a catcher on loopback."""

from __future__ import annotations

import asyncio
import html
import tempfile
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter.config import Settings, resource
from newsletter.engine import Engine, make_engine
from newsletter.errors import InputError
from newsletter.formats import parse_subscriber, read_lines
from newsletter.sender import file_name
from newsletter.services.sending import Sent
from newsletter.types import Status, Subscriber


class MailCatcher:
    """A real SMTP server on loopback that writes each mail it accepted to `folder`/`address`.eml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Keep the mail once for each recipient; aiosmtpd prescribes the name."""
        for address in envelope.rcpt_tos:
            (self.folder / f"{file_name(address)}.eml").write_bytes(envelope.original_content or b"")
        return "250 OK: caught"

    async def __aenter__(self) -> MailCatcher:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="catcher"), "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that the system gave; 0 before the server runs."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0


async def demo(folder: Path) -> Sent:
    """Leave one .eml and one .html per reader and an index.html in `folder`; other files there stay as they are.

    Raises InputError.
    """
    _clear(folder)
    with tempfile.TemporaryDirectory() as scratch:
        async with MailCatcher(folder) as catcher:
            engine = make_engine(_settings(Path(scratch), catcher.port))
            try:
                sent = await _run(engine)
            finally:
                engine.close()
    write_index(folder, engine.settings.newsletter.name, sent)
    return sent


def _clear(folder: Path) -> None:
    """Remove the mails of an earlier demo, and nothing else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mail in _mails(folder):
            mail.unlink(missing_ok=True)
            mail.with_suffix(".html").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from error


def _mails(folder: Path) -> list[Path]:
    return sorted(folder / f"{file_name(reader.email)}.eml" for reader in demo_readers())


def _settings(scratch: Path, port: int) -> Settings:
    settings: dict[str, Any] = {
        "newsletter": {
            "sender": "The Weekly Preprint <weekly@papers.example.org>",
            "base_url": "https://papers.example.org",
            "postal_address": "The Weekly Preprint, 1 Example Street, Example City",
        },
        "store": {"url": f"sqlite:///{scratch / 'demo.db'}"},
        "smtp": {"host": "127.0.0.1", "port": port, "security": "none"},
        "source": [{"name": "seeds", "kind": "jsonl", "location": str(resource("seeds") / "papers.jsonl")}],
    }
    return Settings.model_validate(settings)


async def _run(engine: Engine) -> Sent:
    await engine.collection.collect()
    engine.subscriptions.put_all(demo_readers(), "demo")
    issue, _, _ = engine.planning.plan()
    return await engine.sending.send(issue.key)


def demo_readers() -> list[Subscriber]:
    """The five readers of seeds/profiles.jsonl."""
    rows = (row for _, row in read_lines((resource("seeds") / "profiles.jsonl").read_bytes()))
    return [replace(parse_subscriber(row), status=Status.ACTIVE) for row in rows if not isinstance(row, str)]


def write_index(folder: Path, name: str, sent: Sent) -> None:
    """Write a page that lists the mails and, beside each .eml, its HTML part."""
    rows = []
    for path in filter(Path.exists, _mails(folder)):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        part = mail.get_body(("html",))
        path.with_suffix(".html").write_text(part.get_content() if part else "", "utf-8")
        rows.append(_index_row(path, mail))
    page = _INDEX.format(name=html.escape(name), tally=html.escape(str(sent.tally)), rows="\n".join(rows))
    (folder / "index.html").write_text(page, "utf-8")


def _index_row(path: Path, mail: EmailMessage) -> str:
    link, to, subject = (html.escape(str(text)) for text in (path.stem, mail["To"], mail["Subject"]))
    return f'<li><a href="{link}.html">{subject}</a><p>{to} · <a href="{link}.eml">the mail itself</a></p></li>'


_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: the demo</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem; font: 17px/1.5 Georgia, serif;
  background: #f4f2ed; color: #1f2328 }}
ol {{ padding-left: 1.25rem }}
li {{ margin: 0 0 1.25rem }}
li p {{ margin: .25rem 0 0; font: 15px/1.4 Helvetica, Arial, sans-serif; color: #5b6470; overflow-wrap: anywhere }}
a {{ color: #1b4dcc }}
code {{ font-size: 15px }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #0e1116; color: #e8ebf0 }}
  li p {{ color: #a0a9b5 }}
  a {{ color: #8fb4ff }}
}}
</style>
</head>
<body>
<h1>{name}</h1>
<p>Each reader got an edition of their own, over SMTP, to a mail server on this machine. <code>{tally}</code></p>
<ol>
{rows}
</ol>
</body>
</html>
"""
