"""Copies of a mail to look at, and two editions side by side."""

from __future__ import annotations

from dataclasses import replace

from newsletter.testing import WEEK_12, make_entry, make_subscriber
from newsletter.types import Edition, Pick
from newsletter.web.preview.color_schemes import html_as_shown, in_scheme, without_styles
from newsletter.web.preview.compare import compare


def test_colours_are_forced_whatever_the_screen_prefers() -> None:
    page = "<style>:root { color-scheme: light dark } @media (prefers-color-scheme: dark) { a }</style>"

    dark, light = in_scheme(page, "dark"), in_scheme(page, "light")

    assert dark == "<style>:root { color-scheme:dark } @media all { a }</style>"
    assert light == "<style>:root { color-scheme:light } @media not all { a }</style>"


def test_without_styles_every_style_element_is_gone_and_nothing_else() -> None:
    page = '<head><style type="text/css">a{}</style><STYLE>\nb{}\n</STYLE ></head><p style="color:red">style</p>'

    assert without_styles(page) == '<head></head><p style="color:red">style</p>'


def test_links_open_in_a_new_tab() -> None:
    assert html_as_shown("<html><head><title>A</title>", "light", styles=True) == (
        '<html><head><base target="_blank"><title>A</title>'
    )


def edition(*names: str, more: tuple[str, ...] = ()) -> Edition:
    def picks(some: tuple[str, ...]) -> tuple[Pick, ...]:
        return tuple(Pick(make_entry(name), 1.0, "", (f"why {name}",)) for name in some)

    return Edition(WEEK_12, make_subscriber(), picks(names), picks(more))


def told(left: Edition, right: Edition) -> list[tuple[str, int, int, int]]:
    return [
        (
            next(each.pick.entry.id for each in (pair.left, pair.right) if each),
            pair.left.place if pair.left else 0,
            pair.right.place if pair.right else 0,
            pair.moved,
        )
        for pair in compare(left, right)
    ]


def test_what_only_one_has_comes_first_then_both_in_the_order_of_the_left() -> None:
    assert told(edition("a", "b", "c"), edition("d", "c", "b")) == [
        ("a", 1, 0, 0),
        ("d", 0, 1, 0),
        ("b", 2, 3, 1),
        ("c", 3, 2, -1),
    ]


def test_an_edition_is_no_different_from_itself() -> None:
    same = edition("a", "b")

    assert [each[3] for each in told(same, replace(same, subscriber=make_subscriber("Bob", 2)))] == [0, 0]


def test_what_the_mail_had_no_room_for_counts_on() -> None:
    assert told(edition("a", more=("b",)), edition("b")) == [("a", 1, 0, 0), ("b", 2, 1, -1)]


def test_empty_editions_have_nothing_to_compare() -> None:
    assert compare(edition(), edition()) == ()
