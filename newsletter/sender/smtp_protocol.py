"""One SMTP conversation after its EHLO, by a protocol of our own on the transport that aiosmtplib opened.

    MAIL, RCPT, DATA ─▶ 354 ─▶ body ─▶ begin() ─▶ dot, and the next mail's MAIL, RCPT, DATA ─▶ reply
    MAIL, RCPT, BDAT ─▶ 250 ─▶ ─ ─ ─ ▶ begin() ─▶ BDAT LAST, and the next mail's MAIL, …    ─▶ reply

How much is written without waiting for replies is the ladder's matter; what a reply means is that of the table in
replies.py. Replies are matched in order, so several sends may be under way; one mail at most is in doubt, for the
next one's dot waits for the reply to the last. Three rules keep neighbours apart:

- What can be due to how we speak (a rung above plain, `Reply.about_order`, anything at all on trial) makes the rung
  fail and the mail go out again one rung lower. It was certainly not accepted: its dot was never written.
- Whoever leaves in the middle of a mail (cancelled, withdrawn, a ledger that could not write) closes the
  connection, but not before a neighbour in doubt has its reply.
- When the connection ends, a mail whose dot was written is Uncertain; all others were certainly not sent: HostDown.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Iterable
from typing import Final, cast

from newsletter.errors import DeliveryError, HostDown, Uncertain
from newsletter.sender.envelope import Offers, commands
from newsletter.sender.pipelining import Ladder, Rung
from newsletter.sender.replies import Garbled, Phase, Replies, Reply, out_of_step, readable, verdict
from newsletter.sender.transaction import Letter, Refusal
from newsletter.sender.transport import Begin
from newsletter.types import Mail

DOT_TIMEOUT = 600.0  #: seconds to wait for the reply to the last dot: giving up sooner makes duplicates
GOODBYE = 5.0  #: seconds to wait for the reply to QUIT
_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", 0)  #: Linux has it


class Wire(asyncio.Protocol):
    """A Connection (see transport.py) that may have several sends under way."""

    ahead = 2  #: one waits for its reply while the envelope of the next is written

    def __init__(self, name: str, offers: Offers, ladder: Ladder, timeout: float) -> None:
        self._name = name
        self._offers = offers
        self._ladder = ladder
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._socket: socket.socket | None = None
        self._replies = Replies()
        self._queue: deque[Letter] = deque()  #: nothing of these is on the wire
        self._open: Letter | None = None  #: between its envelope and its dot
        self._expected: deque[tuple[Letter | None, Phase]] = deque()  #: replies, in order
        self._outbox: list[bytes] = []  #: goes out in one write
        self._stale = False  #: the server may still hold an envelope: RSET goes before the next one
        self._leaving = False  #: closes as soon as nobody is in doubt
        self._lost: HostDown | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._drained: asyncio.Future[None] | None = None  #: while the transport asks us to wait
        self._deadline = 0.0  #: of the reply that is expected next
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, mail: Mail, begin: Begin) -> str:
        """See Connection.send. A send that is cancelled after its first byte closes the connection."""
        if self._lost or self._leaving:
            raise self._down()
        letter = Letter(commands(mail, self._offers), mail, self._loop)
        self._queue.append(letter)
        try:
            self._pump()
            self._flush()
            if error := await letter.going:
                raise error
            await self._write_body(letter)
            await begin()
            self._write_dot(letter)
            result = await letter.accepted
        finally:
            if not letter.over:
                self._give_up(letter)
        if isinstance(result, DeliveryError):
            raise result
        return result.words

    async def close(self) -> None:
        """See Connection.close."""
        if not (self._lost or self._leaving or self._expected or self._open):
            self._say(None, Phase.QUIT, b"QUIT\r\n")
            self._flush()
            self._leaving = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._closed), GOODBYE)
        self._break("the connection was closed")

    # What is written

    def _pump(self) -> None:
        """Write the next envelope if it is its turn."""
        if not self._queue or self._open or self._leaving or self._lost:
            return
        letter = self._queue[0]
        ahead = bool(self._expected)
        if ahead and not (self._offers.pipelining and self._ladder.allows(Rung.AHEAD, letter)):
            return
        self._open = self._queue.popleft()
        letter.ahead, letter.rung = ahead, self._rung(letter, ahead)
        self._write_envelope(letter)

    def _rung(self, letter: Letter, ahead: bool) -> Rung:
        if not self._offers.pipelining or not self._ladder.allows(Rung.PIPELINED, letter):
            return Rung.PLAIN
        if self._offers.chunking and self._ladder.allows(Rung.CHUNKS, letter):
            return Rung.CHUNKS
        return Rung.AHEAD if ahead else Rung.PIPELINED

    def _write_envelope(self, letter: Letter) -> None:
        chunks = letter.rung is Rung.CHUNKS
        last = (Phase.BDAT, b"BDAT %d\r\n" % letter.cut) if chunks else (Phase.DATA, b"DATA\r\n")
        steps = [(Phase.MAIL, letter.steps[0]), (Phase.RCPT, letter.steps[1]), last]
        if self._stale or (chunks and letter.ahead):  # a last chunk that is refused may leave its envelope behind
            steps.insert(0, (Phase.RSET, b"RSET\r\n"))
            self._stale = False
        said = 1 if letter.rung is Rung.PLAIN else len(steps)
        letter.unsaid = steps[said:]
        for phase, command in steps[:said]:
            self._say(letter, phase, command)
        if chunks:
            self._flush()
            self._transport.write(memoryview(letter.body)[: letter.cut])

    async def _write_body(self, letter: Letter) -> None:
        """Raises HostDown where the connection is lost."""
        if not self._lost and letter.rung is not Rung.CHUNKS:
            self._transport.write(letter.stuffed)
        while self._drained and not self._lost:
            try:
                await asyncio.wait_for(asyncio.shield(self._drained), self._timeout)
            except TimeoutError:
                self._break(f"the server took nothing for {self._timeout:g} s")
        if self._lost:
            raise self._down()

    def _write_dot(self, letter: Letter) -> None:
        """And the next envelope, where one is waiting and the ladder allows it."""
        if self._lost or self._transport.is_closing():
            raise self._down()
        self._open = None
        if letter.rung is Rung.CHUNKS:
            rest = letter.body[letter.cut :]
            self._say(letter, Phase.DOT, b"BDAT %d LAST\r\n%b" % (len(rest), rest))
        else:
            self._say(letter, Phase.DOT, b".\r\n")
        self._pump()
        self._flush()
        letter.doubtful = not self._transport.is_closing()  # else the system did not even take it

    def _say(self, letter: Letter | None, phase: Phase, command: bytes) -> None:
        self._outbox.append(command)
        self._expected.append((letter, phase))
        if len(self._expected) == 1:
            self._watch()

    def _flush(self) -> None:
        if self._outbox and not self._lost:
            self._transport.write(b"".join(self._outbox))
        self._outbox.clear()

    # What is heard

    def _take(self, reply: Reply) -> None:
        letter, phase = self._expected[0] if self._expected else (None, Phase.IDLE)
        if phase is Phase.IDLE or out_of_step(reply, phase):
            self._break(reply.words, reply)
            return
        self._expected.popleft()
        if reply.code == 421 or phase is Phase.QUIT:
            self._farewell(letter, phase, reply)
        elif letter and phase is Phase.DOT:
            self._settle(letter, reply)
        elif letter:
            self._hear(letter, phase, reply)
        if self._queue and not self._open:
            self._pump()

    def _farewell(self, letter: Letter | None, phase: Phase, reply: Reply) -> None:
        """No mail's fault; to a dot it is a clear no all the same."""
        if letter:
            letter.end(HostDown(reply.words, reply.code, reply.status, phase))
        self._break(reply.words, reply)

    def _hear(self, letter: Letter, phase: Phase, reply: Reply) -> None:
        """A reply to a part of an envelope; the first refusal is the one that counts."""
        if phase is not Phase.RSET and not letter.error and verdict(reply, phase):
            letter.error = Refusal(reply, phase)
        if phase is Phase.MAIL and letter.ahead and not letter.error:
            self._ladder.passed(Rung.AHEAD, letter)
        if letter.unsaid and not letter.error:
            self._say(letter, *letter.unsaid.pop(0))
        elif phase in (Phase.DATA, Phase.BDAT) or (letter.unsaid and letter.error):
            self._answered(letter, phase, reply)

    def _answered(self, letter: Letter, phase: Phase, reply: Reply) -> None:
        """The whole envelope is."""
        if not letter.error:
            self._ladder.passed(min(letter.rung, Rung.PIPELINED), letter)
            letter.go()
            return
        self._open = None
        if phase is Phase.DATA and reply.code == 354:  # without a recipient: RFC 2920 3.1
            self._say(None, Phase.DOT, b".\r\n")
        else:
            self._stale = True
        if self._due_to_rung(letter, letter.error):
            self._step_down(letter)
        else:
            self._ladder.left(letter)
            letter.end(verdict(*letter.error) or self._down())
        if phase is Phase.BDAT and reply.code in (500, 502):  # it may take the body for commands
            self._break(f"the server does not know BDAT: {reply.words}", reply)

    def _due_to_rung(self, letter: Letter, refusal: Refusal) -> bool:
        if letter.rung is Rung.PLAIN:
            return False
        on_trial = self._ladder.tries(letter) and refusal.phase in (Phase.MAIL, Phase.BDAT)
        return on_trial or refusal.reply.about_order

    def _step_down(self, letter: Letter) -> None:
        """Again, one rung lower: it was certainly not accepted."""
        self._ladder.failed(letter.rung, letter)
        letter.error = None
        letter.unsaid = []
        self._queue.appendleft(letter)

    def _settle(self, letter: Letter, reply: Reply) -> None:
        """The reply to the dot."""
        error = verdict(reply, Phase.DOT)
        chunks, followed = letter.rung is Rung.CHUNKS, self._open is not None
        if not error:
            self._ladder.passed(letter.rung, letter)
        elif reply.about_order and (chunks or followed):  # the mail is refused for what came behind it
            self._ladder.failed(letter.rung if chunks else Rung.AHEAD, letter)
            self._farewell(letter, Phase.DOT, reply)
        else:
            self._ladder.left(letter)
            self._stale |= chunks
        letter.end(error or reply)
        if self._leaving:
            self._break("a mail was given up")

    # How it ends

    def _give_up(self, letter: Letter) -> None:
        """Its sender has left: cancelled, withdrawn, or the ledger could not write."""
        letter.over = True
        self._ladder.left(letter)
        if letter in self._queue:
            self._queue.remove(letter)
        elif any(other and phase is Phase.DOT for other, phase in self._expected if other is not letter):
            self._leaving = True
            self._fail(self._queue, HostDown(f"{self._name}: a mail was given up"))
        else:
            self._break("a mail was given up")

    def _break(self, words: str, reply: Reply | None = None, silent: bool = False) -> None:
        """End the conversation at once; see the third rule at the top.

        `silent`: as servers are that throw away what was pipelined.
        """
        if self._lost:
            return
        phase = self._expected[0][1] if self._expected else ""
        code, status = (reply.code, reply.status) if reply else (0, "")
        self._lost = HostDown(f"{self._name}: {words}", code, status, phase)
        self._transport.abort()
        if (letter := self._open) and (self._ladder.tries(letter) or (silent and letter.rung > self._ladder.proven)):
            self._ladder.failed(letter.rung, letter)
        letters = [letter for letter in (*(letter for letter, _ in self._expected), self._open, *self._queue) if letter]
        doubt = Uncertain(f"{self._name}: {words} after the last dot", code, status, Phase.DOT)
        self._fail([letter for letter in letters if letter.doubtful], doubt)
        self._fail(letters, self._lost)
        self._queue.clear()
        for waiting in (self._closed, self._drained):
            if waiting and not waiting.done():
                waiting.set_result(None)
        if self._timer:
            self._timer.cancel()

    def _fail(self, letters: Iterable[Letter], error: DeliveryError) -> None:
        """Each gets an error of its own: one that is raised twice collects the tracebacks of both."""
        for letter in letters:
            if not letter.over:
                letter.end(type(error)(str(error), error.code, error.status, error.phase))

    def _down(self) -> HostDown:
        lost = self._lost or HostDown(f"{self._name}: the connection is being closed")
        return HostDown(str(lost), lost.code, lost.status, lost.phase)

    def _watch(self) -> None:
        """Set the time limit of the reply that is expected next. One timer, which looks again where it is early."""
        limit = DOT_TIMEOUT if self._expected[0][1] is Phase.DOT else self._timeout
        self._deadline = self._loop.time() + limit
        if not self._timer:
            self._timer = self._loop.call_later(min(limit, self._timeout), self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._expected or self._lost:
            return
        left = self._deadline - self._loop.time()
        if left <= 0:
            self._break("the server says nothing", silent=True)
        else:
            self._timer = self._loop.call_later(min(left, self._timeout), self._look)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Also called by who hands the transport over."""
        self._transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")
        if transport.is_closing():
            self._break("the server closed the connection")

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._replies.feed(data):
                if not self._lost:
                    self._take(reply)
        except Garbled as error:
            self._break(str(error))
        self._flush()
        if self._expected and not self._lost:
            self._watch()
            self._quicken()

    def _quicken(self) -> None:
        """Acknowledge at once: a server's next small reply waits up to 40 ms for that (Nagle)."""
        if _QUICKACK and self._socket:
            with contextlib.suppress(OSError):  # it may be gone by now
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def eof_received(self) -> None:
        """The transport closes itself then."""

    def connection_lost(self, error: Exception | None) -> None:
        self._break(readable(str(error or "")) or "the server closed the connection")

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
