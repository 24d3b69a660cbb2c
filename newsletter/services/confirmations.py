"""Mails that ask for a confirmation: made at once, sent one after the other over few connections.

    sign-up ─▶ Mail ─▶ queue, bounded ─ worker, few ─▶ relay
                         └ the page waits for a moment: what a relay refuses at once is told to who typed it

A mail that does not go out, for the relay refused it or the process ends, is given back to who asked for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from newsletter.errors import HostDown, NewsletterError, TooManySignUps
from newsletter.services.context import Context
from newsletter.services.single_mail import MailSession, SingleMails
from newsletter.services.wiring import Sign, return_path
from newsletter.tokens import Purpose
from newsletter.types import Mail, Masthead, Subscriber

if TYPE_CHECKING:
    from newsletter.renderer import Confirmation

logger = logging.getLogger("newsletter")

CONNECTIONS = 2  #: at once
MOST_WAITING = 200  #: mails
PATIENCE = 0.5  #: seconds that a page waits for the relay's word
GRACE = 5.0  #: seconds for what waits when the process ends


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A mail in the queue."""

    mail: Mail
    give_back: Callable[[], None]
    sent: asyncio.Future[None]  #: done once the relay took the mail; holds the error where it did not


class ConfirmationQueue:
    """Sends mails in the background. For one event loop; its workers come with the first mail and go with the last."""

    def __init__(self, single_mails: SingleMails, patience: float = PATIENCE, grace: float = GRACE) -> None:
        self._single_mails = single_mails
        self._patience = patience
        self._grace = grace
        self._waiting: deque[_Waiting] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    def check_room(self) -> None:
        """Raise TooManySignUps where the queue is full."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooManySignUps

    async def put(self, mail: Mail, give_back: Callable[[], None]) -> None:
        """Queue a mail; raises DeliveryError where the relay says no while we wait for a moment.

        Nobody waits behind other mails: the relay's word would come too late.

        `give_back` is called, from any thread, once it is certain that the mail will not be sent.
        """
        sent = asyncio.get_running_loop().create_future()
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask
        self._waiting.append(_Waiting(mail, give_back, sent))
        crowded = len(self._waiting) > CONNECTIONS
        if len(self._workers) < CONNECTIONS:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        done, _ = await asyncio.wait([sent], timeout=0 if crowded else self._patience)
        for future in done:
            future.result()

    async def close(self) -> None:
        """Send what waits in the time there is, and give the rest back."""
        workers = list(self._workers)
        if workers:
            await asyncio.wait(workers, timeout=self._grace)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        if self._waiting:
            logger.warning("confirmations not sent", extra={"count": len(self._waiting)})
        while self._waiting:
            waiting = self._waiting.popleft()
            await asyncio.to_thread(waiting.give_back)
            waiting.sent.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:  # looked at again after the goodbye, which takes a while
                async with aclosing(self._single_mails.session()) as session:
                    while self._waiting:
                        await self._send(self._waiting.popleft(), session)
        finally:
            self._workers -= {asyncio.current_task()}

    async def _send(self, waiting: _Waiting, session: MailSession) -> None:
        try:
            await session.send(waiting.mail)
        except NewsletterError as error:
            told = str(error) if isinstance(error, HostDown) else type(error).__name__  # other words name the address
            logger.warning("confirmation not sent", extra={"error": told})
            await asyncio.to_thread(waiting.give_back)
            _tell(waiting.sent, error)
        except Exception as error:
            logger.exception("confirmation not sent")  # a bug; the next mail is another one
            await asyncio.to_thread(waiting.give_back)
            _tell(waiting.sent, error)
        except asyncio.CancelledError:  # the process ends
            waiting.give_back()
            waiting.sent.cancel()
            raise
        else:
            _tell(waiting.sent)


def _tell(sent: asyncio.Future[None], error: Exception | None = None) -> None:
    if sent.done():  # cancelled with the request that waited
        return
    if error:
        sent.set_exception(error)
    else:
        sent.set_result(None)


class Confirmations:
    """Makes the mails; their templates are compiled once and again when they change."""

    def __init__(self, context: Context, sign: Sign) -> None:
        self._settings = context.settings
        self._tokens = context.tokens
        self._domain = context.domain()
        self._sign = sign
        self._return_path = return_path(context.settings, context.tokens)
        self._compiling = Lock()
        self._compiled = lru_cache(maxsize=8)(self._compile)

    def mail(self, person: Subscriber, now: datetime) -> Mail:
        """Make the mail that asks this person. Raises TemplateError."""
        from newsletter.renderer import wanted_templates

        token = self._tokens.sign_personal(Purpose.CONFIRM, person.id, person.epoch)
        message_id = self._tokens.message_id(f"confirm.{int(now.timestamp())}", person.id, self._domain)
        masthead, templates = self._settings.masthead, wanted_templates(self._settings, "confirm")
        with self._compiling:
            confirmation = self._compiled(tuple(sorted(templates.items())), masthead, person.language)
        mail = confirmation.render(person, f"{masthead.base_url}/confirm/{token}", message_id, now)
        return replace(self._sign(mail), sender=self._return_path.of("", person.id) or mail.sender)

    def _compile(
        self, templates: tuple[tuple[str, str], ...], masthead: Masthead, language: str | None
    ) -> Confirmation:
        from newsletter.renderer import Confirmation

        return Confirmation(dict(templates), masthead, language)
