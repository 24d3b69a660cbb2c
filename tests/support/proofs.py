"""Proofs that a refactoring changed nothing that a user can see: the same code run before and after, byte by byte.

    python tests/support/proofs.py WORDS

    record CHECKOUT FOLDER    run everything with the code of CHECKOUT; what it says into FOLDER
    compare FOLDER FOLDER     a line for each proof; exit code 1 where two folders differ
    hand-over OLD NEW         an issue that OLD planned and half sent is finished by NEW
    keep CHECKOUT FOLDER      the few golden files that tests/acceptance/test_golden.py looks at

All runs under a fixed clock (Debian's `faketime`) and a fixed secret, with mails caught on loopback. Only what is
stable is used: commands, files, tables, pages, `newsletter.__all__`, `newsletter.testing`; nothing from within.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import gc
import hashlib
import http.client
import json
import os
import re
import selectors
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import walk_packages
from threading import Event, Thread
from types import GenericAlias
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from proof_inputs import (
    ANSWERS,
    BEFORE_ALL,
    BROKEN,
    COLLECTING,
    COMING_BACK,
    CONFIG,
    LOOKING,
    NEXT_WEEK,
    PLANNING,
    PROFILE,
    READERS,
    READING,
    SEEN,
    SENDING,
    SENDING_ON,
    SOURCES,
    TABLE,
    WRONG,
    WRONGLY,
)

MONDAY, LATER, TUESDAY = "2025-03-17 12:00:00", "2025-03-17 14:00:00", "2025-03-18 12:00:00"
NEXT, EARLY, AFTER = "2025-03-24 12:00:00", "2025-03-31 07:00:00", "2025-03-31 12:00:00"
WORK = Path(tempfile.gettempdir()) / "newsletter-proofs"  #: always the same, for it is in what the commands say
PATIENCE = 300.0  #: seconds for one command
SCRIPT = str(Path(__file__).resolve())
PARTS = ("newsletter", "templates", "seeds", "config", "pyproject.toml", "tests/data")  #: of a checkout
#: Read by Python at its start: nothing is left to chance. libfaketime breaks `time.sleep` of Python 3.11 and later.
STEADY = """import random, secrets, select, time
random.seed(2025)
secrets.token_bytes = lambda count=None: bytes(range(count or 32))
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
CLOCKS = ("usr/lib/*/faketime", "usr/lib64/faketime", "usr/local/lib/faketime")
BASE = "https://papers.example.org"


# the clock, the code and the commands


def clock_library() -> Path | None:
    """The library that gives a process another clock; None where it is not installed."""
    places = (found for folder in CLOCKS for found in Path("/").glob(f"{folder}/libfaketimeMT.so.1"))
    return next(places, None)


class Code:
    """A copy of a checkout, and how its programs are run. A context manager: it keeps processes."""

    def __init__(self, checkout: Path, name: str = "code", work: Path = WORK) -> None:
        self.folder, self.work = work / name, work
        self._prompts: dict[str, Prompt] = {}
        self._steady = work / "steady"
        self._steady.mkdir(parents=True, exist_ok=True)
        (self._steady / "sitecustomize.py").write_text(STEADY)
        for part in PARTS:
            self._take(checkout / part, self.folder / part)

    def _take(self, there: Path, here: Path) -> None:
        here.parent.mkdir(parents=True, exist_ok=True)
        if there.is_dir():
            shutil.copytree(there, here, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif there.is_file():
            shutil.copy(there, here)
        else:
            raise SystemExit(f"proofs: there is no {there}")

    def __enter__(self) -> Code:
        return self

    def __exit__(self, *error: object) -> None:
        for prompt in self._prompts.values():
            prompt.close()

    def environment(self, now: str, **more: str) -> dict[str, str]:
        """One clock, one thread, no chance, and nothing of whoever runs this. Raises SystemExit without a clock."""
        library = clock_library()
        if library is None:
            raise SystemExit("proofs: no libfaketime here; on Debian: apt-get install faketime")
        paths = {"PATH": os.environ["PATH"], "HOME": str(self._steady), "TMPDIR": str(self.work)}
        plain = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "100", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        clock = {"LD_PRELOAD": str(library), "FAKETIME": now, "NO_FAKE_STAT": "1"}
        clock |= dict.fromkeys(("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"), "1")
        return {**paths, **plain, **alone, **clock, "PYTHONPATH": f"{self._steady}:{self.folder}", **more}

    def command(self, words: Sequence[str], folder: Path, now: str, given: bytes = b"", **settings: str) -> Said:
        """One of `newsletter`, to its end."""
        if now not in self._prompts:
            self._prompts[now] = Prompt(self.environment(now))
        return self._plainly(self._prompts[now].run(words, folder, given, settings))

    def program(self, words: Sequence[str], folder: Path) -> Said:
        """Any Python program, to its end."""
        command, environment = [sys.executable, *words], self.environment(MONDAY)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=PATIENCE)
        return self._plainly(Said(done.returncode, done.stdout, done.stderr))

    def inside(self, what: str) -> bytes:
        """What this script says as a part of that code; raises SystemExit where it cannot."""
        said = self.program([SCRIPT, "inside", what], self._steady)
        if said.code:
            raise SystemExit(f"proofs: inside {what}\n{said.error.decode()}")
        return said.output

    def plain(self, data: bytes) -> bytes:
        """Without what is another one in each run: where the code lies, and the system's free ports."""
        data = data.replace(str(self.folder).encode(), b"CHECKOUT")
        return re.sub(rb"\b(127\.0\.0\.1|localhost):[0-9]{4,5}\b", rb"\1:PORT", data)

    def _plainly(self, said: Said) -> Said:
        return Said(said.code, self.plain(said.output), self.plain(said.error))


class Prompt:
    """Runs commands under one clock, each in a process of its own that has read all modules before: see `prompt`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        command, pipe = [sys.executable, SCRIPT, "inside", "prompt"], subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=WORK, env=environment, stdin=pipe, stdout=pipe)

    def run(self, words: Sequence[str], folder: Path, given: bytes, settings: Mapping[str, str]) -> Said:
        process, files = self._process, [str(WORK / f"prompt.{name}") for name in ("given", "output", "error")]
        Path(files[0]).write_bytes(given)
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([list(words), str(folder), dict(settings), files]).encode() + b"\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            answer = process.stdout.readline() if waiting.select(PATIENCE) else b""
        if not answer:
            process.kill()
            raise SystemExit(f"proofs: no end of newsletter {shlex.join(words)}")
        return Said(int(answer), *(Path(name).read_bytes() for name in files[1:]))

    def close(self) -> None:
        self._process.communicate()


class Said(NamedTuple):
    """What a program said."""

    code: int
    output: bytes
    error: bytes

    def told(self, words: Sequence[str]) -> bytes:
        """For a golden file; log lines of connections and threads come in any order, so theirs are put in one."""
        error = b"".join(sorted(self.error.splitlines(keepends=True))) if "-v" in words else self.error
        head = f"$ newsletter {shlex.join(words)}\nexit code {self.code}\n".encode()
        return b"".join((head, b"--- output\n", self.output, b"--- error\n", error))


@dataclass(slots=True)
class Book:
    """The golden files of one run: a folder for each proof."""

    folder: Path
    written: int = 0

    def keep(self, name: str, data: bytes) -> None:
        """Write one under its own name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def keep_next(self, proof: str, words: str, data: bytes) -> None:
        """Write one in the order of what was done."""
        self.written += 1
        slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60]
        self.keep(f"{proof}/{self.written:03}-{slug}.txt", data)


@dataclass(slots=True)
class Home:
    """An installation, the code that works on it, and the book of what was said."""

    code: Code
    book: Book
    folder: Path = WORK / "home"
    now: str = MONDAY
    port: int = 1  #: of the mail server
    settings: dict[str, str] = field(default_factory=dict)  #: NEWSLETTER_… of the environment

    @property
    def database(self) -> Path:
        return self.folder / "newsletter.db"

    def environment(self) -> dict[str, str]:
        return {"NEWSLETTER_SMTP__PORT": str(self.port), **self.settings}

    def newsletter(self, *words: str, given: bytes = b"") -> Said:
        """One command; what it says goes into the book."""
        said = self.code.command(words, self.folder, self.now, given, **self.environment())
        self.book.keep_next("commands", " ".join(words), said.told(words))
        return said

    def do(self, lines: str) -> None:
        """One command a line."""
        for line in lines.strip().splitlines():
            self.newsletter(*shlex.split(line))

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Files of the installation."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def take(self, *patterns: str) -> None:
        """Keep files that commands wrote."""
        for pattern in patterns:
            for path in sorted(self.folder.glob(pattern)):
                name = path.relative_to(self.folder)
                self.book.keep(f"files/{name}", self.code.plain(path.read_bytes()))


# the mail server


@dataclass(frozen=True, slots=True, order=True)
class Caught:
    """A mail that the server took, or ("cut") hung up on after its last dot."""

    recipient: str
    sender: str
    options: tuple[str, ...]  #: of MAIL and RCPT
    body: bytes
    accepted: bool = True

    @property
    def file(self) -> bytes:
        """The envelope, and the very bytes."""
        options = " ".join(self.options)
        return f"MAIL {self.sender} {options}\nRCPT {self.recipient}\n\n".encode() + self.body


class Sink:
    """A mail server on loopback, in a thread of its own, that knows nothing of the newsletter: aiosmtpd's."""

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self.answers = {**(answers or {})}  #: recipient → what it says in place of 250, or "cut"
        self.mails: list[Caught] = []
        self.port = 0
        self._ready, self._over = Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Called by aiosmtpd."""
        answer = self.answers.get(address, "")
        if answer and answer != "cut":
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Called by aiosmtpd."""
        for address in envelope.rcpt_tos:
            cut = self.answers.get(address) == "cut"
            options = (*envelope.mail_options, *envelope.rcpt_options)
            sender, body = envelope.mail_from or "", envelope.original_content or b""
            self.mails.append(Caught(address, sender, options, body, not cut))
            if cut and isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
        return "250 2.0.0 taken"

    def __enter__(self) -> Sink:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="sink", enable_SMTPUTF8=True), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()

    def keep(self, book: Book, folder: str) -> None:
        """All that came, by recipient, the first one first."""
        seen: Counter[str] = Counter()
        for mail in self.mails:
            seen[mail.recipient] += 1
            book.keep(f"mails/{folder}/{mail.recipient}-{seen[mail.recipient]}.eml", mail.file)

    def last(self, recipient: str) -> Caught:
        return [mail for mail in self.mails if mail.recipient == recipient][-1]


def links(mail: bytes) -> dict[str, list[str]]:
    """The paths of a mail's own links, by what they are for."""
    message = message_from_bytes(mail, policy=policy.default)
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    text = "\n".join([*parts, message.get("List-Unsubscribe", "")]).replace("&amp;", "&")
    found: dict[str, list[str]] = {}
    for path, kind in re.findall(rf"{BASE}(/([a-z]+)/[^\s\"'<>]+)", text):
        found.setdefault(kind, []).append(path)
    return found


# the pages

STAMP = re.compile(r"(?<=[\"/])([0-9a-f]{16}|[0-9]{19})(?=[\"/ ?]|$)")  #: in the preview: when a file was written


class Site:
    """The pages of a running command, asked without following anything."""

    def __init__(self, home: Home, port: int, proof: str) -> None:
        self._home, self._port, self._proof = home, port, proof

    def ask(self, method: str, path: str, body: str | bytes = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request, into the book with its answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            found, data = dict(answer.getheaders()), answer.read()
        head = [f"{method} {path} {body!r}", f"{answer.status}", *sorted(f"{a}: {b}" for a, b in found.items()), "", ""]
        told = self._home.code.plain("\n".join(head).encode() + data)
        if self._proof == "preview":
            path, told = STAMP.sub("STAMP", path), STAMP.sub("STAMP", told.decode()).encode()
        self._home.book.keep_next(self._proof, f"{method} {path[:40]}", told)
        return answer.status, found, data

    def get(self, path: str, **headers: str) -> bytes:
        return self.ask("GET", path, **headers)[2]

    def post(self, path: str, form: Sequence[tuple[str, str]] = (), **headers: str) -> bytes:
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(form), **kind, **headers)[2]


@contextmanager
def serving(home: Home, *words: str, routes: str = "") -> Iterator[Site]:
    """The site of `web` or `preview` while the block lasts. `routes`: a file for what addresses it knows."""
    program = [SCRIPT, "inside", "serve", routes] if routes else ["-m", "newsletter"]
    with running(home, program, words) as process:
        assert process.stdout
        first = process.stdout.readline()
        port = re.search(rb"http://127\.0\.0\.1:(\d+)", first)
        if not port:
            raise SystemExit(f"proofs: {shlex.join(words)}: {process.communicate()[1].decode()}")
        yield Site(home, int(port[1]), "pages" if routes else words[0])


@contextmanager
def running(home: Home, program: Sequence[str], words: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A command until the block ends; then it is asked to stop, and what it said goes into the book."""
    environment = home.code.environment(home.now, **home.environment())
    command, pipe = [sys.executable, *program, *words], subprocess.PIPE
    process = subprocess.Popen(command, cwd=home.folder, env=environment, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        output, error = process.communicate(timeout=60)
    said = Said(process.returncode, home.code.plain(output), home.code.plain(error))
    home.book.keep_next("commands", " ".join(words), said.told(words))


# the database


def reading(database: Path) -> closing[sqlite3.Connection]:
    """A connection that changes nothing."""
    return closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True))


def schema(database: Path) -> bytes:
    """All that makes up the tables, in order, and the migration that they are at."""
    with reading(database) as connection:
        found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        [revision] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    parts = [f"-- {kind} {name}\n{sql or '-- made by SQLite'}\n" for kind, name, sql in found]
    return "\n".join([f"-- revision {revision}\n", *parts]).encode()


def rows(database: Path) -> dict[str, bytes]:
    """Every row of every table, as JSON Lines in order."""
    with reading(database) as connection:
        connection.row_factory = sqlite3.Row
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        found = {name: connection.execute(f'SELECT * FROM "{name}"') for (name,) in tables}  # noqa: S608
        return {name: b"".join(sorted(map(_row, some))) for name, some in found.items()}


def _row(row: sqlite3.Row) -> bytes:
    cells = {key: cell.hex() if isinstance(cell, bytes) else cell for key, cell in dict(row).items()}
    return json.dumps(cells, ensure_ascii=False).encode() + b"\n"


Kept = dict[tuple[int, int], tuple[str, str]]  #: (issue, subscriber) → Message-ID and frozen content


def kept_editions(database: Path) -> Kept:
    """Each edition that was made."""
    with reading(database) as connection:
        found = connection.execute("SELECT issue, subscriber, message_id, frozen FROM editions").fetchall()
    return {(issue, number): (name, frozen) for issue, number, name, frozen in found}


# an installation


def founded(home: Home) -> None:
    """A folder with what an installation is made from."""
    data = home.code.folder / "tests" / "data"
    shutil.rmtree(home.folder, ignore_errors=True)
    home.folder.mkdir(parents=True)
    for name in ("sources", "library", "bounces"):
        shutil.copytree(data / name, home.folder / ("samples" if name == "bounces" else name))
    (home.folder / "samples" / "truth.jsonl").unlink()
    for name in ("papers.jsonl", "profiles.jsonl"):
        shutil.copy(home.code.folder / "seeds" / name, home.folder / name)
    lines = (home.folder / "papers.jsonl").read_text("utf-8").splitlines(keepends=True)
    home.write({"all.jsonl": "".join(lines), "library.jsonl": "".join(lines[-5:]), "seen.jsonl": SEEN, **WRONG})
    home.write({"readers.jsonl": READERS.lstrip(), "readers.csv": TABLE, "broken.jsonl": BROKEN})
    home.write({"profile.json": PROFILE, "ids.txt": "<nobody@papers.example.org>\n", "own/weekly/subject.txt": "{{ x"})


def configured(home: Home) -> None:
    """In place of what `init` wrote: our settings, secret and keys, and the first papers."""
    home.write({"newsletter.toml": CONFIG, "sources.toml": SOURCES, "newsletter.secret": "sesame\n"})
    home.write(dkim_keys())
    more_papers(home, 35)
    for name in ("dkim.pem", "dkim-ed25519.pem"):
        (home.folder / name).chmod(0o600)
    for part in ("new", "cur", "tmp"):
        (home.folder / "Maildir" / part).mkdir(parents=True, exist_ok=True)


def more_papers(home: Home, number: int) -> None:
    """So many of the seeds are known from now on."""
    lines = (home.folder / "all.jsonl").read_text("utf-8").splitlines(keepends=True)
    home.write({"papers.jsonl": "".join(lines[:number])})


def dkim_keys() -> dict[str, bytes]:
    """Always the same two keys, of the largest primes of 1024 bits: nobody's secret."""
    p, q, e = 2**1024 - 105, 2**1024 - 179, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    halves = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    first = rsa.RSAPrivateNumbers(p, q, d, *halves, rsa.RSAPublicNumbers(e, p * q)).private_key()
    second = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"dkim.pem": first.private_bytes(*form), "dkim-ed25519.pem": second.private_bytes(*form)}


def returned(mail: Caught, complaint: bool = False) -> bytes:
    """The report of a mail system that could not deliver a mail, or whose user did not want it."""
    kind = "feedback-report" if complaint else "delivery-status"
    told = f"Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; {mail.recipient}\nAction: failed"
    told += "\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown"
    if complaint:
        told = f"Feedback-Type: abuse\nUser-Agent: FBL/1.0\nVersion: 1\nOriginal-Rcpt-To: {mail.recipient}"
    head = mail.body.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n").decode()
    top = f'To: {mail.sender}\nContent-Type: multipart/report; report-type={kind}; boundary="b"\n'
    parts = ("text/plain\n\nA report.", f"message/{kind}\n\n{told}", f"text/rfc822-headers\n\n{head}")
    sections = "".join(f"\n--b\nContent-Type: {part}\n" for part in parts)
    return f"Return-Path: <>\nFrom: daemon@mx.example.net\nSubject: A mail of yours\n{top}{sections}--b--\n".encode()


# record


def record(checkout: Path, folder: Path) -> None:
    """Everything that a user can see, into a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    with alone(), Code(checkout) as code:
        book = Book(folder.resolve())
        for part in (record_interface, record_demo, record_weeks):
            began = time.monotonic()
            part(code, book)
            say(f"{part.__name__.removeprefix('record_')}: {time.monotonic() - began:.0f} s")


@contextmanager
def alone() -> Iterator[None]:
    """One at a time, for all work in the same folder, which is made anew."""
    with Path(f"{WORK}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for the end of another run")
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir()
        yield
        shutil.rmtree(WORK, ignore_errors=True)


def record_interface(code: Code, book: Book) -> None:
    """Help, public names, keys of the configuration, sample files, and the tables after each migration."""
    for name, text in json.loads(code.inside("help")).items():
        book.keep(f"help/{name}.txt", text.encode())
    for name in ("api", "settings"):
        book.keep(f"interface/{name}.json", code.inside(name))
    for path in sorted((code.folder / "config").iterdir()):
        book.keep(f"config/{path.name}", path.read_bytes())
    for revision, text in json.loads(code.inside("migrations")).items():
        book.keep(f"schema/{revision}.sql", text.encode())


def record_demo(code: Code, book: Book) -> None:
    """The main job: mails, pages and index."""
    home = Home(code, book, WORK / "demo")
    home.folder.mkdir()
    home.do("demo --out out\ndemo --out out/index.html")
    for path in sorted((home.folder / "out").iterdir()):
        book.keep(f"demo/{path.name}", path.read_bytes())


def record_weeks(code: Code, book: Book) -> None:
    """An installation from its first day on, with two weekly issues, pages, bounces, and the service at the end."""
    home = Home(code, book)
    founded(home)
    with Sink(ANSWERS) as sink:
        home.port = sink.port
        first_day(home)
        first_issue(home, sink)
        visits(home, sink)
        bounced(home, sink)
        second_issue(home, sink)
        looked_at(home)
        served(home, sink)
    book.keep("schema/end.sql", schema(home.database))


def first_day(home: Home) -> None:
    """Set up, wrong and right; collect; readers; looks at all that can be looked at before there is an issue."""
    home.do(BEFORE_ALL)
    home.take("newsletter.toml", "sources.toml")
    home.book.keep("schema/new.sql", schema(home.database))
    home.do(WRONGLY)
    configured(home)
    for lines in (COLLECTING, READING, LOOKING):
        home.do(lines)
    home.newsletter("rank", "--entries", "-", "--profiles", "profiles.jsonl", given=b'{"id": "a", "title": "A"}\n{}')
    home.take("out.csv", "*.html", "*.txt", "*.eml")
    keep_rows(home, "first-day")


def first_issue(home: Home, sink: Sink) -> None:
    """Planned, tried, sent to a server that does not take all, and again later on."""
    home.do(PLANNING)
    home.take("dry/*")
    home.do(SENDING)
    home.take("ada.eml")
    keep_rows(home, "first-issue")
    for address in ("later@example.org", "cut@example.org"):
        del sink.answers[address]
    home.now = LATER
    home.do(SENDING_ON)
    sink.keep(home.book, "first-issue")


def bounced(home: Home, sink: Sink) -> None:
    """Reports on mails, ours and others'."""
    reports = {"back.eml": returned(sink.last("back@example.info")), "other.eml": b"Subject: hello\n\nNo report.\n"}
    home.write({f"returned/{name}": data for name, data in reports.items()})
    home.write({"Maildir/new/1": returned(sink.last("angry@example.info"), complaint=True)})
    home.do(COMING_BACK)
    home.newsletter("bounces", "-", given=reports["back.eml"])


def second_issue(home: Home, sink: Sink) -> None:
    """A week later, with new papers, and votes on those of the week before."""
    home.now = NEXT
    sink.mails.clear()
    more_papers(home, 50)
    home.do(NEXT_WEEK)
    home.take("quality.html")
    sink.keep(home.book, "second-issue")
    keep_rows(home, "second-issue")


def served(home: Home, sink: Sink) -> None:
    """The service: it begins an hour before the next issues, and does by itself what is due when it begins again."""
    home.settings = {"NEWSLETTER_WEB__PORT": "0"}
    sink.mails.clear()
    more_papers(home, 59)
    for home.now, keys in ((EARLY, []), (AFTER, ["2025-W14", "2025-03-31"])):
        with running(home, ["-m", "newsletter"], ["-v", "run"]):
            ends = time.monotonic() + PATIENCE
            while not done_with(home, keys) and time.monotonic() < ends:
                time.sleep(0.5)
            time.sleep(5)  # it looks at the clock every two seconds
    sink.keep(home.book, "served")
    keep_rows(home, "served")


def done_with(home: Home, keys: Iterable[str]) -> bool:
    """Whether these issues are planned, and of all issues no mail is due."""
    now = datetime.fromisoformat(home.now).replace(tzinfo=UTC).timestamp()
    with reading(home.database) as connection:
        known = {key for (key,) in connection.execute("SELECT key FROM issues")}
        waiting = connection.execute("SELECT count(*) FROM deliveries WHERE outcome <= 2 AND due <= ?", (now,))
        return known.issuperset(keys) and waiting.fetchone() == (0,)


def keep_rows(home: Home, moment: str) -> None:
    """All that is stored."""
    for name, lines in rows(home.database).items():
        home.book.keep(f"rows/{moment}/{name}.jsonl", home.code.plain(lines))


# the readers' pages


def visits(home: Home, sink: Sink) -> None:
    """All pages, as a visitor and as readers with the links of their mails."""
    routes = WORK / "routes.json"
    with serving(home, "web", "--port", "0", routes=str(routes)) as site:
        everybody(site)
        reader(site, links(sink.last("ada@example.org").body))
        left(site, links(sink.last("gerda@example.net").body))
        strangers(site, sink)
        hooks(site)
    home.book.keep("interface/routes.json", routes.read_bytes())
    keep_rows(home, "visited")


KNOWN = """/ /healthz /archive /archive?page=1 /archive/2025-W12 /archive/2025-W12?lang=de /archive/2025-W12?lang=ar
/archive/2025-03-17 /feed.atom /feed.json /archive/2025-W12/feed.atom /archive/2025-W12/feed.json
"""
UNKNOWN = """/nothing /archive/ /archive?page=2 /archive?page=x /archive/2025-W99 /archive/2025-W99/feed.atom
/archive/2025-W12/feed.rss /feed.rss /subscribe /hooks/postmark
"""


def everybody(site: Site) -> None:
    """What holds no token."""
    for path in (KNOWN + UNKNOWN).split():
        site.get(path)
    for path in ("/", "/archive", "/feed.atom"):
        site.ask("HEAD", path)
        site.post(path)
    tag = site.ask("GET", "/feed.atom")[1].get("etag", "")
    site.get("/feed.atom", If_None_Match=tag)


def strangers(site: Site, sink: Sink) -> None:
    """Who is not a reader, becomes one, or has no token that is ours."""
    newcomer = [("email", "new@example.net"), ("name", "New"), ("interests", "plasma physics, audio"), ("website", "")]
    site.post("/subscribe", newcomer)
    site.post("/subscribe", newcomer)
    site.post("/subscribe", [("email", "new@example"), ("interests", ";".join("abcdefghijklmnopqrstuvwxyz" * 3))])
    site.post("/subscribe", [*newcomer[:3], ("website", "spam")])
    site.post("/subscribe", [("email", "ada@example.org"), *newcomer[1:]])
    site.post("/subscribe", [("email", "refused@example.net"), *newcomer[1:]])
    site.post("/subscribe", [("email", "x" * 70_000)])
    [confirm] = set(links(sink.last("new@example.net").body)["confirm"])
    site.get(confirm)
    site.post(confirm)
    for path in ("confirm", "interests", "unsubscribe", "feedback", "view"):
        site.get(f"/{path}/WzFd.forged")
    site.get(confirm.replace("confirm", "interests"))


def reader(site: Site, own: Mapping[str, list[str]]) -> None:
    """Ada: her mail, her interests, a pause, her votes."""
    site.get(own["view"][0])
    interests = own["interests"][0]
    site.get(interests)
    row = {"name": "Plasma", "weight": "2", "keywords": "plasma; tokamak", "authors": "", "was": "plasma physics"}
    form = [*((f"interest_{name}", value) for name, value in row.items()), ("name", "Ada L."), ("size", "7")]
    site.post(interests, [*form, ("language", "de"), ("skim", "true"), ("forget", "hdflow")])
    site.get(f"{interests}?saved")
    site.post(interests, [("interest_name", "x"), ("interest_weight", "-1"), ("size", "99"), ("cadence", "hourly")])
    for path in ("pause", "pause", "resume"):
        site.post(f"{interests}/{path}")
        site.get(interests)
    voter(site, own["feedback"])
    site.get(interests)


def voter(site: Site, feedback: Sequence[str]) -> None:
    """The links under four papers, and one of them taken back."""
    papers = [path for path in dict.fromkeys(feedback) if "/more/" in path]
    for paper, verb in zip(papers, ("more", "save", "less", "more"), strict=False):
        site.get(paper.replace("/more/", f"/{verb}/"))
        site.post(paper.replace("/more/", f"/{verb}/"))
    site.post(papers[3].replace("/more/", "/undo/"))
    site.post(re.sub("/more/.*", "/more/nosuch", papers[0]))


def left(site: Site, own: Mapping[str, list[str]]) -> None:
    """Gerda: away by her mail program's button, and back."""
    path = own["unsubscribe"][0]
    site.get(path)
    site.post(path, [("List-Unsubscribe", "One-Click")])
    site.get(own["interests"][0])
    site.post(path)
    site.post(f"{path}/undo")
    site.get(own["view"][0])


def hooks(site: Site) -> None:
    """A provider, unknown and known."""
    told = {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Email": "hooked@example.info", "ID": 1}
    body, secret = json.dumps({**told, "BouncedAt": "2025-03-17T12:00:00Z"}), base64.b64encode(b"hook:sesame").decode()
    site.ask("POST", "/hooks/postmark", body)
    site.ask("POST", "/hooks/postmark", body, Authorization=f"Basic {secret}")
    site.ask("POST", "/hooks/postmark", "not JSON", Authorization=f"Basic {secret}")
    site.ask("POST", "/hooks/ses", body)


def looked_at(home: Home) -> None:
    """The maintainer's preview: a planned issue, the next one, and two readers beside each other."""
    token = base64.urlsafe_b64encode(bytes(range(16))).rstrip(b"=").decode()
    with serving(home, "preview", "--port", "0") as site:
        page = site.get("/")
        for path in re.findall(r'(?:src|href)="(/preview/[^"]+)"', page.decode()):
            site.get(path)
        site.ask("POST", "/proof", '{"address": "ada@example.org"}')
        first, second, *_ = [proof_of(site, token, row) for row in PROOFS]
        for part in ["html", "html?scheme=dark&styles=off", "text", "headers", "raw", "mail.eml", "why", "checks"]:
            site.get(f"/proof/{first}/{part}")
        for part in ("explain?entry=hdflow", "explain?entry=nosuch", "nothing"):
            site.get(f"/proof/{second}/{part}")
        site.ask("POST", f"/proof/{second}/send", '{"to": "editor@example.org"}', X_Preview_Token=token)
        site.get(f"/compare/{first}/{second}")
        site.get("/proof/nothing/html")


PROOFS = (
    '{"issue": "2025-W12", "address": "ada@example.org"}',
    '{"address": "gerda@example.net"}',
    '{"profile": "{\\"interests\\": \\"plasma physics\\"}"}',
    '{"address": "nobody@example.org"}',
    "no JSON",
)


def proof_of(site: Site, token: str, row: str) -> str:
    """The name of the mail that the preview made; "" where it made none."""
    data = site.ask("POST", "/proof", row, X_Preview_Token=token)[2]
    return str(json.loads(data).get("id", ""))


# compare


def compare(first: Path, second: Path) -> bool:
    """A line for each proof; whether nothing differs."""
    here, there = ({path.relative_to(folder): path for path in _files(folder)} for folder in (first, second))
    if not here:
        raise SystemExit(f"proofs: nothing in {first}")
    proofs: dict[str, list[Path]] = {}
    for name in sorted({*here, *there}):
        proofs.setdefault(name.parts[0], []).append(name)
    found = {proof: [*_differences(names, here, there)] for proof, names in proofs.items()}
    for proof, names in proofs.items():
        say(f"{proof:<10} {len(names):4} files  {_verdict(found[proof])}")
    return not any(found.values())


def _verdict(differences: Sequence[str]) -> str:
    return f"DIFFERS in {len(differences)}: {differences[0]}" if differences else "equal"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _differences(names: Iterable[Path], here: Mapping[Path, Path], there: Mapping[Path, Path]) -> Iterator[str]:
    for name in names:
        if name not in here or name not in there:
            yield f"{name} is only in the {'first' if name in here else 'second'}"
        elif difference := first_difference(here[name].read_bytes(), there[name].read_bytes()):
            yield f"{name}, {difference}"


def first_difference(one: bytes, other: bytes) -> str:
    """ "" for the same bytes; else the first line that is another one, from shortly before where it differs."""
    if one == other:
        return ""
    left, right = one.split(b"\n"), other.split(b"\n")
    place = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = (lines[place] if place < len(lines) else b"(the end)" for lines in (left, right))
    start = max(0, next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))) - 20)
    shown = [line[start : start + 70].decode("utf-8", "replace") for line in (a, b)]
    return f"line {place + 1}: {shown[0]!r} / {shown[1]!r}"


# hand-over


@dataclass(slots=True)
class Finished:
    """How a half-sent issue ended."""

    book: Book
    mails: list[Caught]
    status: dict[str, Any]
    kept: Kept


def hand_over(old: Path, new: Path) -> bool:
    """An issue that the old code planned and half sent is finished by both, each on a copy of the same database."""
    with alone(), Code(old, "code-old") as code, Code(new, "code-new") as other:
        home = Home(code, Book(WORK / "half"), settings={"NEWSLETTER_SCHEDULE__SPREAD": "2h"})
        with Sink(ANSWERS) as sink:
            home.port = sink.port
            half_sent(home)
        shutil.copytree(home.folder, WORK / "copy")
        kept = kept_editions(home.database)
        ends = [finished(each, name, sink.mails) for each, name in ((code, "old"), (other, "new"))]
        return judged(sink.mails, kept, *ends)


def half_sent(home: Home) -> None:
    """Some are accepted, some deferred, refused or in doubt, and some are not due yet."""
    founded(home)
    home.do("init .")
    configured(home)
    home.do("collect\nsubscribers import readers.jsonl\nsubscribers import profiles.jsonl")
    home.do("subscribers like plain@example.com library/refs.bib\nsubscribers vote plain@example.com more hdflow")
    home.do("subscribers erase seoul@example.com --yes\nplan")  # who would get hers on another day
    home.now = "2025-03-17 13:00:00"
    home.do("send 2025-W12\nissues --format jsonl")


def finished(code: Code, name: str, before: Sequence[Caught]) -> Finished:
    """The next day: looked at, resolved, sent, and its pages read."""
    home = Home(code, Book(WORK / name), now=TUESDAY)
    shutil.rmtree(home.folder)
    shutil.copytree(WORK / "copy", home.folder)
    sent = [mail.recipient for mail in before if mail.accepted]
    with Sink() as sink:
        home.port = sink.port
        home.do("migrate\nstatus 2025-W12 --format json\nsend 2025-W12 --dry-run dry")
        home.do("\n".join(f"preview 2025-W12 --subscriber {each} --out sent-{each}.eml" for each in sent))
        home.do("resolve 2025-W12 --resend\nsend 2025-W12 --connections 2")
        status = json.loads(home.newsletter("status", "2025-W12", "--format", "json").output)
        with serving(home, "web", "--port", "0", routes=str(WORK / "routes.json")) as site:
            for mail in sorted((*before, *sink.mails)):  # two connections bring them in any order
                site.get(links(mail.body)["view"][0])
            everybody(site)
    home.take("dry/*", "sent-*.eml")
    sink.keep(home.book, "rest")
    keep_rows(home, "end")
    return Finished(home.book, sink.mails, status, kept_editions(home.database))


def judged(before: Sequence[Caught], kept: Kept, old: Finished, new: Finished) -> bool:
    """A line for each thing to prove; whether all hold."""
    half = Counter(mail.accepted for mail in before)
    told = f"{half[True]} accepted, {half[False]} in doubt, {len(kept)} editions kept"
    say(f"sent by the old: {told}; by the new: {len(new.mails)} mails, {new.status['refused']} refused for good")
    found = [*checks(before, kept, old, new)]
    for name, trouble in found:
        say(f"{name:<36} {f'DIFFERS: {trouble[:300]}' if trouble else 'holds'}")
    return compare(old.book.folder, new.book.folder) and not any(trouble for _, trouble in found)


def checks(before: Sequence[Caught], kept: Kept, old: Finished, new: Finished) -> Iterator[tuple[str, str]]:
    """What is to prove, and what is wrong with it."""
    whole = Counter(mail.recipient for mail in (*before, *new.mails) if mail.accepted)
    yield "the same mails and envelopes", same(sorted(old.mails), sorted(new.mails))
    yield "each reader once", " ".join(name for name, count in whole.items() if count != 1)
    yield "as many as the ledger has accepted", same(whole.total(), new.status["accepted"])
    yield "the ledger closes", closes(new.status)
    yield "the same Message-IDs and editions", same(old.kept, new.kept)
    yield "kept editions stayed", same(kept, {name: new.kept.get(name) for name in kept})
    yield "sent mails are rendered again", again(before, new.book)


def closes(tally: Mapping[str, Any]) -> str:
    settled = sum(tally[name] for name in ("accepted", "refused", "skipped", "expired"))
    return "" if (tally["planned"], tally["waiting"], tally["state"]) == (settled, 0, "done") else str(tally)


def same(one: object, other: object) -> str:
    return "" if one == other else f"{str(one)[:120]} / {str(other)[:120]}"


def again(before: Sequence[Caught], book: Book) -> str:
    """Mails that the old code sent, beside what the new code makes of their kept editions."""
    files = {path.name: path.read_bytes() for path in (book.folder / "files").glob("sent-*.eml")}
    sent = {f"sent-{mail.recipient}.eml": mail.body for mail in before}
    wrong = (f"{name}, {first_difference(sent[name], data)}" for name, data in files.items() if sent[name] != data)
    return next(wrong, "" if files else "nothing was rendered")


# inside the code that is looked at

LIBRARIES = """alembic.command babel.dates email.message feedparser httpx jinja2 mjml numba premailer scipy.sparse
sqlalchemy.dialects.sqlite starlette.applications uvicorn"""


def inside(what: str, *words: str) -> None:
    """Run with the code's own modules in reach."""
    told: dict[str, Callable[[], object]] = {
        "help": helps,
        "api": api,
        "settings": settings_schema,
        "migrations": migrations,
        "versions": versions,
    }
    if what in ("serve", "prompt"):
        (serve if what == "serve" else prompt)(*words)
    else:
        say(json.dumps(told[what](), indent=1, ensure_ascii=False, sort_keys=what != "migrations"))


def helps() -> dict[str, str]:
    """What each command says with --help, by its words."""
    import click
    from click.testing import CliRunner

    from newsletter.cli import main

    def walk(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield words
        for name, each in sorted(getattr(command, "commands", {}).items()):
            yield from walk(each, (*words, name))

    def told(words: tuple[str, ...]) -> str:
        runner = CliRunner(env={"COLUMNS": "100"})
        return runner.invoke(main, [*words, "--help"], prog_name="newsletter", catch_exceptions=False).output

    return {"-".join(("newsletter", *words)): told(words) for words in walk(main, ())}


def api() -> dict[str, object]:
    """Public names with their fields, and how the product is packed."""
    import newsletter
    import newsletter.testing

    public = {name: getattr(newsletter, name) for name in newsletter.__all__}
    packed = tomllib.loads((Path(newsletter.__file__ or "").parents[1] / "pyproject.toml").read_text("utf-8"))
    names = ("name", "scripts", "gui-scripts", "entry-points", "optional-dependencies", "requires-python")
    return {
        "all": {name: type(thing).__name__ for name, thing in public.items()},
        "fields": {name: [*getattr(thing, "__dataclass_fields__", ())] for name, thing in public.items()},
        "testing": [name for name, thing in vars(newsletter.testing).items() if name[0] != "_" and is_ours(thing)],
        "project": {name: packed["project"].get(name) for name in names},
    }


def is_ours(thing: object) -> bool:
    """Whether a name of `newsletter.testing` is meant for others, and not only imported there."""
    if isinstance(thing, (str, float, datetime, GenericAlias)) or type(thing).__module__ == "newsletter.types":
        return True
    return str(getattr(thing, "__module__", "")).startswith("newsletter.testing")


def settings_schema() -> object:
    """The keys of the configuration with their types and defaults; names of classes are nobody's business."""
    from newsletter import Settings

    text = json.dumps(Settings.model_json_schema())
    return _untitled(json.loads(text))


def _untitled(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _untitled(value) for key, value in node.items() if key not in ("title", "description")}
    return [_untitled(each) for each in node] if isinstance(node, list) else node


def migrations() -> dict[str, str]:
    """The tables after each migration, from nothing on."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import newsletter

    [door] = Path(newsletter.__file__ or "").parent.rglob("migrations/env.py")
    config = Config()
    config.set_main_option("script_location", str(door.parent))
    revisions = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    with tempfile.TemporaryDirectory() as folder:
        return {name: _migrated(config, Path(folder) / "new.db", name) for name in revisions}


def _migrated(config: Any, database: Path, revision: str) -> str:
    from alembic import command
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return schema(database).decode()


def prompt() -> None:
    """Answer each line, a command, with its exit code. What takes longer than most commands is done once."""
    read_all()
    for line in sys.stdin.buffer:
        words, folder, settings, files = json.loads(line)
        child = os.fork()
        if not child:
            become(folder, settings, files)
            os._exit(typed(words))
        say(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def read_all() -> None:
    """Import every module of the code, and libraries that it imports late; have loops compiled."""
    import newsletter
    from newsletter.testing import make_entry

    for found in walk_packages(newsletter.__path__, "newsletter."):
        if not re.search(r"\.(__main__|migrations)\b", found.name):
            with suppress(ImportError):
                import_module(found.name)
    for name in LIBRARIES.split():
        import_module(name)
    pool = newsletter.prepare([make_entry("video-diffusion"), make_entry("plasma-turbulence")])
    newsletter.select(pool, [newsletter.Profile(text="plasma")])
    gc.freeze()  # what is never looked at again is not copied either


def typed(words: Sequence[str]) -> int:
    """The exit code of a command; what it did not catch is a traceback, as in a process of its own."""
    from newsletter.cli import main as newsletter

    sys.argv = ["newsletter", *words]
    try:
        newsletter(prog_name="newsletter")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else bool(end.code)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def become(folder: str, settings: Mapping[str, str], files: Sequence[str]) -> None:
    """This process has another folder, other settings, and files for its input, output and errors."""
    os.chdir(folder)
    os.environ.update(settings)
    for number, name in enumerate(files):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
        os.dup2(os.open(name, flags), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (what was read ahead is not ours)


def serve(file: str, *words: str) -> None:
    """The command line, with the addresses that its site knows written to a file."""
    from starlette.applications import Starlette

    from newsletter.cli import main

    made = Starlette.__init__

    def noted(app: Starlette, *given: Any, **named: Any) -> None:
        made(app, *given, **named)
        Path(file).write_text(json.dumps(sorted(_routes(app.routes)), indent=1))

    Starlette.__init__ = noted  # type: ignore[assignment, method-assign]
    main(args=list(words), prog_name="newsletter")


def _routes(routes: Iterable[Any], above: str = "") -> Iterator[tuple[str, list[str]]]:
    for each in routes:
        inner = getattr(each, "routes", None)
        if inner:
            yield from _routes(inner, above + each.path)
        else:
            yield above + each.path, sorted(getattr(each, "methods", None) or [])


# keep

RANK = ("rank", "--entries", "papers.jsonl", "--profiles", "profiles.jsonl")


def keep(checkout: Path, folder: Path) -> None:
    """The few golden files for the tests: help, picks, tables, and one mail of the demo with the digests of all."""
    shutil.rmtree(folder, ignore_errors=True)
    with alone(), Code(checkout) as code:
        book = Book(folder.resolve())
        for name, text in json.loads(code.inside("help")).items():
            book.keep(f"help/{name}.txt", text.encode())
        book.keep("rank.jsonl", code.program(["-m", "newsletter", *RANK], code.folder / "seeds").output)
        book.keep("schema.sql", [*json.loads(code.inside("migrations")).values()][-1].encode())
        mails = demo_mails(code)
        book.keep("demo.eml", mails[min(mails)])
        book.keep("demo.sha256", digests(mails).encode())
        book.keep("versions.json", code.inside("versions"))


def demo_mails(code: Code) -> dict[str, bytes]:
    """The demo's mails, by file name."""
    folder = code.work / "demo"
    folder.mkdir()
    said = code.program(["-m", "newsletter", "demo", "--out", "out"], folder)
    if said.code:
        raise SystemExit(f"proofs: demo: {said.error.decode()}")
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.eml")}


def digests(mails: Mapping[str, bytes]) -> str:
    """As `sha256sum` writes them."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(mails.items()))


def versions() -> dict[str, str]:
    """Of what the golden files depend on besides our own code."""
    return {name: version(name) for name in ("click", "mjml-python", "numba", "numpy", "premailer", "scipy")}


def say(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Returns the exit code."""
    if words[:1] == ["inside"]:
        inside(*words[1:])
        return 0
    if len(words) != 3 or words[0] not in ("record", "compare", "hand-over", "keep"):
        say(__doc__ or "")
        return 2
    first, second = Path(words[1]), Path(words[2])
    if words[0] in ("record", "keep"):
        (record if words[0] == "record" else keep)(first, second)
        return 0
    return 0 if (compare if words[0] == "compare" else hand_over)(first, second) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
