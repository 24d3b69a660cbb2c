"""A process apart for what strangers wrote: whatever an input does to a parser, it costs that process, and nobody else.

    run(function, …) ─ pickle ─▶ process: limits of time and memory ─▶ function ─ pickle ─▶ its value

Not multiprocessing's pools: "spawn" runs the main program of its parent once more, "forkserver" keeps a second process
for as long as the first lives, and in neither can one call be ended. Measured: it starts in 0.1 s, and the parsers are
imported in 0.4 s more; so there is one for all the sources of a harvest, and none where only little is to be read.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from typing import TypeVar

from newsletter.errors import NewsletterError

MEMORY = 2**30  #: bytes of address space
LARGEST_VALUE = 2**29  #: bytes of a pickle
START = 30.0  #: seconds in which the process must be there, or take or give what it is asked, on a busy machine
PATIENCE = 3  #: times the seconds of computing may pass on the clock, on a busy machine
#: The system tells the whole group to stop; our parent says when, by closing the pipe.
_SERVE = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN); "
_SERVE += "from newsletter.worker_process import serve; serve({})"

Value = TypeVar("Value")


class WorkerLost(NewsletterError):
    """The process that read it was ended."""


class WorkerGone(WorkerLost):
    """The process that read it ended by itself, or somebody ended it: to try again may help."""


class WorkerFault(Exception):
    """A bug: what a function raised in the process that was none of our errors."""

    def __init__(self, name: str, trace: str) -> None:
        """Take the name of the error's class, and its traceback."""
        super().__init__(name, trace)
        self.name = name

    def __str__(self) -> str:
        return str(self.args[1])


class WorkerProcess:
    """One process that runs functions of modules, one at a time; begun at the first call, and anew after it was lost.

    May be called in threads. A context manager: at its end the process is gone.
    """

    def __init__(self, memory: int = MEMORY, start: float = START) -> None:
        """`start`: seconds, see START."""
        self._memory = memory
        self._start = start
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._closed = False

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; nothing runs here any more."""
        self.cancel()
        with self._lock:
            self._end()

    def run(self, seconds: float, function: Callable[..., Value], *given: object) -> Value:
        """Give what `function(*given)` returns; it may compute for so many seconds.

        Raises the NewsletterError that it raised; WorkerLost, why it came to no end; WorkerFault for another error.
        """
        with self._lock:
            try:
                kind, value = self._answer(seconds, (seconds, function, given))
            except WorkerLost:
                self._end()
                raise
        if kind == "value":
            return value  # type: ignore[return-value]  # of our own process
        raise value  # type: ignore[misc]

    def cancel(self) -> None:
        """End what runs in another thread, which gets WorkerLost; nothing runs here any more."""
        self._closed = True
        process = self._process
        if process:
            process.kill()

    def _answer(self, seconds: float, call: object) -> tuple[str, object]:
        began = time.monotonic()
        try:
            pipe = self._pipe or self._begin()
            with self._in_time():
                pipe.send_bytes(pickle.dumps(call, pickle.HIGHEST_PROTOCOL))
            if not pipe.poll(PATIENCE * seconds + self._start):
                raise WorkerLost(_too_long(seconds))
            with self._in_time():
                data = pipe.recv_bytes(LARGEST_VALUE)
            kind, value = pickle.loads(data)  # noqa: S301 - of our own process
        except (EOFError, OSError) as error:
            raise self._why_gone(seconds, time.monotonic() - began, error) from error
        if isinstance(value, MemoryError):
            raise WorkerLost(_too_much(self._memory))
        return kind, value

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """End the process where it leaves the block waiting at the pipe, which then breaks."""
        process = self._process
        timer = threading.Timer(self._start, process.kill if process else lambda: None)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _begin(self) -> Connection:
        ours, theirs = Pipe()
        self._pipe = ours
        environ = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
        environ["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109
        with theirs:
            command = [sys.executable, "-P", "-c", _SERVE.format(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603
                command,
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        if self._closed:
            self._process.kill()
        ours.send(self._memory)
        return ours

    def _why_gone(self, seconds: float, took: float, error: Exception) -> WorkerLost:
        if self._process is None:
            return WorkerGone(f"no process could be begun to read it ({error})")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and took >= seconds and not self._closed):
            return WorkerLost(_too_long(seconds))
        return WorkerGone(f"the process that read it ended ({'without a word' if code is None else f'code {code}'})")

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        if self._pipe:
            self._pipe.close()
        self._process = self._pipe = None


def _too_long(seconds: float) -> str:
    return f"took longer than {seconds:g} s to read"


def _too_much(memory: int) -> str:
    return f"needs more than {memory // 2**20:,} MB to read"


def serve(pipe_number: int) -> None:
    """Run what is asked for until nobody asks any more: the whole life of the process."""
    with Connection(pipe_number) as pipe:
        _bounded(pipe.recv())
        with suppress(EOFError, BrokenPipeError):
            while True:
                seconds, function, given = pickle.loads(pipe.recv_bytes())  # noqa: S301 - of our parent
                pipe.send_bytes(_outcome(seconds, function, given))


def _outcome(seconds: float, function: Callable[..., object], given: tuple[object, ...]) -> bytes:
    """The pickle of ("value", what it returned) or ("error", what it raised)."""
    _may_compute(seconds)
    try:
        try:
            return pickle.dumps(("value", function(*given)), pickle.HIGHEST_PROTOCOL)
        except NewsletterError as error:
            return pickle.dumps(("error", error), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        answer: BaseException = MemoryError()
    except BaseException as error:  # noqa: BLE001 - told to the parent, which logs it
        answer = WorkerFault(type(error).__name__, traceback.format_exc())
    return pickle.dumps(("error", answer), pickle.HIGHEST_PROTOCOL)


def _bounded(memory: int) -> None:
    """Bound the memory; where it is short, the system ends this process before any other."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")


def _may_compute(seconds: float) -> None:
    """Bound the time from now on: the system ends the process, also within an expression that never ends."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, most))
