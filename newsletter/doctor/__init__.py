"""Will it arrive? Looks at DNS, the relay, the pages and the files of a newsletter, and says what to do.

    settings ─ checkup ─▶ Setup ┐
    DNS, SMTP, HTTP ── Tools ───┴▶ checks, all at once ─▶ Findings, tidied, in the order of CHECKS

Nothing is changed and no mail is sent. What servers say is somebody else's words: `_tidied` lets none of it through
with control characters, without end, or with a secret of ours in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from newsletter.doctor.check_dkim import publish
from newsletter.doctor.check_dmarc import align
from newsletter.doctor.check_files import keep
from newsletter.doctor.check_mx import domain_receives, protect, receive
from newsletter.doctor.check_pages import Http, leave, named, visit
from newsletter.doctor.check_relay import Relay, SmtpCaller, talk
from newsletter.doctor.check_reverse_dns import own_addresses, reverse
from newsletter.doctor.check_sender import carry, introduce
from newsletter.doctor.check_spf import permit
from newsletter.doctor.dns import Dns, Remembering, Resolver, Unanswered
from newsletter.doctor.finding import LONGEST, LONGEST_RECORD, Finding, Level, one_line, skipped, warning
from newsletter.doctor.setup import Setup, Tools, domain_of

__all__ = [
    "Dns",
    "Finding",
    "Http",
    "Level",
    "Relay",
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


async def _introduce(setup: Setup, _: Tools) -> tuple[Finding, ...]:
    return introduce(setup)


async def _carry(setup: Setup, _: Tools) -> tuple[Finding, ...]:
    return carry(setup)


async def _named(setup: Setup, _: Tools) -> tuple[Finding, ...]:
    return named(setup)


async def _keep(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    return (*setup.premises, *await asyncio.to_thread(keep, setup, tools.now()))


SENDER, DNS, SERVER, PAGES, HERE = "Sender", "DNS", "Relay", "Pages", "This machine"
CHECKS = (
    Check(SENDER, "sender", _introduce, network=False),
    Check(SENDER, "a mail", _carry, network=False),
    Check(DNS, "SPF", permit),
    Check(DNS, "DKIM", publish),
    Check(DNS, "DMARC", align),
    Check(DNS, "MX", receive),
    Check(DNS, "reverse DNS", reverse),
    Check(DNS, "TLS to our mailboxes", protect),
    Check(SERVER, "relay", talk),
    Check(PAGES, "base_url", _named, network=False),
    Check(PAGES, "pages", visit),
    Check(PAGES, "unsubscribe link", leave),
    Check(HERE, "files", _keep, network=False),
)


def count(offline: bool = False, to: str = "") -> int:
    """How many times `examine` calls `on_done`."""
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
    """All findings, in the order of CHECKS. `to`: also whether this address's domain takes mail."""
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
    secrets = sorted((each for each in hidden if len(each) >= SHORTEST_SECRET), key=len, reverse=True)

    def tidy(text: str, most: int = LONGEST) -> str:
        for secret in secrets:
            text = text.replace(secret, "…")
        return one_line(text, most)

    for each in findings:
        yield Finding(
            name=tidy(each.name),
            level=each.level,
            found=tidy(each.found),
            todo=tidy(each.todo),
            record=tidy(each.record, LONGEST_RECORD),
            group=check.group,
        )
