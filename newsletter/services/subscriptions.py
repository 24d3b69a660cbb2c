"""Subscriptions: who gets mail, what they asked for, and what they say of papers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from newsletter.errors import InputError, NewsletterError, StaleLink
from newsletter.services.confirmations import ConfirmationQueue, Confirmations
from newsletter.services.context import Context
from newsletter.services.papers import Papers
from newsletter.services.signup_limits import SignupLimits
from newsletter.store import SignUp
from newsletter.tokens import CONFIRM_WITHIN
from newsletter.types import Bounce, Entry, Profile, Status, Subscriber, Verb, Vote

logger = logging.getLogger("newsletter")

#: After the first confirmation mail to an address that nobody answered, after the second and so on.
PAUSES = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=7))


def purge_pending(context: Context) -> int:
    """Forget who signed up and did not confirm while their link was good; returns how many."""
    purged = context.store.subscribers.purge_pending(context.now() - CONFIRM_WITHIN)
    if purged:
        logger.info("purged", extra={"count": purged})
    return purged


class Subscriptions:
    """The only way to change a subscriber."""

    def __init__(
        self,
        context: Context,
        papers: Papers,
        confirmations: Confirmations,
        queue: ConfirmationQueue,
        limits: SignupLimits,
    ) -> None:
        self._store = context.store
        self._now = context.now
        self._papers = papers
        self._confirmations = confirmations
        self._queue = queue
        self._limits = limits
        self._waited = 0.0  #: seconds, for the relay's word on the last confirmation

    async def subscribe(
        self, address: str, name: str, profile: Profile, language: str | None = None, client: str = ""
    ) -> None:
        """Double opt-in: a pending subscriber and a confirmation mail, which a queue sends.

        `client`: the address of the visitor's machine. Says nothing of whether the subscriber is known, not by the
        time it takes either: a known one gets the same mail, after the same PAUSES, and keeps their profile; who
        complained gets none. Raises TooManySignUps, and DeliveryError where the relay says at once that the mail
        cannot be sent; where it says so later, the person may ask again without a pause.
        """
        self._queue.check_room()
        pauses = PAUSES if self._limits.admit(client, address) else ()
        now, fresh = self._now(), Subscriber(0, address, name, Status.PENDING, profile, language=language)
        noted = await asyncio.to_thread(self._store.subscribers.sign_up, fresh, now, pauses)
        if not noted.due:
            await asyncio.sleep(self._waited)
            return
        began = time.monotonic()
        await self._ask(noted, now)
        self._waited = time.monotonic() - began

    async def _ask(self, noted: SignUp, now: datetime) -> None:
        def give_back() -> None:
            self._store.subscribers.take_back(noted.person.id, now, noted.asked)

        try:
            mail = await asyncio.to_thread(self._confirmations.mail, noted.person, now)
        except NewsletterError:
            await asyncio.to_thread(give_back)
            raise
        await self._queue.put(mail, give_back)

    def confirm(self, number: int, epoch: int) -> Subscriber:
        """Make active who answers a confirmation mail of this epoch; a second click changes nothing.

        Raises StaleLink where the mail was answered before, or its reader left or complained since.
        """
        if self._store.subscribers.confirm(number, epoch, self._now()):
            logger.info("status", extra={"subscriber": number, "status": Status.ACTIVE.value})
        person = self._store.subscribers.get(number)
        if person.epoch != epoch or person.status is not Status.ACTIVE:
            raise StaleLink
        return person

    async def finish(self) -> None:
        """Send the confirmations that wait; what cannot be sent in a few seconds may be asked for again."""
        await self._queue.close()

    def new_links(self, number: int | None = None) -> int:
        """Revoke the links in earlier mails, but those to unsubscribe, of one person or all; returns of how many."""
        return self._store.subscribers.revoke_links(number)

    def view(self) -> AbstractContextManager[None]:
        """Let all that this thread asks for in the block, of whatever service, come by one connection: it costs less.

        What the thread itself changes in the block need not be seen there.
        """
        return self._store.database.view()

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

    def set_status(self, number: int, status: Status, seen: Subscriber | None = None) -> Subscriber:
        """Set a status, as often as you like; effective before the person's next mail.

        `seen`: the subscriber as the change was decided on; who changed meanwhile stays as they are.
        """
        self._store.subscribers.set_status(number, status, self._now(), seen)
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
