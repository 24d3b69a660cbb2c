"""A small IMAP server on loopback, with TLS: as much of RFC 3501 as a reader of one folder needs."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol


class Stream(Protocol):
    """A line with somebody at the other end."""

    def write(self, data: bytes, /) -> int | None: ...
    def flush(self) -> None: ...


@dataclass(slots=True)
class ImapServer:
    """`with ImapServer(context) as server:` listens on localhost:`server.port`; `said` is all that clients said."""

    context: ssl.SSLContext
    starttls: bool = False  #: begin in clear, and offer TLS
    refuses_tls: bool = False
    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    moved: dict[str, list[int]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    port: int = 0
    _listening: socket.socket | None = None

    def __enter__(self) -> ImapServer:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._listening
        self._listening.close()

    def _accept(self) -> None:
        assert self._listening
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if not self.starttls:
            self._talk_in_secret(connection, b"* OK ready")
            return
        with connection.makefile("rwb", buffering=0) as stream:  # nothing of the handshake may be read ahead
            self._say(stream, b"* OK ready")
            while heard := stream.readline().decode().strip():
                if self._answer(stream, heard) and heard.upper().endswith("STARTTLS"):
                    break
            else:
                return
        self._talk_in_secret(connection)

    def _talk_in_secret(self, connection: socket.socket, greeting: bytes = b"") -> None:
        with self.context.wrap_socket(connection, server_side=True) as line, line.makefile("rwb") as stream:
            if greeting:
                self._say(stream, greeting)
            while (heard := stream.readline().decode().strip()) and not heard.upper().endswith("LOGOUT"):
                self._answer(stream, heard)

    def _answer(self, stream: Stream, heard: str) -> bool:
        """Whether the answer is yes."""
        self.said.append(heard)
        tag, _, command = heard.partition(" ")
        for answer in self._answers(command):
            self._say(stream, answer)
        refused = self._refused(command)
        self._say(stream, f"{tag} {'NO' if refused else 'OK'} done".encode())
        return not refused

    @staticmethod
    def _say(stream: Stream, words: bytes) -> None:
        stream.write(words + b"\r\n")
        stream.flush()

    def _refused(self, command: str) -> bool:
        wrong_word = command.upper().startswith("LOGIN") and "sesame" not in command
        return wrong_word or (command.upper() == "STARTTLS" and self.refuses_tls)

    def _answers(self, command: str) -> list[bytes]:
        verb, *words = command.split()
        if verb.upper() == "UID":
            return self._uid(words[0].upper(), words[1:], command)
        if verb.upper() == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1" + (b" STARTTLS" if self.starttls else b"")]
        if verb.upper() == "SELECT":
            return [f"* {len(self.mails)} EXISTS".encode(), b"* OK [UIDVALIDITY 1] fine"]
        return []

    def _uid(self, verb: str, words: list[str], command: str) -> list[bytes]:
        if verb == "SEARCH":
            return [("* SEARCH " + " ".join(str(uid) for uid in self.mails if uid not in self.seen)).strip().encode()]
        uid = int(words[0])
        if verb == "FETCH":
            data = self.mails[uid]
            return [f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(data)}}}".encode() + b"\r\n" + data + b")"]
        if verb == "STORE" and "seen" in command.lower():
            self.seen.add(uid)
        if verb in ("COPY", "MOVE"):
            self.moved.setdefault(re.sub(r'"', "", words[1]), []).append(uid)
        return []
