"""The interests page: edit the profile, pause and resume, and see what the next edition would hold."""

from __future__ import annotations

import logging
from asyncio import to_thread, wait, wrap_future
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from newsletter.config import WEEKDAYS
from newsletter.errors import NewsletterError
from newsletter.services.drafts import Draft
from newsletter.tokens import PersonalToken, Purpose
from newsletter.types import Edition, Entry, Status, Subscriber, Vote
from newsletter.web.lanes import Lane
from newsletter.web.public.forms import LARGEST, InterestsForm, apply_form, opinions
from newsletter.web.public.site import SubscriberSite

logger = logging.getLogger("newsletter")

AT_WORK = 1  #: threads
MOST = 200  #: requests at once
PATIENCE = 5.0  #: seconds that a page waits for the first draft of the next issue, or for a newer one than an old one
MAY_RESUME = (Status.PAUSED, Status.UNSUBSCRIBED)  #: who bounced or complained confirms their address again


class InterestsPages:
    """The form of one subscriber, and the buttons below it. What costs more than a moment is done in a lane."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._lane = Lane(AT_WORK, MOST)
        self._engine = site.engine

    async def edit(self, request: Request) -> Response:
        """Show the form; a POST saves it, or shows it again with what is wrong."""
        if request.method != "POST":
            return await self._shown(self._site.token(request, Purpose.INTERESTS), "saved" in request.query_params)
        person = await self._site.subscriber(request, Purpose.INTERESTS)
        async with request.form() as sent:
            form = InterestsForm.sent(sent, InterestsForm.of(person))
            forget = [str(value) for value in sent.getlist("forget")]
        _, errors = apply_form(person, form, forget)
        if errors:
            return await self._in_lane(self._page, person, form, errors, forget, False)
        await to_thread(self._save, person.id, form, forget)
        return self._site.back_to_interests(person, "?saved")

    async def pause(self, request: Request) -> Response:
        person = await self._site.subscriber(request, Purpose.INTERESTS)
        if person.status is Status.ACTIVE:
            await to_thread(self._engine.subscriptions.set_status, person.id, Status.PAUSED, person)
        return self._site.back_to_interests(person)

    async def resume(self, request: Request) -> Response:
        person = await self._site.subscriber(request, Purpose.INTERESTS)
        if person.status in MAY_RESUME:
            await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE, person)
        return self._site.back_to_interests(person)

    def _save(self, number: int, form: InterestsForm, forget: list[str]) -> None:
        """Change the subscriber as stored now, so that what happened since the page was read is kept."""
        person, _ = apply_form(self._engine.subscriptions.get(number), form, forget)
        self._engine.subscriptions.change(person)
        self._engine.subscriptions.take_back(number, forget)

    async def _shown(self, token: PersonalToken, saved: bool) -> Response:
        """Show the form as it is stored. Where there is a draft to wait for, a stale link is told so before."""
        _, working = self._engine.drafts.latest()
        if working is None:
            return await self._in_lane(self._stored, token, saved)
        person = await to_thread(self._site.owner, token)
        return await self._in_lane(self._page, person, InterestsForm.of(person), {}, [], saved)

    async def _in_lane(self, page: Callable[..., Response], *given: object) -> Response:
        """Make a page of what was given and the draft, in the lane."""
        with self._lane.place():
            draft = await self._draft()
            return await self._lane.run(page, *given, draft)

    async def _draft(self) -> Draft | None:
        """Return the draft of the next issue as it is; wait a little where there is none, or an old one."""
        draft, working = self._engine.drafts.latest()
        if working is None:
            return draft
        newer = wrap_future(working)
        await wait((newer,), timeout=PATIENCE)
        newer.cancel()
        return self._engine.drafts.latest()[0]

    def _stored(self, token: PersonalToken, saved: bool, draft: Draft | None) -> Response:
        """Make the page of whom a token names; all of it is read here, in one thread and by one connection."""
        with self._engine.subscriptions.view():
            person = self._site.owner(token)
            return self._page(person, InterestsForm.of(person), {}, [], saved, draft)

    def _page(
        self,
        person: Subscriber,
        form: InterestsForm,
        errors: Mapping[str, str],
        forget: list[str],
        saved: bool,
        draft: Draft | None,
    ) -> Response:
        values = {"sheet": form, "errors": errors, "forget": forget, "saved": saved, "largest": LARGEST}
        values |= {**self._beside(person, draft), "defaults": self._defaults()}
        return self._site.templates.response("interests.html", 422 if errors else 200, **values)

    def _defaults(self) -> dict[str, Any]:
        """Return what holds for readers who chose nothing."""
        settings = self._engine.settings
        return {
            "selection": settings.selection,
            "cadence": settings.schedule.cadence,
            "weekday": WEEKDAYS[settings.schedule.weekday],
            "language": settings.newsletter.language,
        }

    def _beside(self, person: Subscriber, draft: Draft | None) -> dict[str, Any]:
        """Return what the page shows beside the form."""
        votes = self._engine.subscriptions.votes(person.id)
        spoken = opinions(person.profile, votes)
        entries = self._engine.papers.known(spoken)
        papers = [(name, entries.get(name, Entry(name, name)), opinion) for name, opinion in spoken.items()]
        known = self._site.known(person) | {"may_resume": person.status in MAY_RESUME}
        edition, languages = self._next_edition(person, votes, draft), self._languages(draft)
        return {**known, "edition": edition, "papers": papers, "languages": languages}

    def _languages(self, draft: Draft | None) -> Mapping[str, str]:
        """Return no languages where they cannot be read: the form still works with a broken catalogue."""
        try:
            return draft.languages if draft else self._engine.planning.languages()
        except NewsletterError as error:
            logger.warning("no languages", extra={"error": str(error)})
            return {}

    def _next_edition(self, person: Subscriber, votes: Sequence[Vote], draft: Draft | None) -> Edition | None:
        """Return None where it cannot be made: the form still works with a broken template, and before all is read."""
        try:
            return self._engine.drafts.edition(draft, person, votes) if draft else None
        except NewsletterError as error:
            logger.warning("no next edition", extra={"subscriber": person.id, "error": str(error)})
            return None
