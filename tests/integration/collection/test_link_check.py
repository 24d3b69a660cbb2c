"""Whether an address answers, against a real server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from test_fetch import Host, here, serving

from newsletter.collector.http.link_check import Reached, reach

NOTHING = b"Content-Length: 0\r\n\r\n"
NO_HEAD = [b"HTTP/1.1 405 Method Not Allowed\r\n" + NOTHING, b"HTTP/1.1 200 OK\r\n" + NOTHING]


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    monkeypatch.setenv("NO_PROXY", "*")
    async with serving() as host:
        yield host


def methods(host: Host) -> list[str]:
    return [asked.split(" ")[0] for asked in host.asked]


async def test_an_address_that_answers_is_asked_once_without_its_body(host: Host) -> None:
    found = await reach(host.at("/endless"), lookup=here)

    assert (found, found.answers) == (Reached(200, "200 OK", host.at("/endless")), True)
    assert methods(host) == ["HEAD"]


async def test_where_head_fails_get_is_tried(host: Host) -> None:
    host.answers["/no-head"] = NO_HEAD

    assert (await reach(host.at("/no-head"), lookup=here)).answers
    assert methods(host) == ["HEAD", "GET"]


async def test_redirects_are_followed_and_the_end_is_told(host: Host) -> None:
    assert await reach(host.at("/moved"), lookup=here) == Reached(200, "200 OK", host.at("/good"))


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/gone", 404, "404 Not Found"),
        ("/busy", 503, "503 Service Unavailable"),
        ("/loop", 0, "more than 5 redirects"),
        ("/away", 0, "not an address on the web (http, https)"),
        ("/nowhere", 0, "redirects to an address that is none"),
        ("/untold", 302, "302 Found"),
        ("/garbage", 0, "illegal status line"),
        ("/hang", 0, "no answer within 0.5 s"),
    ],
)
async def test_what_does_not_answer_is_one_line(host: Host, path: str, status: int, words: str) -> None:
    found = await reach(host.at(path), within=0.5 if path == "/hang" else 30, lookup=here)

    assert (found.status, found.answers and status < 400) == (status, path == "/untold")
    assert found.words.startswith(words)
    assert len(found.words.splitlines()) == 1


async def test_only_the_public_internet_is_asked(host: Host) -> None:
    words = "127.0.0.1 leads to 127.0.0.1, which is not on the public internet"

    assert await reach(host.at("/good")) == Reached(0, words, host.at("/good"))
    assert not host.asked


async def test_nor_after_a_redirect(host: Host) -> None:
    async def first_only(name: str, port: int) -> tuple[str, ...]:
        from newsletter.collector.http.ssrf import checked

        return ("127.0.0.1",) if port == host.port else checked(name, [name])

    found = await reach(host.at("/inward"), lookup=first_only)

    assert found.words == "169.254.169.254 leads to 169.254.169.254, which is not on the public internet"


@pytest.mark.parametrize("address", ["mailto:a@b.org", "http://", "/view", "", "http://x:99999/"])
async def test_what_is_no_address_is_not_asked(address: str) -> None:
    found = await reach(address, lookup=here)

    assert (found.status, found.answers) == (0, False)
    assert "address" in found.words


async def test_a_password_in_an_address_is_not_sent(host: Host) -> None:
    await reach(host.at("/good", "ada:secret@127.0.0.1"), contact="ada@example.org", lookup=here)

    assert "authorization" not in host.asked[0].lower()
    assert "(+ada@example.org)" in host.asked[0]
