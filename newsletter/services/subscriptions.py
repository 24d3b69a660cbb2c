"""Subscriptions: who gets mail, what they asked for, and what they say of papers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from newsletter.errors import InputError, NewsletterError, UnknownSubscriber
from newsletter.services.context import Context
from newsletter.services.papers import Papers
from newsletter.services.single_mail import SingleMails
from newsletter.services.wiring import Sign, return_path
from newsletter.tokens import Purpose
from newsletter.types import Bounce, Entry, Profile, Status, Subscriber, Verb, Vote

logger = logging.getLogger("newsletter")

ASK_AGAIN = timedelta(minutes=10)  #: at most one confirmation mail per address in this time


class Subscriptions:
    """The only way to change a subscriber."""

    def __init__(self, context: Context, papers: Papers, single_mails: SingleMails, sign: Sign) -> None:
        self._context = context
        self._settings = context.settings
        self._store = context.store
        self._tokens = context.tokens
        self._now = context.now
        self._papers = papers
        self._single_mails = single_mails
        self._sign = sign

    async def subscribe(self, address: str, name: str, profile: Profile, language: str | None = None) -> None:
        """Double opt-in: a pending subscriber and a confirmation mail.

        Says nothing of whether the address is known: a known one gets the same mail, at most one in ASK_AGAIN, and
        its profile stays as it is. Raises DeliveryError where the mail cannot be sent.
        """
        now = self._now()
        fresh = Subscriber(0, address, name, Status.PENDING, profile, language=language)
        person = await asyncio.to_thread(self._found_or_added, fresh)
        if not await asyncio.to_thread(self._store.subscribers.asked, person.id, now, now - ASK_AGAIN):
            return
        token = self._tokens.sign(Purpose.CONFIRM, person.id)
        message_id = self._tokens.message_id(f"confirm.{int(now.timestamp())}", person.id, self._context.domain())
        masthead = self._settings.masthead
        from newsletter.renderer import Confirmation, wanted_templates

        confirmation = Confirmation(wanted_templates(self._settings, "confirm"), masthead, person.language)
        mail = confirmation.render(person, f"{masthead.base_url}/confirm/{token}", message_id, now)
        sender = return_path(self._settings, self._tokens).of("", person.id)
        try:
            await self._single_mails.send(replace(self._sign(mail), sender=sender or mail.sender))
        except NewsletterError:
            await asyncio.to_thread(self._store.subscribers.asked, person.id, now - ASK_AGAIN, now)
            raise

    def _found_or_added(self, person: Subscriber) -> Subscriber:
        try:
            return self._store.subscribers.find(person.email)
        except UnknownSubscriber:
            return self._store.subscribers.add(person, "web", self._now())

    def get(self, number: int) -> Subscriber:
        """The subscriber with this number; raises UnknownSubscriber."""
        return self._store.subscribers.get(number)

    def find(self, address: str) -> Subscriber:
        """The subscriber with this address; raises UnknownSubscriber."""
        return self._store.subscribers.find(address)

    def listed(self, status: Status | None = None) -> Iterator[Subscriber]:
        """All subscribers, or those of one status, by number."""
        return iter(self._store.subscribers.listed(status))

    def with_votes(self, people: Iterable[Subscriber]) -> Iterable[tuple[Subscriber, Sequence[Vote]]]:
        """Each person with what they said of single papers; a block of people is read at a time."""
        return self._store.votes.beside(people)

    def votes(self, number: int) -> Sequence[Vote]:
        """What a subscriber said of single papers."""
        return self._store.votes.of([number]).get(number, [])

    def bounces(self, number: int) -> list[Bounce]:
        """What came back from a subscriber's address, latest first."""
        return self._store.bounces.of(number)

    def add(self, person: Subscriber, source: str) -> Subscriber:
        """Add an active subscriber; raises InputError where the address is known."""
        return self._store.subscribers.add(person, source, self._now())

    def put_all(self, people: Sequence[Subscriber], source: str) -> tuple[int, int, int]:
        """Add or change many; (added, changed, kept out because they had left)."""
        return self._store.subscribers.put_all(people, source, self._now())

    def put_votes(self, said: Iterable[tuple[str, Sequence[Vote]]]) -> tuple[int, int]:
        """Keep what people said of papers, by address; (kept, on papers that are not known).

        Nothing is kept of who left. The later word on a paper counts.
        """
        votes: dict[int, Sequence[Vote]] = {}
        for address, theirs in said:
            person = self._store.subscribers.find(address)
            if person.status in (Status.PENDING, Status.ACTIVE, Status.PAUSED):
                votes[person.id] = theirs
        unknown = self._store.votes.put_all(votes, self._now())
        return sum(map(len, votes.values())) - unknown, unknown

    def change(self, person: Subscriber) -> None:
        """Keep what a subscriber says of themselves; their address and status stay."""
        self._store.subscribers.change(person)

    def erase(self, number: int) -> None:
        """Forget a subscriber: row, profile, votes and editions; the ledger keeps numbers without a name."""
        self._store.subscribers.erase(number)

    def pause_subscriber(self, number: int, paused: bool) -> Subscriber:
        """Pause or resume, and nothing else: who left comes back by their own word. Raises InputError."""
        person = self._store.subscribers.get(number)
        if person.status not in (Status.ACTIVE, Status.PAUSED):
            raise InputError(f"{person.email} is {person.status}: only the active can be paused and resumed.")
        return self.set_status(number, Status.PAUSED if paused else Status.ACTIVE)

    def set_status(self, number: int, status: Status) -> Subscriber:
        """Set a status, as often as you like; effective before the person's next mail."""
        self._store.subscribers.set_status(number, status, self._now())
        logger.info("status", extra={"subscriber": number, "status": status.value})
        return self._store.subscribers.get(number)

    def vote(self, number: int, entry_id: str, verb: Verb) -> Entry:
        """Note a subscriber's word on a paper, in any form that its id has; the later word wins. Returns the paper.

        Raises UnknownSubscriber, UnknownEntry.
        """
        person, entry = self._store.subscribers.get(number), self._papers.get(entry_id)
        self._store.votes.put(person.id, entry.id, verb, self._now())
        logger.info("voted", extra={"subscriber": number, "verb": verb.value})
        return entry

    def take_back(self, number: int, entry_ids: Iterable[str]) -> int:
        """Forget what a subscriber said of these papers, known or not; returns of how many they had said something.

        What their profile names stays. Raises UnknownSubscriber.
        """
        person = self._store.subscribers.get(number)
        return self._store.votes.take_back(person.id, (entry.id for entry in self._papers.find(entry_ids).values()))
