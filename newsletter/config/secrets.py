"""Which keys of the configuration are secrets, and how each is read from a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError

MULTILINE_SECRETS = (("dkim", "key"), ("dkim", "ed25519_key"))  #: read whole
BOUNCE_SECRETS = tuple(
    ("bounces", key)
    for key in (
        "imap_password",
        "postmark_password",
        "mailgun_key",
        "brevo_password",
        "mailjet_password",
        "sparkpost_password",
        "resend_key",
    )
)
SECRETS = (
    ("newsletter", "secret"),
    ("smtp", "password"),
    ("selection", "model_key"),
    ("summary", "key"),
    *BOUNCE_SECRETS,
    *MULTILINE_SECRETS,
)


def read_secret_files(tables: dict[str, Any], home: Path) -> None:
    """Replace `password_file` by `password`: the first line of that file, or all of it for MULTILINE_SECRETS.

    Raises ConfigError where a file cannot be read or holds nothing, and for an emptied [newsletter] secret: another one
    would be taken in its place, and all links in mails that went out would stop working.
    """
    _refuse_emptied(tables.get("newsletter"))
    for section, key in SECRETS:
        _read_secret_file(tables.get(section), section, key, home)
    for relay in tables["relay"] if isinstance(tables.get("relay"), list) else ():
        _read_secret_file(relay, "relay", "password", home)


def _refuse_emptied(table: object) -> None:
    for key in ("secret", "secret_file"):
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str) and not value.strip():
            raise ConfigError(f"[newsletter] {key} is empty: give the secret that signed the links, or leave it out")


def _read_secret_file(table: object, section: str, key: str, home: Path) -> None:
    place = table.pop(f"{key}_file", None) if isinstance(table, dict) else None
    if isinstance(table, dict) and place:
        text = _secret_text(home, str(place), f"[{section}] {key}_file")
        table[key] = text if (section, key) in MULTILINE_SECRETS else text.partition("\n")[0].strip()


def _secret_text(home: Path, place: str, name: str) -> str:
    if "-----BEGIN" in place:
        raise ConfigError(f"{name}: the path of a file is expected, not the key itself")
    try:
        text = (home / place).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise ConfigError(f"{name} = {str(home / place)!r}: cannot be read ({why})") from error
    if not text:
        raise ConfigError(f"{name} = {str(home / place)!r}: the file is empty, and should hold the secret")
    return text
