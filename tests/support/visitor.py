"""A visitor of one of our sites: whole requests to the ASGI app, without a server or cookies."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette


class Visitor:
    """A client that follows no redirect. `forgiving`: exceptions become responses, as on a server."""

    def __init__(self, app: Starlette, forgiving: bool = False, base_url: str = "http://127.0.0.1") -> None:
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=not forgiving)
        self._base_url = base_url

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=self._base_url) as client:
            return await client.request(method, path, **more)
