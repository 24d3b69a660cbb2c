"""Logging in to a mail server as it asks for it: aiosmtplib's client, which goes by what servers should take."""

from __future__ import annotations

import base64

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError, SMTPNotSupported, SMTPResponse
from aiosmtplib.typing import Default

ASKS_ON, DONE = 334, 235


class LoginClient(aiosmtplib.SMTP):
    """Names what the server offers where we know no way in, and says name and password when it is asked for them."""

    async def login(
        self,
        username: str | bytes,
        password: str | bytes,
        /,
        timeout: float | Default | None = Default.token,  # noqa: ASYNC109  (aiosmtplib's)
    ) -> SMTPResponse:
        """Log in by the first way that works. Raises SMTPNotSupported, naming what is offered, where there is none."""
        if self.supports_extension("auth") and not self.supported_auth_methods:
            offered = ", ".join(method.upper() for method in self.server_auth_methods) or "nothing"
            ours = ", ".join(method.upper() for method in self.AUTH_METHODS)
            raise SMTPNotSupported(f"no way to log in: for AUTH the server offers {offered}; we know {ours}")
        return await super().login(username, password, timeout=timeout)

    async def auth_login(
        self,
        username: str | bytes,
        password: str | bytes,
        /,
        *,
        timeout: float | Default | None = Default.token,  # noqa: ASYNC109  (aiosmtplib's)
    ) -> SMTPResponse:
        """Give the name and the password when asked: not every server takes the name in the first line."""
        reply = await self.execute_command(b"AUTH", b"LOGIN", timeout=timeout)
        for secret in (username, password):
            if reply.code == ASKS_ON:
                reply = await self.execute_command(_encoded(secret), timeout=timeout)
        return await self._logged_in(reply)

    async def auth_plain(
        self,
        username: str | bytes,
        password: str | bytes,
        /,
        *,
        timeout: float | Default | None = Default.token,  # noqa: ASYNC109  (aiosmtplib's)
    ) -> SMTPResponse:
        """Give both in the first line, and once more where the server asks all the same."""
        secret = _encoded(b"\0" + _bytes(username) + b"\0" + _bytes(password))
        reply = await self.execute_command(b"AUTH", b"PLAIN", secret, timeout=timeout)
        if reply.code == ASKS_ON:
            reply = await self.execute_command(secret, timeout=timeout)
        return await self._logged_in(reply)

    async def _logged_in(self, reply: SMTPResponse) -> SMTPResponse:
        """Raise SMTPAuthenticationError unless it worked; a server that goes on asking is told to stop."""
        if reply.code == ASKS_ON:
            reply = await self.execute_command(b"*")
        if reply.code != DONE:
            raise SMTPAuthenticationError(reply.code, reply.message)
        return reply


def _encoded(secret: str | bytes) -> bytes:
    return base64.b64encode(_bytes(secret))


def _bytes(secret: str | bytes) -> bytes:
    return secret if isinstance(secret, bytes) else secret.encode()
