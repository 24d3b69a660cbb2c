"""CSV as spreadsheets and other services write it: read right, or refused with the line."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import InputError
from newsletter.formats import one_line, parse_subscriber, subscriber_row
from newsletter.tables import _CODE_PAGES, Row, csv_lines, decoded, read_table
from newsletter.testing import make_subscriber
from newsletter.types import Interest, Profile, Status

GERMAN = "email;name\nju@x.example;Jürgen Groß\nb@x.example;Bärbel Möller\n"
SPANISH = "email;name\nj@x.example;José Núñez\nm@x.example;María Ibáñez\n"


def read(text: str | bytes, encoding: str = "") -> list[tuple[int, Row]]:
    return list(read_table(text.encode() if isinstance(text, str) else text, csv=True, encoding=encoding))


def names(text: str | bytes, encoding: str = "") -> list[str]:
    return [row["name"] for _, row in read(text, encoding) if not isinstance(row, str)]


def test_csv_goes_out_and_comes_back() -> None:
    person = make_subscriber("Ada, the first", 0, email="ada@example.org", status=Status.PAUSED)
    lines = "\n".join(csv_lines([subscriber_row(person)]))

    [(number, row)] = read(lines)

    assert number == 2
    assert not isinstance(row, str)
    assert parse_subscriber(row) == person


@given(st.text("'=+-@a \"\t,;é", max_size=8), st.text("'=+-@a\"", min_size=1, max_size=4))
def test_no_cell_is_a_formula_and_each_comes_back_unchanged(name: str, interest: str) -> None:
    profile = Profile((Interest(interest, keywords=(interest,)),))
    person = make_subscriber("Ada", 0, email="+ada@example.org", profile=profile, status=Status.ACTIVE)
    row = subscriber_row(person) | {"name": one_line(name)}
    lines = list(csv_lines([row]))

    [(_, back)] = read("\n".join(lines))

    assert not any(cell.startswith(tuple("=+-@\t")) for cell in next(csv.reader(lines[1:])))
    assert not isinstance(back, str)
    assert back["name"] == one_line(name)
    assert parse_subscriber(back).email == "+ada@example.org"
    assert parse_subscriber(back).profile == profile


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "title", ["email", "Email", "E-Mail", "Email Address", " email ", "Adresse", "Mail", "e_mail", "Correo electrónico"]
)
def test_separators_and_titles_are_found(separator: str, title: str) -> None:
    [(number, row)] = read(
        f'"{title}"{separator}Name{separator}Shoe size\nada@example.org{separator}Ada{separator}38\n'
    )

    assert (number, row) == (2, {"email": "ada@example.org", "name": "Ada"})


def test_a_postal_address_is_not_taken_for_the_mail_address() -> None:
    [(_, row)] = read("Adresse,Mail,Email\n1 Street,old@example.org,ada@example.org\n")

    assert row == {"email": "ada@example.org"}


def test_semicolons_between_interests_are_no_separators() -> None:
    [(_, row)] = read("email,interests\nada@example.org,a; b; c; d\n")

    assert row == {"email": "ada@example.org", "interests": "a; b; c; d"}


def test_a_spreadsheets_word_on_its_separator_is_obeyed() -> None:
    assert names("sep=;\r\nemail;name\r\nada@example.org;A, B\r\n") == ["A, B"]


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_in_any_form(name: str) -> None:
    assert names(SPANISH.encode(name)) == ["José Núñez", "María Ibáñez"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GERMAN, "cp1252"),
        ("email;name\nf@x.example;Иван Петров\ng@x.example;Мария Кузнецова\n", "cp1251"),
        ("email;name\nf@x.example;Иван Петров\ng@x.example;Мария Кузнецова\n", "koi8_r"),
    ],
)
def test_an_encoding_that_can_be_no_other_is_found(text: str, name: str) -> None:
    assert decoded(text.encode(name)) == text


NAMES = (
    *("Jürgen Groß", "Zoë", "François Lévêque", "José Núñez", "Søren Kjær", "Łukasz Wójcik", "Paweł Dąbrowski"),
    *("Jiří Dvořák", "Şule Yıldız", "Иван Петров", "Γιώργος Παπαδόπουλος", "山田太郎", "李娜", "陳美玲", "김철수"),
    *("דוד כהן", "محمد علي", "João Conceição", "Ólafur Þór", "O’Neil"),
)


@pytest.mark.parametrize("page", _CODE_PAGES)
def test_an_encoding_that_may_be_another_one_is_asked_for_and_no_letter_damaged(page: str) -> None:
    files = ["email;name\n" + f"x@x.example;{name}\n" * times for name in NAMES for times in (1, 30)]
    told = [(text, read_or_asked(text.encode(page)), text.encode(page)) for text in files if can_hold(page, text)]

    assert {found for text, found, _ in told if found != text} == {"asked"}
    assert all(decoded(data, page) == text for text, _, data in told)


def can_hold(page: str, text: str) -> bool:
    return text.encode(page, "replace").decode(page) == text


def read_or_asked(data: bytes) -> str:
    try:
        return decoded(data)
    except InputError as error:
        return "asked" if "--encoding" in str(error) else str(error)


def test_a_line_in_another_encoding_than_the_others_is_named() -> None:
    with pytest.raises(InputError, match="line 3"):
        read("email,name\na@x.org,Zoë\n".encode() + "b@x.org,Zoë\n".encode("cp1252"))


@pytest.mark.parametrize("name", ["hex", "no such", "utf-16"])
def test_an_encoding_that_does_not_fit_is_told(name: str) -> None:
    with pytest.raises(InputError, match="encoding"):
        decoded(b"email\nx\n\xff", name)


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_line_feeds_divide_rows(character: str) -> None:
    rows = read(f"email,name\na@x.org,Ana{character}Maria\nb@x.org,Next\n")

    assert [parse_subscriber(row).name for _, row in rows if not isinstance(row, str)] == ["Ana Maria", "Next"]


@pytest.mark.parametrize(
    "broken", ['a@x.org,"Broken', 'a@x.org,"Bro"ken', 'a@x.org,"Broken\na@y.org,"', '"a@x.org,Broken', "a@x.org,b,c"]
)
def test_a_stray_quote_is_named_with_its_line_and_eats_nobody(broken: str) -> None:
    rows = read(f'email,name\nfirst@x.org,First\n{broken}\nlast@x.org,"La ""st"""\n')

    wrong = [number for number, row in rows if isinstance(row, str)]
    assert wrong[0] == 3
    assert names(f'email,name\nfirst@x.org,First\n{broken}\nlast@x.org,"La ""st"""\n') == ["First", 'La "st"']


def test_a_cell_may_have_many_lines() -> None:
    text = 'email,name,text\na@x.org,"One\nTwo",",\nwrite to b@x.org,\nor\n"\nc@x.org,C,\n'

    assert [number for number, _ in read(text)] == [2, 7]
    assert names(text) == ["One\nTwo", "C"]


def test_very_many_stray_quotes_cost_no_more_than_their_lines() -> None:
    rows = read("email,name\n" + 'a@x.org,"x\n' * 3_001)

    assert sum(isinstance(row, str) for _, row in rows) >= 3_000


def test_a_csv_without_addresses_is_refused() -> None:
    for data in (b"name\nAda\n", b"", b"\n\n", b'"name\n'):
        with pytest.raises(InputError, match="no column"):
            read(data)


def test_json_lines_with_a_byte_order_mark_are_read() -> None:
    line = '{"email": "zoe@x.org", "name": "Zoë"}\n'

    for name in ("utf-8-sig", "utf-16", "utf-32"):
        assert list(read_table(line.encode(name), csv=False)) == [(1, {"email": "zoe@x.org", "name": "Zoë"})]
