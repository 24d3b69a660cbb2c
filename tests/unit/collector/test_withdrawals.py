"""Withdrawals and retractions, as servers and journals tell of them."""

from __future__ import annotations

import json

import pytest

from newsletter.collector.identity import names, same_paper
from newsletter.collector.normalize import finish
from newsletter.collector.sources import arxiv, biorxiv
from newsletter.collector.withdrawals import is_notice, says_withdrawn, without_notice
from newsletter.testing import NOON
from newsletter.types import Entry, Source

TITLE = "Pigments that shade the eyes of birds"


@pytest.mark.parametrize(
    "text",
    [
        "This paper has been withdrawn by Ann Lee",
        "This paper has been withdrawn by the author due to a crucial sign error in equation 1.",
        "This submission has been withdrawn by arXiv administrators because of disputed authorship",
        "Withdrawn",
        "Paper withdrawn due to an error in Theorem 2",
        "withdrawn by the authors",
        "12 pages. This article was withdrawn by the authors, who found a gap",
        "The authors have withdrawn this manuscript owing to an error. Do not cite it.",
        "This manuscript has been temporarily withdrawn.",
        "bioRxiv has withdrawn this preprint",
        "Withdrawal Statement: the authors have withdrawn …",
        "This article has been retracted.",
        "This paper has now been withdrawn",
        "arXiv admin note: withdrawn by arXiv due to plagiarism",
        "This version withdrawn by arXiv Administrators",
        "We have withdrawn this paper because of an error",
        "I withdrew this paper",
        "The authors have withdrawn this bioRxiv preprint.",
        "The authors request that this preprint be withdrawn",
        "This paper has been removed by arXiv administrators",
        "This article has been removed",
        "withdrawn from arXiv",
        "An error was found; paper withdrawn",
        "Not for publication; withdrawn by the author",
        "Please note: this paper has been withdrawn.",
    ],
)
def test_a_sentence_says_that_a_paper_is_withdrawn(text: str) -> None:
    assert says_withdrawn(text)


@pytest.mark.parametrize(
    "text",
    [
        "We study why papers are withdrawn, and who cites a paper that has been retracted.",
        "Withdrawn drugs stay on the market. We ask why.",
        "Withdrawal symptoms in rats are measured.",
        "Withdrawn from ICML 2025; accepted at NeurIPS 2025",
        "This paper was withdrawn from ICLR and is now at TMLR",
        "supersedes arXiv:2401.00001, which was withdrawn",
        "In 1998 a journal printed a claim. The paper was retracted in 2010. We follow its readers.",
        "v2: withdrew a claim in Section 4",
        "Retractable needles",
        "This paper is about withdrawn drugs",
        "The authors have withdrawn blood from mice",
        "The authors retract their earlier claim",
        "We show how to withdraw it",
        "We withdraw the assumption of independence",
        "The article withdrawn in 2019 still misleads: a case study",
        "We study cash; paper money withdrawn from banks is counted",
        "Removed sediments change rivers",
    ],
)
def test_a_text_about_withdrawals_says_nothing_of_its_own_paper(text: str) -> None:
    assert not says_withdrawn(text)


@pytest.mark.parametrize(
    "title",
    [
        f"WITHDRAWN: {TITLE}",
        f"RETRACTED ARTICLE: {TITLE}",
        f"[Retracted] {TITLE}",
        f"{TITLE} (withdrawn)",
        f"{TITLE} [RETRACTED]",
        f"Retraction Note: {TITLE}",
        f"Retraction note to: {TITLE}",
        f"Retraction notice to “{TITLE}” [J. Birds 12 (2020) 3-9]",
        f"Statement of Retraction: {TITLE}",
        f"Withdrawal: {TITLE}",
        f"Retraction of: {TITLE}",
        f"TEMPORARY REMOVAL: {TITLE}",
    ],
)
def test_a_notice_is_of_the_paper_that_it_names(title: str) -> None:
    known, notice = (finish(Entry(id="", title=each, authors=("Ada One",)), NOON).entry for each in (TITLE, title))

    assert (known.withdrawn, notice.withdrawn) == (False, True)
    assert without_notice(title) == TITLE
    assert same_paper(known, notice, {*names(known)} & {*names(notice)})


@pytest.mark.parametrize(
    "title",
    [
        "Withdrawn drugs: a survey",
        "Retraction dynamics of DNA",
        "Removal of dyes: a study",
        "Expression of concern: Tea",
    ],
)
def test_other_titles_are_no_notices(title: str) -> None:
    assert not is_notice(title)
    assert without_notice(title) == title


def test_arxiv_tells_it_in_its_comment() -> None:
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><entry>'
        "<id>http://arxiv.org/abs/2401.00001v2</id><title>On Kettles</title><summary>We boil.</summary>"
        "<arxiv:comment>This paper has been withdrawn by\n Ann Lee</arxiv:comment></entry></feed>"
    )

    (entry,) = arxiv.parse(feed.encode(), Source("a", "arxiv", "x"), NOON).entries

    assert entry.withdrawn


@pytest.mark.parametrize("said", [{"type": "withdrawn"}, {"title": f"WITHDRAWN: {TITLE}"}])
@pytest.mark.parametrize("server", ["biorxiv", "medrxiv"])
def test_preprint_servers_tell_it_in_type_or_title(server: str, said: dict[str, str]) -> None:
    paper = {"doi": "10.1101/2024.03.01.555551", "title": TITLE, "version": "1", "server": server, **said}
    answer = json.dumps({"messages": [{"status": "ok"}], "collection": [paper]}).encode()

    (entry,) = biorxiv.parse(answer, Source("b", "biorxiv", server), NOON).entries

    assert finish(entry, NOON).entry.withdrawn
