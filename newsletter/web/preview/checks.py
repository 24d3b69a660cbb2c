"""Check a mail: its links and whether they open, its templates, and who could not read it."""

from __future__ import annotations

import asyncio
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.collector.http.link_check import reach
from newsletter.collector.http.ssrf import public_addresses
from newsletter.engine import Engine
from newsletter.errors import InputError
from newsletter.renderer import find_all, load_kind, own_folder
from newsletter.renderer.accessibility import access_faults
from newsletter.renderer.html_outline import outline
from newsletter.renderer.lint import LintFinding
from newsletter.serializers.findings import template_finding_row
from newsletter.web.preview.links import MailLink, base_url_faults, mail_links
from newsletter.web.preview.proof import Proof
from newsletter.web.preview.serializers import Row, link_row
from newsletter.web.public.app import make_app

if TYPE_CHECKING:
    from newsletter.collector.http.ssrf import Lookup

AT_ONCE = 4  #: requests at the same time; one to each host


class MailChecks:
    """Checks of proofs. Our own pages are asked within this process, others only when the maintainer wants it."""

    def __init__(self, engine: Engine, lookup: Lookup = public_addresses) -> None:
        self._engine = engine
        self._lookup = lookup
        self._pages = make_app(engine)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._hosts: dict[str, asyncio.Lock] = {}

    def findings(self, proof: Proof) -> Row:
        """Return links, and findings of the linter and on accessibility, without any request."""
        return {
            "base_url": list(base_url_faults(proof.prepared.frozen.masthead.base_url)),
            "links": [link_row(link) for link in _links(proof)],
            "lint": [template_finding_row(finding) for finding in self._lint(proof)],
            "access": [template_finding_row(finding) for finding in access_faults(outline(proof.parts.html))],
        }

    def _lint(self, proof: Proof) -> tuple[LintFinding, ...]:
        """Lint as `newsletter lint` does; of a frozen issue, the templates that it was planned with."""
        settings, frozen = self._engine.settings, proof.prepared.frozen
        own = own_folder(settings)
        weekly, confirm, messages = (load_kind(kind, own) for kind in ("weekly", "confirm", "messages"))
        if not proof.request.frozen:
            return find_all(weekly, confirm, settings.masthead, messages, settings.theme)
        catalogues = {name: text for name, text in frozen.templates.items() if name.endswith(".po")}
        rest = {name: text for name, text in frozen.templates.items() if name not in catalogues}
        return find_all(rest, confirm, frozen.masthead, catalogues)

    async def open_own_pages(self, proof: Proof) -> dict[str, Row]:
        """Return address → what our own pages answer to a GET, which changes nothing."""
        import httpx

        base = proof.prepared.frozen.masthead.base_url
        ours = [link for link in _links(proof) if link.ours]
        transport, slots = httpx.ASGITransport(app=self._pages, raise_app_exceptions=False), asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

            async def status(link: MailLink) -> int:
                async with slots:
                    return (await client.get(f"/{link.url.removeprefix(base).lstrip('/')}")).status_code

            answers = await asyncio.gather(*map(status, ours))
        return {link.url: _opening(proof, link, answer) for link, answer in zip(ours, answers, strict=True)}

    async def ask(self, proof: Proof, url: str) -> Row:
        """Ask whether this address of the mail answers; raises InputError for any other."""
        if not any(link.url == url and link.askable for link in _links(proof)):
            raise InputError("This mail has no such link to another site.")
        section = self._engine.settings.newsletter
        contact = parseaddr(section.reply_to or section.sender)[1]
        host = urlsplit(url).hostname or ""
        async with self._hosts.setdefault(host, asyncio.Lock()), self._slots:
            found = await reach(url, contact, lookup=self._lookup)
        moved = found.url if found.url != url else ""
        return {"good": found.answers, "status": found.status, "words": found.words, "moved": moved}


def _links(proof: Proof) -> tuple[MailLink, ...]:
    return mail_links(proof.parts, outline(proof.parts.html), proof.prepared.frozen.masthead.base_url)


def _opening(proof: Proof, link: MailLink, status: int) -> dict[str, Any]:
    """Return whether the page opened; `good` None where it cannot open yet."""
    if status < 400:
        return {"good": True, "words": "opens"}
    if proof.person.id == 0:
        return {"good": None, "words": "opens for a subscriber; this reader is made up"}
    if link.purpose.startswith("view") and not proof.request.issue:
        return {"good": None, "words": "opens once the issue is planned"}
    return {"good": False, "words": f"does not open: {status}"}
