"""Past issues measured from the store, and the command that tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from simulate import main as simulate_main
from simulate import simulate

from newsletter.cli import main
from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, Clock, make_entry
from newsletter.types import Entry, Interest, Profile, Subscriber, Verb


@pytest.fixture
async def mailed(weekly: Engine) -> Engine:
    """The issue of `weekly`, sent to its three readers."""
    await weekly.sending.send("2025-W12")
    return weekly


def reader(engine: Engine, name: str) -> Subscriber:
    return engine.store.subscribers.find(f"{name}@example.org")


def picks(engine: Engine, name: str, key: str = "2025-W12") -> list[str]:
    edition = engine.editions.edition(engine.editions.prepared(key), reader(engine, name)).edition
    return [each.entry.id for each in edition.picks]


async def next_week(engine: Engine, clock: Clock, entries: list[Entry]) -> str:
    clock.forward(days=7)
    engine.store.sightings.add([Named(each, (each.id,)) for each in entries], clock.now - timedelta(hours=1))
    key = engine.planning.plan()[0].key
    await engine.sending.send(key)
    return key


# the engine


def test_an_issue_that_nobody_got_is_not_measured(weekly: Engine) -> None:
    assert weekly.evaluation.evaluate().issues == ()


async def test_without_a_vote_there_is_no_ndcg(mailed: Engine) -> None:
    told = mailed.evaluation.evaluate()

    assert (told.editions, told.readers, told.voters, told.repeats) == (3, 3, 0, 0)
    assert told.overall.as_mailed is told.overall.now is told.overall.deaf is None
    assert told.issues[0].pool == 20


async def test_votes_are_measured_as_mailed_and_anew(mailed: Engine) -> None:
    first, second = picks(mailed, "ada")[:2]
    mailed.subscriptions.vote(reader(mailed, "ada").id, first, Verb.MORE)
    mailed.subscriptions.vote(reader(mailed, "bob").id, picks(mailed, "bob")[3], Verb.SAVE)
    mailed.subscriptions.vote(reader(mailed, "ada").id, second, Verb.LESS)

    told = mailed.evaluation.evaluate()

    [issue] = told.issues
    assert (issue.rated, issue.replayed) == (2, 2)
    assert told.voters == pytest.approx(2 / 3)
    assert told.overall.as_mailed == pytest.approx((1 + 1 / 2.3219281) / 2)
    assert told.overall.now == told.overall.deaf == pytest.approx(told.overall.as_mailed)
    for each in (told.overall.more, told.overall.save, told.overall.less):
        assert each == pytest.approx(100 / 3)


async def test_a_vote_or_a_like_of_the_issue_itself_does_not_help_the_selector(mailed: Engine) -> None:
    ada = reader(mailed, "ada")
    last = picks(mailed, "ada")[-1]
    mailed.subscriptions.vote(ada.id, last, Verb.SAVE)
    before = mailed.evaluation.evaluate().overall

    liked = Interest("video diffusion", keywords=("video diffusion",), liked=(last,))
    mailed.store.subscribers.change(replace(ada, profile=replace(ada.profile, interests=(liked,), liked=(last,))))

    assert mailed.evaluation.evaluate().overall == before


async def test_only_votes_from_before_the_issue_reach_the_selector(mailed: Engine, clock: Clock) -> None:
    ada, early = reader(mailed, "ada"), picks(mailed, "ada")[0]
    clock.forward(days=1)
    mailed.subscriptions.vote(ada.id, early, Verb.MORE)
    clock.now = NOON
    key = await next_week(mailed, clock, [make_entry("news", title="New video diffusion")])
    clock.forward(days=1)
    mailed.subscriptions.vote(ada.id, "news", Verb.MORE)

    [told] = mailed.readers.with_signals([ada], key, mailed.store.issues.get(key).until)
    [first] = mailed.readers.with_signals([ada], "2025-W12", NOON)

    assert {each.entry for each in told.profile.signals if each.verb is Verb.MORE} == {early}
    assert "news" not in {each.entry for each in told.profile.signals}
    assert first.profile.signals == ()


async def test_only_what_was_shown_before_is_kept_from_an_issue(mailed: Engine, clock: Clock) -> None:
    ada, shown = reader(mailed, "ada"), {*picks(mailed, "ada")}
    key = await next_week(mailed, clock, [make_entry("news", title="New video diffusion")])

    seen = mailed.store.editions.seen

    assert seen([ada.id], key, mailed.store.issues.get(key).until)[ada.id] == shown
    assert seen([ada.id], "2025-W12", NOON)[ada.id] == set()
    assert "news" in seen([ada.id])[ada.id]


async def test_papers_that_were_joined_since_count_as_one(mailed: Engine, clock: Clock) -> None:
    name = picks(mailed, "ada")[0]
    key = await next_week(mailed, clock, [make_entry("twin", title="Video diffusion again")])
    assert "twin" in picks(mailed, "ada", key)
    named = name.replace("video-diffusion-", "id:video diffusion-")
    mailed.store.sightings.add([Named(make_entry("z"), (named, "twin"))], clock.now)

    told = mailed.evaluation.evaluate()

    assert told.repeats >= 1
    assert [each.repeats for each in told.issues] == [0, told.repeats]


async def test_issues_are_the_latest_and_from_a_day_on(mailed: Engine, clock: Clock) -> None:
    key = await next_week(mailed, clock, [make_entry("news")])
    asked: list[str] = []

    told = mailed.evaluation.evaluate(on_issue=lambda issue: asked.append(issue.key))

    assert [each.issue for each in told.issues] == asked == ["2025-W12", key]
    assert [each.issue for each in mailed.evaluation.evaluate(most_issues=1).issues] == [key]
    assert [each.issue for each in mailed.evaluation.evaluate(since=NOON + timedelta(days=1)).issues] == [key]


async def test_who_was_erased_counts_no_more(mailed: Engine) -> None:
    mailed.subscriptions.vote(reader(mailed, "ada").id, picks(mailed, "ada")[0], Verb.MORE)
    mailed.store.subscribers.erase(reader(mailed, "ada").id)

    told = mailed.evaluation.evaluate()

    assert (told.readers, told.voters, told.overall.as_mailed) == (2, 0, None)


# the command

Run = Callable[..., Result]


@pytest.fixture
def run(mailed: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line on the store of `mailed`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)

    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["evaluate", *words], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_the_table_has_a_dash_for_what_nobody_voted_on(run: Run) -> None:
    output = run().output

    assert output.startswith("Below the floor: ")
    assert "nDCG@10 as mailed                —" in output
    assert "repeats                          0" in output
    assert "Nobody voted for a paper of these issues yet: there is no nDCG." in output


def test_json_holds_every_figure_and_null_for_none(run: Run, mailed: Engine) -> None:
    mailed.subscriptions.vote(reader(mailed, "ada").id, picks(mailed, "ada")[0], Verb.MORE)

    told = json.loads(run("--format", "json").stdout)

    assert told["issues"][0]["issue"] == "2025-W12"
    assert told["issues"][0]["until"] == NOON.isoformat()
    assert told["overall"]["as_mailed"] == 1
    assert told["overall"]["largest"] is None
    assert set(told["overall"]) == set(told["issues"][0]["figures"])


def test_the_page_escapes_what_a_reader_calls_an_interest(
    run: Run, mailed: Engine, clock: Clock, tmp_path: Path
) -> None:
    ada = reader(mailed, "ada")
    hostile = Interest('<img src=x onerror="alert(1)">', 1, ("whistles",))
    two = Profile(interests=(Interest("video", 1, ("video diffusion",)), hostile))
    mailed.store.subscribers.change(replace(ada, profile=two))
    clock.forward(days=7)
    news = [make_entry(f"new-{n}", title=f"Video diffusion number {n}") for n in range(9)]
    mailed.store.sightings.add([Named(each, (each.id,)) for each in news], clock.now - timedelta(hours=1))
    key = mailed.planning.plan()[0].key
    mailed.store.editions.keep(mailed.editions.for_people(mailed.editions.prepared(key), [reader(mailed, "ada")]))

    output = run("--out", "quality.html").output

    page = (tmp_path / "quality.html").read_text("utf-8")
    assert "quality.html: written" in output
    assert "<img" not in page
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in page
    assert "ada@example.org" not in page


def test_with_json_the_word_on_the_page_goes_elsewhere(run: Run) -> None:
    result = run("--out", "quality.html", "--format", "json")

    assert json.loads(result.stdout)["readers"] == 3
    assert "quality.html: written" in result.stderr


def test_a_page_that_cannot_be_written_is_one_line(run: Run) -> None:
    result = run("--out", "nowhere/quality.html", code=1)

    assert result.stderr == "Error: nowhere/quality.html: No such file or directory\n"


def test_without_an_issue_the_command_says_so(run: Run, tmp_path: Path) -> None:
    words = "There is no issue to evaluate: none was mailed yet, or none since that day."

    result = run("--since", "2099-01-01", "--out", "quality.html")

    assert words in result.output
    assert words in (tmp_path / "quality.html").read_text("utf-8")
    assert json.loads(run("--since", "2099-01-01", "--format", "json").stdout)["issues"] == []


# the simulator


async def test_three_simulated_weeks_bring_nothing_twice_and_the_report_agrees(tmp_path: Path) -> None:
    arms = await simulate(weeks=3, readers=12, seed=1, folder=tmp_path, papers=60)
    told = arms[0].engine.evaluation.evaluate()
    for arm in arms:
        arm.engine.store.close()

    [heard], [control] = (arm.scores.values() for arm in arms)
    assert (heard.repeats, control.repeats, told.repeats) == (0, 0, 0)
    assert (told.editions, told.readers, [each.pool for each in told.issues]) == (36, 12, [60, 60, 60])
    said = (told.overall.more or 0) + (told.overall.save or 0) + (told.overall.less or 0)
    assert said == pytest.approx(100 * heard.votes / 36)
    assert 0.2 < heard.quality / heard.editions <= 1
    assert told.overall.popular is not None
    assert (told.overall.now or 0) > told.overall.popular
    assert (told.overall.outside or 0) > 0  # the selector still says "a little outside": see quality.OUTSIDE


def test_the_simulator_prints_both_newsletters_and_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate_main(["--weeks", "1", "--readers", "3", "--out", str(tmp_path)]) == 0

    output = capsys.readouterr().out
    assert "feedback  control" in output
    assert "nDCG@10 today's selector" in output
    assert (tmp_path / "quality.html").exists()
