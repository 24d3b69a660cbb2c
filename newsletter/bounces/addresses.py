"""Mail addresses in the texts of mail systems: found, tidied, compared."""

from __future__ import annotations

import re

from newsletter.formats import address_key

_LOCAL = r"(?:\"[^\"\n]{1,100}\"|[^\s<>()\[\],:;\"@|]{1,100}+)"
_DOMAIN = r"(?:[^\W_](?:[\w-]{0,62}\w)?\.){1,10}[^\W\d_][\w-]{1,62}"
ADDRESS = re.compile(rf"{_LOCAL}@{_DOMAIN}")
_NOT_WITHIN = r"(?<![\w./-])%s(?![\w-]|\.\w)"  #: a domain alone, neither a host of it nor in a link
_HOLLOW = re.compile(r"(?i)redact|undisclosed|anonymi|hidden|suppressed|private|hashed|[*?]{2}")
_HASH = re.compile(r"(?i)[0-9a-f]{16,}|[\w+/=-]{27,}={1,2}")


def first(text: str) -> str:
    """Return the first address in a text, "" where there is none."""
    found = ADDRESS.search(text)
    return tidied(found[0]) if found else ""


def every(text: str) -> list[str]:
    """Return all addresses of a text, each once."""
    return list(dict.fromkeys(tidied(address) for address in ADDRESS.findall(text)))


def tidied(address: str) -> str:
    """Return an address without what belongs to the sentence around it."""
    address = address.strip().rstrip(".'`").lstrip("'`")
    return address.removeprefix("mailto:")


def same(one: str, other: str) -> bool:
    """Say whether two spellings are one mailbox: in any case, quoted or not, with the domain in any form."""
    key = address_key(one.strip().strip("<>"))
    return key == address_key(other.strip().strip("<>")) and not key.startswith("@") and not key.endswith("@")


def names_sender(words: str, sender: str, recipient: str) -> bool:
    """Say whether a reply names the sender's domain, and not the recipient's: it is about us then."""
    named, domain = {address.lower() for address in every(words)}, sender.rpartition("@")[2].lower()
    if "@" not in sender or recipient.lower() in named:
        return False
    if any(address.endswith(f"@{domain}") for address in named):
        return True
    theirs = recipient.rpartition("@")[2].lower()
    words = words.lower()
    return domain != theirs and theirs not in words and bool(re.search(_NOT_WITHIN % re.escape(domain), words))


def redacted(address: str) -> bool:
    """Say whether the place of an address holds something that hides it (RFC 6590)."""
    local = address.rpartition("@")[0] or address
    return bool(not local or _HOLLOW.search(local) or _HASH.fullmatch(local) or re.fullmatch(r"(?i)x{3,}", local))
