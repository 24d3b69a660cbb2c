"""The process apart."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from inspect import signature

import pytest
import stuck

from newsletter.collector.http.ssrf import NotPublic
from newsletter.errors import Deferred, NewsletterError, SourceError, TemplateError
from newsletter.worker_process import WorkerFault, WorkerGone, WorkerLost, WorkerProcess


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    with WorkerProcess() as worker:
        yield worker


def is_gone(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def test_one_process_answers_call_after_call_and_is_gone_at_the_end() -> None:
    with WorkerProcess() as worker:
        numbers = {worker.run(60, stuck.own_number) for _ in range(3)}

        assert worker.run(60, stuck.doubled, 21) == 42

    (number,) = numbers
    assert number != os.getpid()
    assert is_gone(number)


@pytest.mark.parametrize(
    ("function", "seconds", "words"),
    [
        (stuck.stuck, 0.2, "took longer than 0.2 s to read"),
        (stuck.greedy, 60, "needs more than 1,024 MB to read"),
        (stuck.crash, 60, "the process that read it ended (code -11)"),
    ],
)
def test_what_ends_the_process_is_told_and_the_next_call_gets_another(
    worker: WorkerProcess, function: Callable[[], None], seconds: float, words: str
) -> None:
    before = worker.run(60, stuck.own_number)

    with pytest.raises(WorkerLost) as lost:
        worker.run(seconds, function)

    assert str(lost.value) == words
    assert worker.run(60, stuck.own_number) != before
    assert is_gone(before)


def test_time_is_counted_anew_for_each_call(worker: WorkerProcess) -> None:
    for _ in range(3):
        assert worker.run(1, time.sleep, 0.5) is None


def test_our_errors_come_back_as_they_are_and_bugs_with_their_trace(worker: WorkerProcess) -> None:
    with pytest.raises(SourceError, match=r"^no feed$"):
        worker.run(60, stuck.refusing, "no feed")
    with pytest.raises(WorkerFault, match="in faulty") as fault:
        worker.run(60, stuck.faulty)

    assert fault.value.name == "KeyError"


def test_a_call_in_another_thread_can_be_ended() -> None:
    told: list[str] = []

    def call(worker: WorkerProcess) -> None:
        with pytest.raises(WorkerLost) as lost:
            worker.run(60, stuck.stuck)
        told.append(str(lost.value))

    with WorkerProcess() as worker:
        number = worker.run(60, stuck.own_number)
        thread = threading.Thread(target=call, args=(worker,))
        thread.start()
        worker.cancel()
        thread.join(20)

    assert told == ["the process that read it ended (code -9)"]
    assert is_gone(number)


def test_it_does_not_get_the_passwords_in_the_environment(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD", "secret")

    assert not [name for name in worker.run(60, stuck.environment) if name.startswith("NEWSLETTER_")]


def test_a_process_that_somebody_ended_is_another_case_than_one_that_took_too_long() -> None:
    with WorkerProcess() as worker:
        assert worker.run(5, len, "ab") == 2
        assert worker._process is not None
        worker._process.kill()

        with pytest.raises(WorkerGone):
            worker.run(5, len, "abc")
        assert worker.run(5, len, "abc") == 3


def test_a_process_that_cannot_begin_is_told_as_our_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with WorkerProcess() as worker, pytest.raises(WorkerGone, match="no process could be begun"):
        worker.run(5, len, "ab")


def test_a_request_to_end_all_does_not_end_a_reading_that_is_under_way() -> None:
    with WorkerProcess() as worker:
        worker.run(5, len, "ab")
        assert worker._process is not None
        worker._process.terminate()

        assert worker.run(5, len, "abc") == 3


def kinds_of_errors(kind: type[NewsletterError] = NewsletterError) -> list[type[NewsletterError]]:
    """The whole tree, with what other modules of the program put below it."""
    below = [found for child in kind.__subclasses__() for found in kinds_of_errors(child)]
    return [kind, *(found for found in below if found.__module__.startswith("newsletter."))]


@pytest.mark.parametrize("kind", kinds_of_errors(), ids=lambda kind: kind.__name__)
def test_each_of_our_errors_goes_through_a_pickle_with_its_words_and_details(kind: type[NewsletterError]) -> None:
    needed = [one for one in signature(kind).parameters.values() if one.default is one.empty]
    error = kind(*(f"word {number}" for number in range(max(1, len(needed)))))

    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))


def test_errors_whose_constructors_take_more_than_words_come_back_whole(worker: WorkerProcess) -> None:
    with pytest.raises(NotPublic, match=r"^a\.example leads to 10\.0\.0\.1") as refused:
        worker.run(60, stuck.not_public, "a.example", "10.0.0.1")
    with pytest.raises(Deferred) as deferred:
        worker.run(60, stuck.raising, Deferred("later", 451, "4.7.1"))
    with pytest.raises(TemplateError, match=r"^a\.mjml, line 3: no$") as broken:
        worker.run(60, stuck.raising, TemplateError("no", "a.mjml", 3))

    assert refused.value.host == "a.example"
    assert (deferred.value.code, deferred.value.status) == (451, "4.7.1")
    assert broken.value.line == 3


def test_an_error_that_cannot_be_sent_is_a_fault_and_ends_nothing(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerFault):
        worker.run(60, stuck.unsendable)

    assert worker.run(60, stuck.doubled, 4) == 8


def test_a_process_that_reads_no_more_does_not_hold_the_caller_up() -> None:
    with WorkerProcess(start=1.0) as worker:
        number = worker.run(60, stuck.own_number)
        os.kill(number, signal.SIGSTOP)
        began = time.monotonic()

        with pytest.raises(WorkerLost):
            worker.run(60, len, b"x" * 10**7)

        assert time.monotonic() - began < 20
        assert is_gone(number)
        assert worker.run(60, stuck.doubled, 4) == 8
