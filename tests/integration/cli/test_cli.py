"""The commands, as a user types them."""

import ast
import json
import socket
from collections.abc import Sequence
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT, SHARED, Run

from newsletter.sender import DispatchTuning

PAPERS = str(ROOT / "seeds" / "papers.jsonl")
PROFILES = str(ROOT / "seeds" / "profiles.jsonl")


@pytest.fixture
def letter(run: Run, tmp_path: Path) -> Run:
    """A newsletter with the seeds as its source and two readers."""
    (tmp_path / "newsletter.toml").write_text(
        f'[newsletter]\nsender = "W <w@papers.example.org>"\n[smtp]\nport = 1\nsecurity = "none"\n'
        f'host = "127.0.0.1"\n[[source]]\nname = "seeds"\nlocation = "{PAPERS}"\n'
    )
    run("collect")
    run("subscribers", "add", "ada@example.org", "--name", "Ada", "--interests", "video diffusion; plasma physics")
    run("subscribers", "add", "bob@example.org", "--interests", "state space models")
    return run


def key(run: Run) -> str:
    return run("plan").output.partition(":")[0]


# help and configuration


def test_help_teaches_every_command(run: Run) -> None:
    for name in ("demo", "init", "collect", "rank", "plan", "preview", "send", "status", "resolve", "run"):
        assert name in run("--help").output
        assert "--config" in run(name, "--help").output


def test_help_imports_nothing_heavy() -> None:
    commands = [path for path in (ROOT / "newsletter" / "cli").glob("*.py") if path.name != "server.py"]
    trees = [ast.parse(path.read_text("utf-8")) for path in commands]
    imported = {node.module for tree in trees for node in tree.body if isinstance(node, ast.ImportFrom)}

    assert {name for name in imported if name and name.startswith("newsletter.") and name.split(".")[1] != "cli"} == {
        "newsletter.errors",
        "newsletter.private_files",
        "newsletter.types",
    }
    assert "newsletter.cli.server" not in imported


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    run("sned", code=2)


def test_a_wrong_configuration_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text("[smtp]\nprot = 3\n")

    result = run("issues", code=1)

    assert result.stderr.count("\n") == 1
    assert 'did you mean "port"?' in result.stderr


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_configuration_may_be_named_before_or_after_the_command(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "other.toml").write_text("[newsletter]\n")
    option = ("--config", str(tmp_path / "other.toml"))

    run(*((*option, "issues") if place == "before" else ("issues", *option)))


def test_init_writes_what_works_and_leaves_what_is_there(run: Run, tmp_path: Path) -> None:
    run("init", "mine")
    secret = (tmp_path / "mine" / "newsletter.secret").read_text()
    again = run("init", "mine")

    assert again.output.count("left as it is") == 3
    assert (tmp_path / "mine" / "newsletter.secret").read_text() == secret
    assert (tmp_path / "mine" / "newsletter.secret").stat().st_mode & 0o077 == 0
    run("issues", "--config", str(tmp_path / "mine" / "newsletter.toml"))
    assert not (tmp_path / "newsletter.db").exists()


def test_migrate_is_safe_to_run_twice(run: Run) -> None:
    assert "it was at nothing" in run("migrate").output
    assert "already" in run("migrate").output


# entries


def test_collecting_twice_adds_nothing(letter: Run) -> None:
    assert "59     0    fresh" in letter("collect").output
    assert len(letter("entries", "--format", "jsonl").output.splitlines()) == 59
    assert "59 entries" in letter("entries", "--source", "seeds").output
    assert "0 entries" in letter("entries", "--since", "2099-01-01").output


def test_the_saved_page_gives_its_59_papers(run: Run, tmp_path: Path) -> None:
    page = SHARED / "data" / "seeds" / "papers-page.txt"
    if not page.exists():
        pytest.skip(f"{page} is not here")
    (tmp_path / "sources.toml").write_text(f'[[source]]\nkind = "page"\nlocation = "{page}"\n')

    for _ in range(2):
        run("collect")
        assert len(run("entries", "--format", "jsonl").output.splitlines()) == 59


def test_a_source_that_fails_stops_no_other(letter: Run, tmp_path: Path) -> None:
    with (tmp_path / "newsletter.toml").open("a") as file:
        file.write('[[source]]\nlocation = "gone.jsonl"\n')

    result = letter("collect", code=3)

    assert "gone.jsonl" in result.stderr
    assert "59" in result.stdout
    letter("collect", "gone", code=1)
    assert "gone" in letter("status").output


def test_a_dry_run_stores_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(f'[[source]]\nlocation = "{PAPERS}"\n')

    assert len(run("collect", "--dry-run", "--format", "jsonl").output.splitlines()) == 59
    assert "0 entries" in run("entries").output


def test_without_a_source_collect_says_what_to_do(run: Run) -> None:
    assert "add a [[source]]" in run("collect", code=1).stderr


def test_an_unknown_source_is_named_with_the_known_ones(letter: Run) -> None:
    assert "'nowhere' (known: seeds)" in letter("collect", "nowhere", code=1).stderr


# rank


def test_rank_gives_five_distinct_picks_with_reasons_for_each_profile(run: Run) -> None:
    lines = run("rank", "--entries", PAPERS, "--profiles", PROFILES, "--size", "5").output.splitlines()

    rows = [json.loads(line) for line in lines]
    wanted = [json.loads(line)["id"] for line in Path(PROFILES).read_text("utf-8").splitlines()]
    assert [row["profile"] for row in rows] == wanted
    for row in rows:
        assert len({pick["entry"] for pick in row["picks"]}) == 5
        assert all(pick["reasons"] for pick in row["picks"])


def test_rank_shows_who_gets_no_find_what_many_like_and_claims_no_interest(run: Run, tmp_path: Path) -> None:
    profiles: list[dict[str, object]] = [{"id": "open"}, {"id": "calm", "hype": 0}, {"id": "strict", "fill": "none"}]
    lines = (json.dumps({**profile, "interests": [{"name": "zzz"}], "muted": ["policy"]}) for profile in profiles)
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    (tmp_path / "e.jsonl").write_text('{"id": "a", "title": "Policies for seas"}\n{"id": "b", "title": "On kelp"}\n')

    output = run("rank", "--entries", "e.jsonl", "--profiles", "p.jsonl").output

    found = {row["profile"]: row["picks"] for row in map(json.loads, output.splitlines())}
    assert [(pick["entry"], pick["interest"], pick["reasons"]) for pick in found["open"]] == [
        ("b", "", ["new this week, outside your interests"])
    ]
    assert found["calm"] == found["strict"] == []


def test_rank_names_bad_lines_and_goes_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"id": "a", "title": "On diffusion"}\nnonsense\n{"id": "b"}\n')
    (tmp_path / "p.jsonl").write_text('{"id": "ada", "text": "diffusion"}\n{}\n')
    (tmp_path / "s.jsonl").write_text('{"profile": "ada", "entry": "a"}\n')

    result = run("rank", "--entries", "e.jsonl", "--profiles", "p.jsonl", "--seen", "s.jsonl")

    assert json.loads(result.stdout) == {"profile": "ada", "picks": []}
    for place in ("e.jsonl, line 2", "e.jsonl, line 3", "p.jsonl, line 2"):
        assert place in result.stderr


def test_rank_names_a_missing_file(run: Run) -> None:
    assert (
        "nowhere.jsonl: No such file"
        in run("rank", "--entries", "nowhere.jsonl", "--profiles", PROFILES, code=1).stderr
    )


# subscribers


def test_a_subscriber_may_have_a_language(letter: Run) -> None:
    letter("subscribers", "add", "eva@example.org", "--language", "de-AT")

    rows = [json.loads(line) for line in letter("subscribers", "export").output.splitlines()]
    assert [row["email"] for row in rows if row.get("language") == "de-AT"] == ["eva@example.org"]
    assert "language" in letter("subscribers", "add", "x@example.org", "--language", "d?", code=1).stderr


def test_an_address_with_a_line_break_never_gets_in(letter: Run) -> None:
    assert "line breaks" in letter("subscribers", "add", "x@example.org\r\nBcc: y@z.org", code=1).stderr
    assert "already there" in letter("subscribers", "add", "ADA@example.org", code=1).stderr


def test_subscribers_go_out_and_come_back(letter: Run, tmp_path: Path) -> None:
    letter("subscribers", "export", "people.jsonl")
    letter("subscribers", "export", "people.csv")
    before = (tmp_path / "people.jsonl").read_text()

    assert "changed 2" in letter("subscribers", "import", "people.csv").output
    assert "changed 2" in letter("subscribers", "import", "people.jsonl").output
    assert letter("subscribers", "export").output == before


def test_votes_come_back_with_their_people(letter: Run, tmp_path: Path) -> None:
    letter("subscribers", "vote", "ada@example.org", "save", "hdflow")
    letter("subscribers", "export", "people.jsonl")
    before = letter("subscribers", "show", "ada@example.org").output
    letter("subscribers", "vote", "ada@example.org", "undo", "hdflow")
    gone = (tmp_path / "people.jsonl").read_text().replace("hdflow", "9999.99999")
    (tmp_path / "gone.jsonl").write_text(gone)

    assert "votes 0 (1 more on papers that are not known here)" in letter("subscribers", "import", "gone.jsonl").output
    assert "votes 1" in letter("subscribers", "import", "people.jsonl").output
    assert letter("subscribers", "show", "ada@example.org").output == before


@pytest.mark.parametrize("typed", ["eve@bücher.example", "EVE@BÜCHER.example.", "eve@xn--bcher-kva.example"])
def test_a_subscriber_is_found_as_the_address_is_written(letter: Run, typed: str) -> None:
    letter("subscribers", "add", "eve@bücher.example")

    assert "xn--bcher-kva" in letter("subscribers", "show", typed).output
    assert "is paused" in letter("subscribers", "pause", typed).output
    assert "already there, paused" in letter("subscribers", "add", typed, code=1).stderr
    letter("subscribers", "set", typed, "--name", "Eve")
    assert "unsubscribed" in letter("subscribers", "unsubscribe", typed).output
    assert "erased" in letter("subscribers", "erase", "--yes", typed).output


def test_adding_somebody_who_is_there_says_how_to_change_them(letter: Run) -> None:
    stderr = letter("subscribers", "add", "ada@example.org", "--size", "3", code=1).stderr

    assert "`newsletter subscribers set ada@example.org`" in stderr


@pytest.mark.parametrize(
    "words",
    [
        ("add", "new@example.org", "--size", "51"),
        ("set", "ada@example.org", "--size", "51"),
        ("set", "ada@example.org", "--profile", "large.json"),
    ],
)
def test_an_edition_is_no_larger_by_command_than_by_the_page(letter: Run, tmp_path: Path, words: Sequence[str]) -> None:
    (tmp_path / "large.json").write_text('{"size": 51}')

    assert "size = 51" in letter("subscribers", *words, code=1).stderr.replace("'", "")
    assert "added" in letter("subscribers", "add", "eve@example.org", "--size", "50").output


def test_what_is_set_is_printed_and_kept(letter: Run, tmp_path: Path) -> None:
    flags = {"--hour": "7", "--timezone": "Asia/Tokyo", "--weekday": "fri", "--cadence": "daily", "--size": "3"}
    flags |= {"--hype": "0", "--surprise": "1", "--interest": "optics: lens", "--muted": "a; b"}
    words = [word for pair in flags.items() for word in pair]
    told = letter("subscribers", "set", "ADA@example.org", "--skim", *words).output
    kept = json.loads(letter("subscribers", "show", "ada@example.org").output)

    assert json.loads(told) == kept
    assert (kept["name"], kept["hour"], kept["timezone"], kept["weekday"]) == ("Ada", 7, "Asia/Tokyo", 4)
    assert [one["name"] for one in kept["profile"]["interests"]] == ["video diffusion", "plasma physics", "optics"]
    assert kept["profile"]["muted"] == ["a", "b"]

    (tmp_path / "ada.json").write_text(json.dumps({"profile": {"interests": ["waves"]}}))
    back = ["--profile", "ada.json", "--default", "hour", "--timezone", "", "--no-skim", "--default", "cadence"]
    again = json.loads(letter("subscribers", "set", "ada@example.org", *back).output)

    assert {key: again[key] for key in again.keys() & kept.keys() if key != "profile"} == {
        "email": "ada@example.org",
        "name": "Ada",
        "status": "active",
        "skim": False,
        "weekday": 4,
    }
    assert [one["name"] for one in again["profile"]["interests"]] == ["waves"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--hour", "24"], "hour = '24'"),
        (["--timezone", "Mars/Olympus"], "time zone"),
        (["--without-interest", "kites"], "no interest 'kites'"),
        (["--profile", "gone.json"], "gone.json"),
    ],
)
def test_what_cannot_be_set_is_told_in_a_line_and_changes_nothing(letter: Run, flags: list[str], words: str) -> None:
    before = letter("subscribers", "show", "ada@example.org").output

    assert words in letter("subscribers", "set", "ada@example.org", "--name", "X", *flags, code=1).stderr
    assert letter("subscribers", "show", "ada@example.org").output == before
    assert "say what to change" in letter("subscribers", "set", "ada@example.org", code=2).stderr


def test_a_table_in_an_unknown_encoding_is_asked_for(letter: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("E-Mail;Name\nj@x.example;José Núñez\n".encode("cp1252"))

    assert "in.csv: the file is not UTF-8" in letter("subscribers", "import", "in.csv", code=1).stderr
    assert "added 1" in letter("subscribers", "import", "in.csv", "--encoding", "cp1252").output
    assert "José Núñez" in letter("subscribers", "show", "j@x.example").output


def test_an_import_names_bad_lines_and_takes_the_good(letter: Run, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"email": "cyd@example.org"}\n{"email": "nobody"}\nx\n')

    result = letter("subscribers", "import", "new.jsonl", code=3)

    assert "added 1" in result.stdout
    assert "line 2: 'nobody': this is not a mail address" in result.stderr
    assert "line 3: not JSON" in result.stderr


@pytest.mark.parametrize(
    ("verb", "status"), [("pause", "paused"), ("resume", "active"), ("unsubscribe", "unsubscribed")]
)
def test_a_status_is_changed_by_address(letter: Run, verb: str, status: str) -> None:
    letter("subscribers", verb, "ada@example.org")

    assert json.loads(letter("subscribers", "show", "ada@example.org").output)["status"] == status
    assert "ada@example.org" in letter("subscribers", "list", "--status", status).output


def test_pausing_and_resuming_never_undoes_an_unsubscribe(letter: Run) -> None:
    letter("subscribers", "unsubscribe", "ada@example.org")

    for verb in ("pause", "resume"):
        assert "is unsubscribed" in letter("subscribers", verb, "ada@example.org", code=1).stderr


def test_half_a_character_is_a_bad_line(letter: Run, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"email": "x@example.org", "name": "\\ud800x"}\n{"email": "y@example.org"}\n')

    result = letter("subscribers", "import", "new.jsonl", code=3)

    assert "line 1: holds half a character" in result.stderr
    assert "added 1" in result.stdout


def test_the_demo_takes_nothing_away_that_it_did_not_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "page.html").write_text("mine")

    run("demo", "--out", "demo")

    assert (tmp_path / "demo" / "page.html").read_text() == "mine"


def test_a_vote_is_said_shown_exported_and_undone(letter: Run) -> None:
    paper = json.loads(letter("entries", "--format", "jsonl").output.splitlines()[0])

    said = letter("subscribers", "vote", "ada@example.org", "save", paper["id"])

    assert said.output == f"save: {paper['title']}\n"
    [vote] = json.loads(letter("subscribers", "show", "ada@example.org").output)["votes"]
    assert (vote["entry"], vote["verb"]) == (paper["id"], "save")
    ada, bob = map(json.loads, letter("subscribers", "export").output.splitlines())
    assert (ada["votes"], "votes" in bob) == ([vote], False)
    undone = [letter("subscribers", "vote", "ada@example.org", "undo", paper["id"]).output for _ in range(2)]
    assert undone == ["taken back\n", "nothing was said of this paper\n"]
    assert "votes" not in json.loads(letter("subscribers", "show", "ada@example.org").output)


def test_a_vote_on_what_nobody_knows_is_one_line(letter: Run) -> None:
    assert "not known here" in letter("subscribers", "vote", "ada@example.org", "more", "nothing", code=1).stderr
    assert "no subscriber" in letter("subscribers", "vote", "eve@example.org", "more", "nothing", code=1).stderr
    letter("subscribers", "vote", "ada@example.org", "passed", "nothing", code=2)


def test_an_erased_person_is_gone(letter: Run) -> None:
    letter("subscribers", "erase", "ada@example.org", "--yes")

    assert "no subscriber" in letter("subscribers", "show", "ada@example.org", code=1).stderr
    assert len(letter("subscribers", "list", "--format", "jsonl").output.splitlines()) == 1


# issues


def test_planning_twice_says_so_and_changes_nothing(letter: Run) -> None:
    assert "planned 2 = accepted 0 + waiting 2" in letter("plan").output
    assert "planned already" in letter("plan").output
    assert "waiting 2" in letter("issues").output


def test_status_prints_the_accounting_as_json(letter: Run) -> None:
    row = json.loads(letter("status", key(letter), "--format", "json").output)

    assert list(row) == [
        *("issue", "state", "planned", "accepted", "refused"),
        *("skipped", "expired", "uncertain", "waiting", "paused", "rate", "left", "domains"),
    ]
    assert (row["planned"], row["waiting"], row["state"]) == (2, 2, "draft")


def test_status_without_an_issue_shows_the_sources(run: Run, letter: Run) -> None:
    overview = json.loads(letter("status", "--format", "json").output)

    assert overview["sources"][0]["source"] == "seeds"
    assert overview["sources"][0]["found"] == 59


def test_a_dry_run_writes_the_mails_and_a_dead_server_is_one_line(
    letter: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.services.sending.DispatchTuning", partial(DispatchTuning, relay_pause_seconds=0.0))
    issue = key(letter)

    assert "2 mails in out" in letter("send", issue, "--dry-run", "out").output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ada@example.org.eml", "bob@example.org.eml"]
    result = letter("send", issue, code=3)
    assert "127.0.0.1:1" in result.stderr
    assert "waiting 2" in result.stdout
    assert "127.0.0.1:1" in letter("send", issue, "--test-to", "me@example.org", code=1).stderr


def test_an_unknown_issue_is_one_line(letter: Run) -> None:
    for words in (("send", "2025-W99"), ("status", "2025-W99"), ("preview", "2025-W99", "--out", "x.html")):
        assert "2025-W99" in letter(*words, code=1).stderr


def test_resolve_lists_and_settles(letter: Run, tmp_path: Path) -> None:
    issue = key(letter)
    (tmp_path / "mail.log").write_text("mx postfix/qmgr[9]: 4A1: from=<>, size=9, nrcpt=1 (queue active)\n")
    (tmp_path / "other.log").write_text("nothing here\n")

    assert "0 settled" in letter("resolve", issue, "--log", "mail.log").output
    assert "queue manager" in letter("resolve", issue, "--resend", "--log", "other.log", code=1).stderr
    assert "0 settled" in letter("resolve", issue, "--resend").output
    letter("resolve", issue, "--resend", "--hold", code=2)


@pytest.mark.parametrize("ending", ["html", "txt", "eml"])
def test_preview_writes_one_file_as_its_ending_says(letter: Run, tmp_path: Path, ending: str) -> None:
    letter("preview", "--subscriber", "ada@example.org", "--out", f"x.{ending}")
    written = (tmp_path / f"x.{ending}").read_bytes()

    if ending == "eml":
        assert message_from_bytes(written, policy=policy.default)["To"] == "Ada <ada@example.org>"
    assert (b"<html" in written) == (ending == "html") or ending == "eml"


def test_preview_is_what_is_sent(letter: Run, tmp_path: Path) -> None:
    issue = key(letter)
    letter("preview", issue, "--subscriber", "ada@example.org", "--out", "x.html")
    letter("send", issue, "--dry-run", "out")
    mail = message_from_bytes((tmp_path / "out" / "ada@example.org.eml").read_bytes(), policy=policy.default)

    part = mail.get_body(("html",))
    assert part is not None
    assert part.get_content().encode() == (tmp_path / "x.html").read_bytes()


def test_preview_takes_a_profile_from_a_file(letter: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"interests": "medical imaging"}')
    (tmp_path / "bad.json").write_text("{")

    assert "medical imaging" in letter("preview", "--profile", "p.json").output
    assert "bad.json: not JSON" in letter("preview", "--profile", "bad.json", code=1).stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{{ slot.cards }}", "", "cards"),
        ("{{ slot.cards }}", "{{ slot.cards }}{{ nonsense }}", "nonsense"),
        ("</mj-body>", "", "edition.mjml"),
    ],
)
def test_a_broken_template_is_named_with_its_file(letter: Run, tmp_path: Path, old: str, new: str, told: str) -> None:
    own = tmp_path / "own" / "weekly"
    own.mkdir(parents=True)
    text = (ROOT / "templates" / "weekly" / "edition.mjml").read_text("utf-8")
    assert old in text
    (own / "edition.mjml").write_text(text.replace(old, new), "utf-8")
    (tmp_path / "newsletter.toml").write_text('[newsletter]\ntemplates = "own"\n')

    result = letter("plan", code=1)

    assert result.stderr.count("\n") == 1
    assert told in result.stderr
    assert "edition.mjml" in result.stderr


@pytest.mark.parametrize("words", [("web",), ("run",), ("preview", "--port")])
def test_a_port_that_is_taken_is_one_line(letter: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("NEWSLETTER_WEB__PORT", port)

        result = letter(*words, *((port,) if words[-1] == "--port" else ()), code=1)

    assert f"127.0.0.1:{port}: cannot listen there" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_template_folder_is_named(letter: Run, tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\ntemplates = "nowhere"\n')

    assert "'nowhere'" in letter("plan", code=1).stderr


def test_the_demo_leaves_five_mails_that_differ(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--out", "demo")

    assert "planned 5 = accepted 5" in result.output
    assert len(list((tmp_path / "demo").glob("*.eml"))) == 5
    pages = {path.read_text("utf-8") for path in (tmp_path / "demo").glob("*@*.html")}
    assert len(pages) == 5
    assert (tmp_path / "demo" / "index.html").exists()


# explain


def test_explain_says_why_a_paper_is_taken_or_left(letter: Run) -> None:
    ids = [json.loads(line)["id"] for line in letter("entries", "--format", "jsonl").output.splitlines()[:12]]

    told = [letter("explain", "ada@example.org", each).output for each in ids]

    assert {output.splitlines()[2].partition(".")[0] for output in told} == {"Taken", "Left"}
    assert all("as it would be planned now" in output and "fair share" in output for output in told)


def test_explain_prints_parts_that_add_up_as_json(letter: Run) -> None:
    paper = json.loads(letter("entries", "--format", "jsonl").output.splitlines()[0])["id"]
    letter("subscribers", "vote", "ada@example.org", "save", paper)
    issue = key(letter)

    row = json.loads(letter("explain", "ada@example.org", paper, "--format", "json").output)

    assert (row["issue"], row["planned"], row["pool"], row["mailed"]) == (issue, True, 59, None)
    assert row["hidden"] == [{"kind": "voted", "by": "save"}]
    assert [(each["entry"], each["verb"], each["days"]) for each in row["votes"]] == [(paper, "save", 0)]
    assert sum(part["amount"] for part in row["parts"]) == pytest.approx(row["score"])
    assert {"fair", "fit", "least", "matched", "rank", "parts"} <= set(row["standings"][0])
    told = letter("explain", "ada@example.org", paper, "--issue", issue).output
    assert "Not to be shown: you saved it." in told
    assert "You saved " in told


def test_every_key_of_the_json_is_in_the_help(letter: Run) -> None:
    paper = json.loads(letter("entries", "--format", "jsonl").output.splitlines()[0])["id"]
    row = json.loads(letter("explain", "ada@example.org", paper, "--format", "json").output)
    words = letter("explain", "--help").output.replace(",", " ").replace("(", " ").split()

    assert {*row, *row["parts"][0], *row["standings"][0]} <= set(words)


def test_explain_names_the_muted_phrase(letter: Run) -> None:
    paper = json.loads(letter("entries", "--format", "jsonl").output.splitlines()[0])
    word = paper["title"].split()[0].strip(":,")
    letter("subscribers", "add", "cyd@example.org", "--interests", "video", "--muted", word)

    output = letter("explain", "cyd@example.org", paper["id"]).output

    assert f"Left. Not to be shown: muted by {word!r}." in output


def test_what_nobody_knows_cannot_be_explained(letter: Run) -> None:
    assert letter("explain", "ada@example.org", "lost", code=1).stderr == "Error: lost: This paper is not known here.\n"
    assert "no subscriber" in letter("explain", "eve@example.org", "lost", code=1).stderr
    paper = json.loads(letter("entries", "--format", "jsonl").output.splitlines()[0])["id"]
    assert "no issue" in letter("explain", "ada@example.org", paper, "--issue", "2001-W01", code=1).stderr


# templates


def test_lint_is_content_with_the_built_in_templates(run: Run) -> None:
    assert run("lint").output == ""
    assert json.loads(run("lint", "--json").output) == []


def test_lint_prints_every_finding_of_own_templates_and_fails(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "mine" / "weekly"
    own.mkdir(parents=True)
    text = (ROOT / "templates" / "weekly" / "edition.mjml").read_text("utf-8")
    (own / "edition.mjml").write_text(text.replace(' color="$light.body"', ' colour="$light.body"', 1))
    (own / "theme.toml").write_text(
        (ROOT / "templates" / "weekly" / "theme.toml").read_text("utf-8") + 'tint = "#112233"\n'
    )

    result = run("lint", "mine", code=1)
    (tmp_path / "newsletter.toml").write_text('[newsletter]\ntemplates = "mine"\n')
    rows = json.loads(run("lint", "--json", code=1).stdout)

    line = text[: text.index(' color="$light.body"')].count("\n") + 1
    first, second = result.stdout.splitlines()
    assert first == f"weekly/edition.mjml:{line}: error: <mj-text> has no attribute colour: did you mean color?"
    assert second.startswith("weekly/theme.toml:")
    assert "warning: no template uses [dark] tint" in second
    assert result.stderr == "Error: 1 of 2 findings is an error\n"
    assert (rows[0]["file"], rows[0]["line"], rows[0]["severity"]) == ("weekly/edition.mjml", line, "error")


def test_lint_names_the_table_of_the_configuration_and_all_else_refuses_a_wrong_colour(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "newsletter.toml").write_text('[theme.light]\nquiet = "#999999"\n')
    result = run("lint", code=1)
    (tmp_path / "newsletter.toml").write_text('[theme.light]\nquiet = "grey"\n')

    assert result.stdout.splitlines() == [
        "[theme.light]: error: quiet on paper has a contrast of 2.54:1 and needs 4.5:1",
        "[theme.light]: error: quiet on sheet has a contrast of 2.84:1 and needs 4.5:1",
    ]
    assert "[theme.light] quiet = 'grey': a colour of six digits" in run("plan", code=1).stderr


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_lint_of_a_folder_without_templates_is_one_line(run: Run, folder: str) -> None:
    assert run("lint", folder, code=1).stderr.count("\n") == 1
