"""Limits and relays in the configuration."""

from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.config import Settings, load
from newsletter.errors import ConfigError
from newsletter.services.wiring import pace, relay, routes


def loaded(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "newsletter.toml"
    path.write_text(text, "utf-8")
    return load(path, environ)


@pytest.mark.parametrize(
    ("text", "rate"), [("20/s", 20.0), ("90/m", 1.5), ("1800 / h", 0.5), ("43200/d", 0.5), ("", 0.0)]
)
def test_a_rate_is_mails_in_a_time(tmp_path: Path, text: str, rate: float) -> None:
    assert loaded(tmp_path, f'[smtp]\nrate = "{text}"').smtp.rate == rate


@pytest.mark.parametrize("text", ['"20"', '"fast"', '"0/s"', '"-1/s"', "-1", "true", '"20/w"'])
def test_what_is_no_rate_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[smtp\] domain_rate = .* a rate such as"):
        loaded(tmp_path, f"[smtp]\ndomain_rate = {text}")


def test_limits_come_from_the_environment_too(tmp_path: Path) -> None:
    environ = {"NEWSLETTER_SMTP__RATE": "20/s", "NEWSLETTER_SMTP__DOMAINS": '{ "gmail.com" = { connections = 3 } }'}
    settings = loaded(tmp_path, "", **environ)

    assert settings.smtp.rate == 20
    assert settings.smtp.domains["gmail.com"].connections == 3


def test_a_domain_has_its_own_limits_and_else_those_of_all(tmp_path: Path) -> None:
    text = '[smtp]\ndomain_rate = "10/s"\ndomain_connections = 4\n'
    text += '[smtp.domains."GMail.com"]\nrate = "50/s"\n[smtp.domains."free.example"]\nrate = ""\nconnections = 0\n'
    lanes = pace(loaded(tmp_path, text))

    found = {name: lanes.lane(name, 0.0).limit for name in ("gmail.com", "free.example", "other.example")}

    assert {name: (limit.rate, limit.connections) for name, limit in found.items()} == {
        "gmail.com": (50, 4),
        "free.example": (0, 0),
        "other.example": (10, 4),
    }


def test_a_domain_that_dns_could_not_look_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="letters, digits and hyphens"):
        loaded(tmp_path, '[smtp.domains."g mail"]\nrate = "1/s"')


def test_without_relays_the_server_of_smtp_is_the_only_one(tmp_path: Path) -> None:
    [route] = routes(loaded(tmp_path, '[smtp]\nhost = "mail.example.org"\nconnections = 7\nrate = "5/s"'))

    assert (route.connections, route.mails, route.lane.limit.rate) == (7, 100, 5)


RELAYS = """
[smtp]
host = "unused.example.org"
username = "unused"
password = "unused"
connections = 8
rate = "5/s"
timeout = "7s"
hello_name = "papers.example.org"
[[relay]]
host = "one.example.org"
weight = 3
username = "me"
password_file = "secret"
[[relay]]
host = "two.example.org"
security = "tls"
port = 465
rate = "1/s"
timeout = "9s"
mails_per_connection = 20
[[relay]]
host = "three.example.org"
connections = 5
"""


def test_relays_share_the_connections_and_take_the_rest_from_smtp(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    settings = loaded(tmp_path, RELAYS)

    found = routes(settings)
    one, two, three = (relay(settings, each) for each in settings.relay)

    assert [route.connections for route in found] == [6, 2, 5]
    assert [(route.mails, route.lane.limit.rate) for route in found] == [(100, 5), (20, 1), (100, 5)]
    assert [str(each) for each in (one, two, three)] == [
        "one.example.org:25",
        "two.example.org:465",
        "three.example.org:25",
    ]
    assert [(each.username, each.password, each.timeout) for each in (one, two, three)] == [
        ("me", "hunter2", 7),
        ("", "", 9),  # nobody's password goes to somebody else
        ("", "", 7),
    ]
    assert {each.hello_name for each in (one, two, three)} == {"papers.example.org"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[relay]]\nport = 25\nname = "x"', r"\[relay\] 0.host: is missing"),
        ('[[relay]]\nhost = "a"\nusername = "me"\nsecurity = "none"', "never sent in clear"),
        ('[[relay]]\nhost = "a"\nweight = 0', r"\[relay\] 0.weight"),
        ('[[relay]]\nhost = "a"\n[[relay]]\nhost = "a"', "two relays are called 'a:25'"),
        ('[[relay]]\nhost = "a"\npassword_file = "gone"', "password_file"),
    ],
)
def test_what_is_wrong_with_a_relay_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        loaded(tmp_path, text)


def test_the_spread_and_what_becomes_of_uncertain_ones(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[schedule]\nspread = "90m"\n[smtp]\nuncertain = "resend"')

    assert (settings.schedule.spread, settings.smtp.uncertain) == (timedelta(minutes=90), "resend")
