"""The mail that asks for confirmation, in the language of the person."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import lxml.html  # type: ignore[import-untyped]
import pytest

from newsletter.errors import TemplateError
from newsletter.i18n import FSI, PDI
from newsletter.renderer import Confirmation, load_templates
from newsletter.testing import NOON, make_subscriber
from newsletter.types import Masthead

TEMPLATES = Path(__file__).parents[3] / "templates"
FILES = {
    name: text for kind in ("messages", "weekly", "confirm") for name, text in load_templates(TEMPLATES / kind).items()
}
MASTHEAD = Masthead(name="The Weekly Preprint", sender="The Weekly Preprint <weekly@papers.example.org>")
LINK = "https://papers.example.org/confirm/" + "x" * 200


def asked(language: str | None, own: str = "en") -> EmailMessage:
    confirmation = Confirmation(FILES, replace(MASTHEAD, language=own), language)
    mail = confirmation.render(make_subscriber("Ada", email="ada@example.org"), LINK, "<1@example.org>", NOON)
    message = message_from_bytes(mail.body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("language", "tag", "direction", "subject", "button"),
    [
        ("en", "en", "ltr", "Please confirm: The Weekly Preprint", "Confirm my address"),
        ("de-AT", "de", "ltr", "Bitte bestätigen: The Weekly Preprint", "Meine Adresse bestätigen"),
        ("ar", "ar", "rtl", "يرجى التأكيد: The Weekly Preprint", "تأكيد عنواني"),
    ],
)
def test_a_confirmation_speaks_its_language_in_all_its_parts(
    language: str, tag: str, direction: str, subject: str, button: str
) -> None:
    message = asked(language)
    page = lxml.html.fromstring(part(message, "html"))

    assert (page.get("lang"), page.get("dir"), message["Content-Language"]) == (tag, direction, tag)
    assert message["Subject"] == subject
    assert [link.text_content().strip() for link in page.xpath("//a")] == [button, LINK]
    assert {link.get("href") for link in page.xpath("//a")} == {LINK}
    assert LINK in part(message, "plain").split()


def test_who_did_not_say_is_asked_in_the_newsletters_language() -> None:
    assert asked(None, "de")["Content-Language"] == "de"
    assert asked("fr", "de")["Content-Language"] == "de"


def test_it_holds_nothing_that_a_visitor_typed_but_the_address_it_goes_to() -> None:
    visitor = make_subscriber("Win at http://evil.example/x", email="ada+prize@example.org")

    mail = Confirmation(FILES, MASTHEAD).render(visitor, LINK, "<1@example.org>", NOON)

    message = message_from_bytes(mail.body, policy=policy.default)
    assert message["To"] == "ada+prize@example.org"
    del message["To"]
    assert not any(word in message.as_string() for word in ("evil", "Win", "prize"))


def test_a_page_from_right_to_left_keeps_names_together() -> None:
    message = asked("ar")
    html = part(message, "html")

    assert f"{FSI}The Weekly Preprint{PDI}" in part(message, "plain").replace("\n", " ")
    assert f"{FSI}The Weekly Preprint{PDI}" in lxml.html.fromstring(html).text_content()
    assert 'dir="ltr"' in html.partition("<body")[2]
    assert html.isascii()


def test_languages_differ_in_words_only() -> None:
    def shape(language: str) -> list[str]:
        return [each.tag for each in lxml.html.fromstring(part(asked(language), "html")).iter() if each.tag != "bdi"]

    assert shape("de") == shape("ar") == shape("en")


def test_a_catalogue_that_cannot_be_read_is_refused_before_any_mail() -> None:
    broken = FILES["de.po"].replace("bestätigen: %(newsletter)s", "bestätigen: %(newletter)s")

    with pytest.raises(TemplateError, match=r"^de\.po, line \d+: .* has no value %\(newletter\)s"):
        Confirmation({**FILES, "de.po": broken}, MASTHEAD)
