"""What the subscribers' pages share: whom a token names, and the paths between pages."""

from __future__ import annotations

from asyncio import to_thread
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from newsletter.engine import Engine
from newsletter.errors import StaleLink
from newsletter.tokens import PersonalToken, Purpose
from newsletter.types import Subscriber
from newsletter.web.pages import PageTemplates


class SubscriberSite:
    """The engine and the templates as the pages of one subscriber use them.

    A token says whose page it is and what may be done there; without it nobody may do anything.
    """

    def __init__(self, engine: Engine, templates: PageTemplates) -> None:
        self.engine = engine
        self.templates = templates

    async def subscriber(self, request: Request, purpose: Purpose) -> Subscriber:
        """Return whom the request's token names; raises TokenError, StaleLink, UnknownSubscriber."""
        person, _ = await self.reader(request, purpose)
        return person

    async def reader(self, request: Request, purpose: Purpose, more: int = 0) -> tuple[Subscriber, tuple[str, ...]]:
        """Return whom the request's token names, and so many values `more` of it."""
        token = self.token(request, purpose, more)
        return await to_thread(self.owner, token), token.more

    def token(self, request: Request, purpose: Purpose, more: int = 0) -> PersonalToken:
        """Return the request's token, and so many values `more` of it; raises TokenError."""
        return self.engine.tokens.read_personal(purpose, request.path_params["token"], more)

    def owner(self, token: PersonalToken) -> Subscriber:
        """Return whom a token names, for who is in a thread already; raises StaleLink, UnknownSubscriber."""
        person = self.engine.subscriptions.get(token.subscriber)
        if person.epoch != token.epoch:
            raise StaleLink
        return person

    async def leaving(self, request: Request) -> Subscriber:
        """Return whom an unsubscribe link names, of whatever mail: it is never stale."""
        number = self.engine.tokens.read(Purpose.UNSUBSCRIBE, request.path_params["token"])[0]
        return await to_thread(self.engine.subscriptions.get, int(number))

    def known(self, person: Subscriber) -> dict[str, Any]:
        """Return the template values of pages whose token proves that the reader owns the mailbox."""
        return {"person": person, "interests": self.interests_path(person)}

    def interests_path(self, person: Subscriber) -> str:
        token = self.engine.tokens.sign_personal(Purpose.INTERESTS, person.id, person.epoch)
        return f"{self.templates.root}/interests/{token}"

    def back_to_interests(self, person: Subscriber, query: str = "") -> Response:
        """Redirect to the interests page, so that a reload posts nothing again."""
        return RedirectResponse(self.interests_path(person) + query, 303)
