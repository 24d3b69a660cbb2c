"""One SMTP conversation after its EHLO, by a protocol of our own on the transport that aiosmtplib opened.

    MAIL, RCPT, DATA ─▶ 354 ─▶ body ─▶ begin() ─▶ dot, and the next mail's MAIL, RCPT, DATA ─▶ reply
    MAIL, RCPT, BDAT ─▶ 250 ─▶ ─ ─ ─ ▶ begin() ─▶ BDAT LAST, and the next mail's MAIL, …    ─▶ reply

How much is written without waiting for replies is decided in pipelining.py; what a reply means, by the table in
replies.py. Replies are matched in order, so several sends may be under way; one mail at most is in doubt, for the
next one's dot waits for the reply to the last. Three rules keep neighbours apart:

- What can be due to how we write (a level above plain, `Reply.about_order`, anything at all on trial) makes the level
  fail and the mail go out again one level lower. It was certainly not accepted: its dot was never written.
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
from typing import Final, TypeVar, cast

from newsletter.errors import DeliveryError, HostDown, Uncertain
from newsletter.sender.envelope import Offers, commands
from newsletter.sender.parameters import Parameters
from newsletter.sender.phase import Phase
from newsletter.sender.pipelining import Pipelining, PipeliningLevel
from newsletter.sender.replies import Garbled, Replies, Reply, error_for, goes_along, out_of_step, readable
from newsletter.sender.reply_timer import ReplyTimer
from newsletter.sender.transaction import Refusal, SmtpTransaction
from newsletter.sender.transport import Begin
from newsletter.sender.tuning import SMTP, SmtpTuning
from newsletter.types import Mail

Ended = TypeVar("Ended", bound=DeliveryError)

_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", 0)  #: Linux has it


class SmtpProtocol(asyncio.Protocol):
    """A Connection that may have several transactions under way."""

    ahead = 2  #: one waits for its reply while the envelope of the next is written

    def __init__(
        self,
        name: str,
        offers: Offers,
        pipelining: Pipelining,
        timeout: float,
        tuning: SmtpTuning = SMTP,
        parameters: Parameters | None = None,
    ) -> None:
        self._name = name
        self._offers = offers
        self._pipelining = pipelining
        self._parameters = parameters or Parameters()
        self._timeout = timeout
        self._tuning = tuning
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._socket: socket.socket | None = None
        self._replies = Replies()
        self._queue: deque[SmtpTransaction] = deque()  #: nothing of these is on the wire
        self._open: SmtpTransaction | None = None  #: between its envelope and its dot
        self._expected: deque[tuple[SmtpTransaction | None, Phase]] = deque()  #: replies, in order
        self._outbox: list[bytes] = []  #: goes out in one write
        self._stale = False  #: the server may still hold an envelope: RSET goes before the next one
        self._leaving = False  #: closes as soon as nobody is in doubt
        self._lost: HostDown | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._drained: asyncio.Future[None] | None = None  #: while the transport asks us to wait
        self._timer = ReplyTimer(timeout, self._is_waiting, self._silent)

    async def send(self, mail: Mail, begin: Begin) -> str:
        """Send one mail, as any Connection does. Cancelled after its first byte, it closes the connection."""
        if self._lost or self._leaving:
            raise self._down()
        transaction = SmtpTransaction(commands(mail, self._parameters.left_of(self._offers)), mail, self._loop)
        self._queue.append(transaction)
        try:
            self._start_next()
            self._flush()
            if error := await transaction.envelope_taken:
                raise error
            await self._write_body(transaction)
            await begin()
            self._write_dot(transaction)
            result = await transaction.answered
        finally:
            if not transaction.over:
                self._give_up(transaction)
        if isinstance(result, DeliveryError):
            raise result
        return result.words

    async def close(self) -> None:
        """Say QUIT where nothing is under way; never raises."""
        if not (self._lost or self._leaving or self._expected or self._open):
            self._write(None, Phase.QUIT, b"QUIT\r\n")
            self._flush()
            self._leaving = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._closed), self._tuning.quit_timeout_seconds)
        self._break("the connection was closed")

    # What is written

    def _start_next(self) -> None:
        """Write the next envelope if it is its turn."""
        if not self._queue or self._open or self._leaving or self._lost:
            return
        transaction = self._queue[0]
        ahead = bool(self._expected)
        if ahead and not (self._offers.pipelining and self._pipelining.allows(PipeliningLevel.AHEAD, transaction)):
            return
        self._open = self._queue.popleft()
        transaction.ahead = ahead
        if self._offers.pipelining:
            transaction.level = self._pipelining.level_for(ahead, self._offers.chunking, transaction)
        self._write_envelope(transaction)

    def _write_envelope(self, transaction: SmtpTransaction) -> None:
        chunks = transaction.level is PipeliningLevel.CHUNKS
        # a last chunk that is refused may leave its envelope behind
        commands = transaction.envelope(reset=self._stale or (chunks and transaction.ahead))
        self._stale = False
        at_once = 1 if transaction.level is PipeliningLevel.PLAIN else len(commands)
        transaction.unwritten = commands[at_once:]
        for phase, command in commands[:at_once]:
            self._write(transaction, phase, command)
        if chunks:
            self._flush()
            self._transport.write(memoryview(transaction.body)[: transaction.cut])

    async def _write_body(self, transaction: SmtpTransaction) -> None:
        """Write the body and wait while the server reads it; raises HostDown where the connection is lost."""
        if not self._lost and transaction.level is not PipeliningLevel.CHUNKS:
            self._transport.write(transaction.stuffed)
        while self._drained and not self._lost:
            try:
                await asyncio.wait_for(asyncio.shield(self._drained), self._timeout)
            except TimeoutError:
                self._break(f"the server took nothing for {self._timeout:g} s")
        if self._lost:
            raise self._down()

    def _write_dot(self, transaction: SmtpTransaction) -> None:
        """Write the end of the mail and the next envelope, where one is waiting and the server takes it so."""
        if self._lost or self._transport.is_closing():
            raise self._down()
        self._open = None
        if transaction.level is PipeliningLevel.CHUNKS:
            rest = transaction.body[transaction.cut :]
            self._write(transaction, Phase.DOT, b"BDAT %d LAST\r\n%b" % (len(rest), rest))
        else:
            self._write(transaction, Phase.DOT, b".\r\n")
        self._start_next()
        self._flush()
        transaction.doubtful = not self._transport.is_closing()  # else the system did not even take it

    def _write(self, transaction: SmtpTransaction | None, phase: Phase, command: bytes) -> None:
        self._outbox.append(command)
        self._expected.append((transaction, phase))
        if len(self._expected) == 1:
            self._watch()

    def _flush(self) -> None:
        if self._outbox and not self._lost:
            self._transport.write(b"".join(self._outbox))
        self._outbox.clear()

    # What is replied

    def _receive(self, reply: Reply) -> None:
        transaction, phase = self._expected[0] if self._expected else (None, Phase.IDLE)
        if phase is Phase.IDLE or out_of_step(reply, phase):
            self._break(reply.words, reply)
            return
        self._expected.popleft()
        if reply.code == 421 or phase is Phase.QUIT:
            self._end_by_server(transaction, phase, reply)
        elif transaction and phase is Phase.DOT:
            self._dot_reply(transaction, reply)
        elif transaction:
            self._envelope_reply(transaction, phase, reply)
        if self._queue and not self._open:
            self._start_next()

    def _end_by_server(self, transaction: SmtpTransaction | None, phase: Phase, reply: Reply) -> None:
        """End the connection for no mail's fault; in reply to a dot it is a clear no all the same."""
        if transaction:
            transaction.end(HostDown(reply.words, reply.code, reply.status, phase))
        self._break(reply.words, reply)

    def _envelope_reply(self, transaction: SmtpTransaction, phase: Phase, reply: Reply) -> None:
        """Note a reply to a part of an envelope; the first refusal is the one that counts."""
        if phase is not Phase.RSET and not transaction.error and not goes_along(reply, phase):
            transaction.error = Refusal(reply, phase)
        if phase is Phase.MAIL and transaction.ahead and not transaction.error:
            self._pipelining.passed(PipeliningLevel.AHEAD, transaction)
        if transaction.unwritten and not transaction.error:
            self._write(transaction, *transaction.unwritten.pop(0))
        elif phase in (Phase.DATA, Phase.BDAT) or (transaction.unwritten and transaction.error):
            self._envelope_done(transaction, phase, reply)

    def _envelope_done(self, transaction: SmtpTransaction, phase: Phase, reply: Reply) -> None:
        """Act on the replies to a whole envelope."""
        if not transaction.error:
            self._pipelining.passed(min(transaction.level, PipeliningLevel.PIPELINED), transaction)
            self._parameters.passed(transaction.dropped)
            transaction.take_envelope()
            return
        self._open = None
        if phase is Phase.DATA and reply.code == 354:  # without a recipient: RFC 2920 3.1
            self._write(None, Phase.DOT, b".\r\n")
        else:
            self._stale = True
        self._after_refusal(transaction, transaction.error)
        if phase is Phase.BDAT and reply.code in (500, 502):  # it may take the body for commands
            self._break(f"the server does not know BDAT: {reply.words}", reply)

    def _after_refusal(self, transaction: SmtpTransaction, refusal: Refusal) -> None:
        """Send it again where it was how we write that was refused; it was certainly not accepted."""
        try:
            again = self._parameters.give_way(transaction, self._offers) or _step_down(transaction, self._pipelining)
            error = None if again else error_for(*refusal, transaction.mail)
        except DeliveryError as out_of_reach:
            error = out_of_reach
        self._pipelining.left(transaction)
        if error:
            transaction.end(error)
        else:
            transaction.error, transaction.unwritten = None, []
            self._queue.appendleft(transaction)

    def _dot_reply(self, transaction: SmtpTransaction, reply: Reply) -> None:
        """Settle a mail by the reply to its dot."""
        error = error_for(reply, Phase.DOT, transaction.mail)
        chunks, followed = transaction.level is PipeliningLevel.CHUNKS, self._open is not None
        if not error:
            self._pipelining.passed(transaction.level, transaction)
        elif reply.about_order and (chunks or followed):  # the mail is refused for what came behind it
            self._pipelining.failed(transaction.level if chunks else PipeliningLevel.AHEAD, transaction)
            self._end_by_server(transaction, Phase.DOT, reply)
        else:
            self._pipelining.left(transaction)
            self._stale |= chunks
        transaction.end(error or reply)
        if self._leaving:
            self._break("a mail was given up")

    # How it ends

    def _give_up(self, transaction: SmtpTransaction) -> None:
        """Take out a mail whose sender has left: cancelled, withdrawn, or the ledger could not write."""
        transaction.over = True
        self._pipelining.left(transaction)
        if transaction in self._queue:
            self._queue.remove(transaction)
        elif any(other and phase is Phase.DOT for other, phase in self._expected if other is not transaction):
            self._leaving = True
            _end_all(self._queue, HostDown(f"{self._name}: a mail was given up"))
        else:
            self._break("a mail was given up")

    def _break(self, words: str, reply: Reply | None = None, silent: bool = False) -> None:
        """End the conversation at once: who is in doubt gets Uncertain, all others HostDown.

        `silent`: as servers are that throw away what was pipelined.
        """
        if self._lost:
            return
        phase = self._expected[0][1] if self._expected else ""
        code, status = (reply.code, reply.status) if reply else (0, "")
        self._lost = HostDown(f"{self._name}: {words}", code, status, phase)
        self._transport.abort()
        current, pipelining = self._open, self._pipelining
        if current and (pipelining.tries(current) or (silent and current.level > pipelining.proven)):
            pipelining.failed(current.level, current)
        written = [transaction for transaction, _ in self._expected]
        transactions = [transaction for transaction in (*written, current, *self._queue) if transaction]
        doubt = Uncertain(f"{self._name}: {words} after the last dot", code, status, Phase.DOT)
        _end_all([transaction for transaction in transactions if transaction.doubtful], doubt)
        _end_all(transactions, self._lost)
        self._queue.clear()
        for future in (self._closed, self._drained):
            if future and not future.done():
                future.set_result(None)
        self._timer.cancel()

    def _down(self) -> HostDown:
        return _anew(self._lost or HostDown(f"{self._name}: the connection is being closed"))

    def _watch(self) -> None:
        """Set the time limit of the reply that is expected next."""
        dot = self._expected[0][1] is Phase.DOT
        self._timer.restart(self._tuning.dot_timeout_seconds if dot else self._timeout)

    def _is_waiting(self) -> bool:
        return bool(self._expected) and not self._lost

    def _silent(self) -> None:
        self._break("the server says nothing", silent=True)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a transport that is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")
        if transport.is_closing():
            self._break("the server closed the connection")

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._replies.feed(data):
                if not self._lost:
                    self._receive(reply)
        except Garbled as error:
            self._break(str(error))
        self._flush()
        if self._expected and not self._lost:
            self._watch()
            _acknowledge(self._socket)

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


def _step_down(transaction: SmtpTransaction, pipelining: Pipelining) -> bool:
    """Give a level up where a refusal can be due to it; False: it was something else."""
    if transaction.level is PipeliningLevel.PLAIN or not transaction.error:
        return False
    reply, phase = transaction.error
    on_trial = pipelining.tries(transaction) and phase in (Phase.MAIL, Phase.BDAT)
    if not (on_trial or reply.about_order):
        return False
    pipelining.failed(transaction.level, transaction)
    return True


def _acknowledge(sock: socket.socket | None) -> None:
    """Acknowledge at once: a server's next small reply waits up to 40 ms for that (Nagle)."""
    if _QUICKACK and sock:
        with contextlib.suppress(OSError):  # it may be gone by now
            sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def _end_all(transactions: Iterable[SmtpTransaction], error: DeliveryError) -> None:
    """Give each an error of its own: one that is raised twice collects the tracebacks of both."""
    for transaction in transactions:
        if not transaction.over:
            refused = transaction.error if isinstance(error, HostDown) else None
            transaction.end(_turned_away(refused) if refused and refused.reply.code < 500 else _anew(error))


def _turned_away(refusal: Refusal) -> HostDown:
    """Keep the words that were said before the connection was closed."""
    reply, phase = refusal
    return HostDown(reply.words, reply.code, reply.status, phase)


def _anew(error: Ended) -> Ended:
    return type(error)(str(error), error.code, error.status, error.phase)
