"""Bring templates/messages/*.po up to date with templates and code: `python tests/support/catalogues.py`.

Translations stay; what nobody says any longer goes; what is new comes empty, or with the translation of what it was,
marked as fuzzy, for somebody to look at. The order is that of the sources.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import normalize

from newsletter.i18n import Key, incomplete, key_of, read_catalogue
from newsletter.renderer.compile import html_environment
from newsletter.renderer.lint import messages_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "templates" / "messages"
_FORMS = {"_": 1, "gettext": 1, "ngettext": 2}


def used() -> dict[Key, list[str]]:
    """Each message with the files that say it, in the order of the sources."""
    found: dict[Key, list[str]] = {}
    templates = [path for kind in ("weekly", "confirm") for path in sorted((ROOT / "templates" / kind).iterdir())]
    for path in (*templates, *sorted((ROOT / "newsletter").rglob("*.py"))):
        for key in said(path):
            files = found.setdefault(key, [])
            files += [name for name in [path.relative_to(ROOT).as_posix()] if name not in files]
    return found


def said(path: Path) -> Iterator[Key]:
    text = path.read_text("utf-8")
    if path.suffix in (".mjml", ".txt"):
        found = sorted(messages_of(html_environment().parse(text)), key=lambda each: each[0])
        yield from (words for _, words, _ in found if words)
    elif path.suffix == ".py":
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        yield from filter(None, map(_said, sorted(calls, key=lambda call: (call.lineno, call.col_offset))))


def _said(call: ast.Call) -> Key:
    called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    count = _FORMS.get(called, 0)
    words = [each.value for each in call.args[:count] if isinstance(each, ast.Constant)]
    return tuple(str(word) for word in words) if count and len(words) == count else ()


def updated(name: str, text: str, messages: dict[Key, list[str]]) -> str:
    """The catalogue `text` with exactly these messages."""
    catalogue = read_catalogue(name, text)
    old = {key_of(message): message for message in catalogue if message.id}
    gone = {key[0]: message for key, message in old.items() if key not in messages and len(key) == 1}
    blocks = [text.partition("\n\n")[0].rstrip()]
    for key, files in messages.items():
        before = old.get(key)
        if before is None and len(key) == 1 and (near := get_close_matches(key[0], gone, 1, 0.75)):
            before = gone.pop(near[0])
            before.flags.add("fuzzy")
        blocks.append("\n".join(_block(key, files, before, catalogue)))
    return "\n\n".join(blocks) + "\n"


def _block(key: Key, files: list[str], before: Message | None, catalogue: Catalog) -> Iterator[str]:
    yield from (f"# {comment}" for comment in (before.user_comments if before else ()))
    yield f"#: {' '.join(files)}"
    if before and before.fuzzy:
        yield "#, fuzzy"
    yield from (f"{name} {normalize(form)}" for name, form in zip(("msgid", "msgid_plural"), key, strict=False))
    strings = _strings(before) if before else ("",)
    if len(key) == 1:
        yield f"msgstr {normalize(strings[0])}"
    else:
        padded = (*strings, *[""] * catalogue.num_plurals)[: catalogue.num_plurals]
        yield from (f"msgstr[{place}] {normalize(form)}" for place, form in enumerate(padded))


@click.command(help=__doc__)
def main() -> None:
    messages = used()
    for path in sorted(FOLDER.glob("*.po")):
        before = path.read_text("utf-8")
        path.write_text(after := updated(path.name, before, messages), "utf-8")
        open_ones = sum(1 for message in read_catalogue(path.name, after) if message.id and incomplete(message))
        click.echo(f"{path.relative_to(ROOT)}: {len(messages)} messages, {open_ones} to be looked at")


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


if __name__ == "__main__":
    main()
