"""Whether mail will arrive: looks at DNS, the relay, the pages and the files of a newsletter, and says what to do.

    settings ─ service ─▶ Setup ┐
    DNS, SMTP, HTTP ── Tools ───┴▶ checks, all at once ─▶ Findings, tidied, in the order of CHECKS

Nothing is changed and no mail is sent. What servers say is somebody else's words: `_tidied` lets none of it through
with control characters, without end, or with a secret of ours in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from newsletter.doctor.check_dkim import check_dkim
from newsletter.doctor.check_dmarc import check_dmarc
from newsletter.doctor.check_files import check_files
from newsletter.doctor.check_mx import check_mx, check_tls_reporting, domain_receives
from newsletter.doctor.check_pages import Http, check_base_url, check_pages, check_unsubscribe
from newsletter.doctor.check_relay import SmtpCaller, check_relay
from newsletter.doctor.check_reverse_dns import check_reverse_dns, own_addresses
from newsletter.doctor.check_sender import check_sample_mail, check_sender
from newsletter.doctor.check_spf import check_spf
from newsletter.doctor.dns import Dns, Remembering, Resolver, Unanswered
from newsletter.doctor.finding import LONGEST, LONGEST_RECORD, Finding, Level, one_line, skipped, warning
from newsletter.doctor.seams import RelaySetup
from newsletter.doctor.setup import Setup, Tools, domain_of

__all__ = [
    "Dns",
    "Finding",
    "Http",
    "Level",
    "RelaySetup",
    "Resolver",
    "Setup",
    "SmtpCaller",
    "Tools",
    "count",
    "examine",
    "own_addresses",
]

WITHIN = 60.0  #: seconds for all
SHORTEST_SECRET = 4  #: to look for something shorter would spoil every word

Look = Callable[[Setup, Tools], Awaitable[tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True)
class Check:
    group: str
    name: str  #: what it is called when it comes to nothing
    look: Look
    network: bool = True


def _pure(check: Callable[[Setup], tuple[Finding, ...]]) -> Look:
    """Wrap a check that asks nobody as one of those that ask."""

    async def look(setup: Setup, _: Tools) -> tuple[Finding, ...]:
        return check(setup)

    return look


async def _premises_and_files(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    return (*setup.premises, *await asyncio.to_thread(check_files, setup, tools.now()))


SENDER, DNS, SERVER, PAGES, HERE = "Sender", "DNS", "Relay", "Pages", "This machine"
CHECKS = (
    Check(SENDER, "sender", _pure(check_sender), network=False),
    Check(SENDER, "a mail", _pure(check_sample_mail), network=False),
    Check(DNS, "SPF", check_spf),
    Check(DNS, "DKIM", check_dkim),
    Check(DNS, "DMARC", check_dmarc),
    Check(DNS, "MX", check_mx),
    Check(DNS, "reverse DNS", check_reverse_dns),
    Check(DNS, "TLS to our mailboxes", check_tls_reporting),
    Check(SERVER, "relay", check_relay),
    Check(PAGES, "base_url", _pure(check_base_url), network=False),
    Check(PAGES, "pages", check_pages),
    Check(PAGES, "unsubscribe link", check_unsubscribe),
    Check(HERE, "files", _premises_and_files, network=False),
)


def count(offline: bool = False, to: str = "") -> int:
    """Return how many times `examine` calls `on_done`."""
    return len(_chosen(offline, to))


async def examine(
    setup: Setup,
    tools: Tools,
    *,
    offline: bool = False,
    to: str = "",
    within: float = WITHIN,
    on_done: Callable[[], None] = lambda: None,
) -> tuple[Finding, ...]:
    """Run the checks and return all findings, in the order of CHECKS.

    `to`: an address; whether its domain takes mail is checked too.
    """
    memory = Remembering(tools.resolver)
    tools = replace(tools, resolver=memory)
    checks = _chosen(offline, to)
    tasks = [asyncio.ensure_future(_looked(check, setup, tools, on_done)) for check in checks]
    try:
        await asyncio.wait(tasks, timeout=within)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await memory.close()
    return tuple(
        finding
        for check, task in zip(checks, tasks, strict=True)
        for finding in _tidied(check, _result(check, task, within), setup.hidden)
    )


def _chosen(offline: bool, to: str) -> tuple[Check, ...]:
    async def look(_: Setup, tools: Tools) -> tuple[Finding, ...]:
        return (await domain_receives(to, domain_of(to), tools),)

    more = (Check(DNS, f"mail to {to}", look),) if to else ()
    return tuple(check for check in (*CHECKS, *more) if not (offline and check.network))


async def _looked(check: Check, setup: Setup, tools: Tools, on_done: Callable[[], None]) -> tuple[Finding, ...]:
    try:
        return await check.look(setup, tools)
    except Unanswered as trouble:
        todo = "Try again; if it stays so, look at the name servers of the domain and at this machine's resolver."
        return (warning(check.name, f"could not be looked at: {trouble}", todo),)
    finally:
        on_done()


def _result(check: Check, task: asyncio.Future[tuple[Finding, ...]], within: float) -> tuple[Finding, ...]:
    if task.cancelled():
        return (skipped(check.name, f"was not done within {within:g} s"),)
    return task.result()


def _tidied(check: Check, findings: Iterable[Finding], hidden: Iterable[str]) -> Iterator[Finding]:
    secrets = sorted((secret for secret in hidden if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)

    def tidy(text: str, most: int = LONGEST) -> str:
        for secret in secrets:
            text = text.replace(secret, "…")
        return one_line(text, most)

    for finding in findings:
        yield Finding(
            name=tidy(finding.name),
            level=finding.level,
            found=tidy(finding.found),
            todo=tidy(finding.todo),
            record=tidy(finding.record, LONGEST_RECORD),
            group=check.group,
        )
