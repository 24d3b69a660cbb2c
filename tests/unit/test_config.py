from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.config import Settings, load
from newsletter.errors import ConfigError


def write(folder: Path, text: str, name: str = "newsletter.toml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), environ or {})
    return str(caught.value)


def test_defaults_give_way_to_the_file_and_the_file_to_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, '[smtp]\nhost = "mail.example.org"\nport = 587\n')

    settings = load(path, {"NEWSLETTER_SMTP__PORT": "2525", "NEWSLETTER_SMTP__RETRY": '["1s", "2m"]'})

    assert (settings.smtp.host, settings.smtp.port, settings.smtp.connections) == ("mail.example.org", 2525, 4)
    assert settings.smtp.retry == (timedelta(seconds=1), timedelta(minutes=2))


def test_a_text_from_the_environment_stays_text(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), {"NEWSLETTER_NEWSLETTER__NAME": "2025"})

    assert settings.newsletter.name == "2025"


def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    assert '[smtp] prot: unknown key, did you mean "port"?' in refusal(tmp_path, "[smtp]\nprot = 25\n")
    assert '[schedul]: unknown key, did you mean "schedule"?' in refusal(tmp_path, "[schedul]\nhour = 8\n")


def test_an_unknown_key_in_the_environment_is_named_too(tmp_path: Path) -> None:
    assert "[smtp] prot" in refusal(tmp_path, "", {"NEWSLETTER_SMTP__PROT": "25"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[smtp]\nport = "abc"', "[smtp] port = 'abc'"),
        ('[smtp]\nretry = ["2x"]', "a duration such as"),
        ("[smtp]\ntimeout = -5", "a duration such as"),
        ("[smtp]\ntimeout = 0", "[smtp] timeout"),
        ('[smtp]\nretry = ["5m", "0s"]', "[smtp] retry"),
        ('[smtp]\nhost = ""', "[smtp] host"),
        ('[smtp]\nhello_name = "two words"', "[smtp] hello_name"),
        ('[smtp]\nhello_name = "a\\r\\nb"', "[smtp] hello_name"),
        ('[[relay]]\nhost = "a"\nhello_name = "two words"', "hello_name"),
        ("[schedule]\nexpire_after = 0", "[schedule] expire_after"),
        ('[schedule]\nexpire_after = "99999999999w"', "a duration such as"),
        ('[newsletter]\nreply_to = "nonsense"', "an address such as"),
        ('[schedule]\ntimezone = "Mars"', "an IANA time zone"),
        ('[newsletter]\nsender = "nobody"', "an address such as"),
        ('[newsletter]\nsender = "A <a@b.org>\\r\\nBcc: x@y.org"', "an address such as"),
        ('[newsletter]\nbase_url = "javascript:1"', "[newsletter] base_url"),
        (
            "[[source]]\nname = 'feed'",
            "[source] 0: a location (an address, a file",
        ),
        ("port = ", "newsletter.toml"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(tmp_path, text)


def test_the_error_is_one_line_and_never_holds_a_secret(tmp_path: Path) -> None:
    told = refusal(tmp_path, '[smtp]\nport = 0\npassword = 12345678\n[newsletter]\nsecret = ["hush"]\n')

    assert "\n" not in told
    assert "12345678" not in told
    assert "hush" not in told


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    write(tmp_path, "hunter2\n", "smtp.password")

    settings = load(write(tmp_path, '[smtp]\npassword_file = "smtp.password"\n'), {})
    from_environment = load(write(tmp_path, ""), {"NEWSLETTER_SMTP__PASSWORD_FILE": str(tmp_path / "smtp.password")})

    assert settings.smtp.password is not None
    assert settings.smtp.password.get_secret_value() == "hunter2"
    assert from_environment.smtp.password == settings.smtp.password


def test_the_environment_wins_over_a_secret_file_and_a_password_stays_text(tmp_path: Path) -> None:
    path = write(tmp_path, '[newsletter]\nsecret_file = "gone"\n[smtp]\npassword_file = "gone"\n')

    settings = load(path, {"NEWSLETTER_NEWSLETTER__SECRET": "x", "NEWSLETTER_SMTP__PASSWORD": "123456"})

    assert settings.smtp.password is not None
    assert settings.smtp.password.get_secret_value() == "123456"


def test_a_password_is_never_sent_in_clear(tmp_path: Path) -> None:
    for host in ("mail.example.org", "localhost"):
        told = refusal(tmp_path, f'[smtp]\nhost = "{host}"\nsecurity = "none"\nusername = "me"\n')

        assert "never sent in clear" in told


def test_paths_are_relative_to_the_project_not_to_the_current_folder(tmp_path: Path) -> None:
    beside = load(write(tmp_path, ""), {})
    below = load(write(tmp_path, "", "config/newsletter.toml"), {})

    assert beside.store_url == below.store_url == f"sqlite:///{tmp_path / 'newsletter.db'}"


def test_sources_may_stand_in_a_file_of_their_own_and_name_themselves(tmp_path: Path) -> None:
    write(tmp_path, '[[source]]\nlocation = "https://rss.arxiv.org/atom/cs.AI"\n', "sources.toml")

    settings = load(write(tmp_path, '[[source]]\nlocation = "papers.jsonl"\nlimit = 3\n'), {})

    assert [source.name for source in settings.sources] == ["papers", "cs.AI"]
    assert settings.sources[0].options == {"limit": 3}


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, '[[source]]\nlocation = "a.jsonl"\n[[source]]\nname = "a"\nlocation = "b.jsonl"\n')

    assert "two sources are called 'a'" in told


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml", {})


def test_without_a_file_the_defaults_serve(tmp_path: Path) -> None:
    settings = load(None, {}, tmp_path)

    assert settings.newsletter == Settings().newsletter
    assert settings.sources == ()


def test_the_list_id_is_made_of_the_name_and_the_senders_domain(settings: Settings) -> None:
    assert settings.masthead.list_id == "the-weekly-preprint.papers.example.org"


def test_localhost_never_makes_a_list_id() -> None:
    assert Settings().masthead.list_id == ""


def test_a_model_of_a_service_needs_its_address(tmp_path: Path) -> None:
    assert 'a model "openai:…" needs a model_url' in refusal(tmp_path, '[selection]\nmodel = "openai:small"\n')


def test_the_key_of_a_model_is_a_secret(tmp_path: Path) -> None:
    write(tmp_path, "sk-hush\n", "model.key")

    settings = load(write(tmp_path, '[selection]\nmodel_key_file = "model.key"\n'), {})
    told = refusal(tmp_path, "[selection]\nmodel_key = 12345678\n")

    assert settings.selection.model_key
    assert settings.selection.model_key.get_secret_value() == "sk-hush"
    assert "sk-hush" not in repr(settings)
    assert "12345678" not in told
