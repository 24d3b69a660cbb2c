"""SPF (RFC 7208): who may send for a domain. Reads the whole tree of a record, as its worst reader would.

    "v=spf1 …" ─ parse ─▶ Record ─ survey: include, redirect, a, mx ─▶ Survey ─ spf_result(address) ─▶ pass, fail …

A receiver stops at the first match, so the look-ups counted here are the most that any mail can cost.

Not checkdmarc: of `v=spf1 exists:x.org exists:y.org exists:z.org -all`, with none of the three names in DNS, we and
pyspf say permanent error, for three look-ups that find nothing; it says valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from newsletter.doctor.dns import Resolver, addresses

MOST_LOOKUPS = 10  #: RFC 7208 4.6.4; more is a permanent error
MOST_VOIDS = 2
MOST_HOSTS = 10  #: of one "mx"
FOLLOWED = 20  #: look-ups after which nothing more is followed
MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
UNKNOWN = "unknown"  #: depends on more than the address
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9]*)(?::(.*?))?((?:/\d+)?(?://\d+)?)", re.DOTALL)
_PREFIXES = re.compile(r"(?:/(0|[1-9]\d?))?(?://(0|[1-9]\d{0,2}))?")
_MACRO = re.compile(r"%(?:([%_-])|\{([slodiphv])([1-9]\d{0,2})?(r)?([.\-+,/_=]*)\})", re.IGNORECASE)
_TOP_LABEL = re.compile(r"(?=.*[A-Za-z-])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_ESCAPED = {"%": "%", "_": " ", "-": "%20"}

Network = IPv4Network | IPv6Network
EVERYWHERE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class SpfError(ValueError):
    """Receivers would take the record as broken; says why."""


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism. `value`: the domain of include, a, mx, exists, ptr ("" for the record's own), or the network."""

    qualifier: str
    name: str
    value: str = ""
    lengths: tuple[int, int] = (32, 128)  #: of the prefixes, IPv4 and IPv6

    @property
    def asks(self) -> bool:
        """Whether it costs a look-up."""
        return self.name not in ("all", "ip4", "ip6")


@dataclass(frozen=True, slots=True)
class Record:
    """What counts of a record: what stands after "all" does not, nor a redirect beside it."""

    terms: tuple[Term, ...]
    redirect: str = ""

    @property
    def ending(self) -> str:
        """The qualifier of "all"; "" where there is none."""
        return self.terms[-1].qualifier if self.terms and self.terms[-1].name == "all" else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A term with what it stands for in the DNS of today."""

    qualifier: str
    networks: tuple[Network, ...] = ()
    include: Node | None = None
    opaque: bool = False  #: depends on the mail


@dataclass(frozen=True, slots=True)
class Node:
    rules: tuple[Rule, ...] = ()
    redirect: Node | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that hangs on the record of a domain."""

    texts: tuple[str, ...]  #: the records found; one is right
    near: tuple[str, ...] = ()  #: what was meant as one and is none
    problems: tuple[str, ...] = ()  #: for each, receivers take the whole as broken
    record: Record | None = None  #: None: none, several, or not readable
    tree: Node = Node()
    lookups: int = 0
    voids: tuple[int, int] = (0, 0)  #: look-ups that find nothing, for a mail that comes over IPv4, over IPv6
    names: frozenset[str] = frozenset()  #: domains included, at any depth
    ptr: bool = False


def is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(text: str) -> Record:
    """Read a record; raises SpfError with the first term that no receiver could read."""
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in text[len("v=spf1") :].split(" "):
        if found := _MODIFIER.fullmatch(word):
            _add_modifier(modifiers, found[1].lower(), found[2], word)
        elif word:
            terms.append(_term(word))
    names = [term.name for term in terms]
    if "all" in names:
        return Record(tuple(terms[: names.index("all") + 1]))
    return Record(tuple(terms), modifiers.get("redirect", ""))


async def survey(domain: str, resolver: Resolver) -> Survey:
    """Follow the record of a domain through the DNS; raises Unanswered."""
    values = (await resolver.ask(domain, "TXT")).values
    texts = tuple(filter(is_spf, values))
    if len(texts) != 1:
        return Survey(texts, tuple(text for text in values if "v=spf" in text.lower() and text not in texts))
    try:
        record = parse(texts[0])
    except SpfError as error:
        return Survey(texts, problems=(str(error),))
    walk = _Walk(resolver)
    tree = await walk.node(domain, record, (domain,))
    problems = tuple(dict.fromkeys(walk.problems))
    voids = (walk.voids[0], walk.voids[1])
    return Survey(texts, (), problems, record, tree, walk.lookups, voids, frozenset(walk.names), walk.ptr)


def spf_result(tree: Node, address: str) -> str:
    """pass, fail, softfail, neutral; or UNKNOWN where a rule before the match depends on more than the address."""
    ip = ip_address(address)
    for rule in tree.rules:
        inner = spf_result(rule.include, address) if rule.include else ""
        if rule.opaque or inner == UNKNOWN:
            return UNKNOWN
        if inner == "pass" or any(ip in network for network in rule.networks):
            return RESULTS[rule.qualifier]
    return spf_result(tree.redirect, address) if tree.redirect else "neutral"


@dataclass(slots=True)
class _Walk:
    """Follows a record through the DNS, and counts."""

    resolver: Resolver
    lookups: int = 0
    voids: list[int] = field(default_factory=lambda: [0, 0])
    ptr: bool = False
    names: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    async def node(self, domain: str, record: Record, path: tuple[str, ...]) -> Node:
        rules = [await self._rule(domain, term, path) for term in record.terms]
        onward = await self._followed(domain, "redirect=", record.redirect, path) if record.redirect else None
        return Node(tuple(rules), onward)

    async def _rule(self, domain: str, term: Term, path: tuple[str, ...]) -> Rule:
        if term.name == "all":
            return Rule(term.qualifier, EVERYWHERE)
        if not term.asks:
            return Rule(term.qualifier, (ip_network(term.value, strict=False),))
        if term.name == "include":
            inner = await self._followed(domain, "include:", term.value, path)
            return Rule(term.qualifier, include=inner, opaque=inner is None)
        self.lookups += 1
        name = expand(term.value or domain, domain, path[0])
        self.ptr |= term.name == "ptr"
        if not name or term.name == "ptr" or self.lookups > FOLLOWED:
            return Rule(term.qualifier, opaque=True)
        return await self._hosts(term, name)

    async def _hosts(self, term: Term, name: str) -> Rule:
        if term.name == "exists":
            met = (await self.resolver.ask(name, "A")).values
            self._count_void(bool(met), bool(met))
            return Rule(term.qualifier, EVERYWHERE if met else ())
        names = [name]
        if term.name == "mx":
            names = await self._mx(name)
            self._count_void(bool(names), bool(names))
        found: list[str] = []
        for host in names:
            placed = await addresses(self.resolver, host)
            self._count_void(any(":" not in place for place in placed), any(":" in place for place in placed))
            found += placed
        return Rule(term.qualifier, tuple(_network(address, term.lengths) for address in found))

    def _count_void(self, four: bool, six: bool) -> None:
        """Count what was not found for IPv4 and for IPv6: a receiver asks for one of them only."""
        self.voids[0] += not four
        self.voids[1] += not six

    async def _mx(self, name: str) -> list[str]:
        hosts = [record.partition(" ")[2] for record in (await self.resolver.ask(name, "MX")).values]
        if len(hosts) > MOST_HOSTS:
            self.problems.append(f"mx: {name} has {len(hosts)} mail servers, more than {MOST_HOSTS}")
        return [host for host in hosts[:MOST_HOSTS] if host != "."]

    async def _followed(self, domain: str, how: str, value: str, path: tuple[str, ...]) -> Node | None:
        """The tree of another domain's record; None where it depends on the mail, or cannot be followed."""
        self.lookups += 1
        name = expand(value, domain, path[0])
        if not name or self.lookups > FOLLOWED:
            return None
        self.names.add(name)
        if name in path:
            self.problems.append(f"{how}{name} leads back to itself")
            return None
        texts = tuple(filter(is_spf, (await self.resolver.ask(name, "TXT")).values))
        if len(texts) != 1:
            self.problems.append(f"{how}{name} has {len(texts) or 'no'} SPF record{'s' if texts else ''}")
            return None
        try:
            return await self.node(name, parse(texts[0]), (*path, name))
        except SpfError as error:
            self.problems.append(f"{how}{name}: {error}")
            return None


def expand(text: str, domain: str, sender: str) -> str:
    """A domain-spec with its macros filled in, in lower case; "" where it depends on the mail.

    `domain`: that the record is of; `sender`: that the mail is from.
    """
    known = {"d": domain, "o": sender}
    pieces, at = [], 0
    for found in _MACRO.finditer(text):
        pieces.append(text[at : found.start()])
        at = found.end()
        if found[1]:
            pieces.append(_ESCAPED[found[1]])
        elif found[2].lower() in known:
            pieces.append(_transformed(known[found[2].lower()], found[3], bool(found[4]), found[5] or "."))
        else:
            return ""
    return "".join([*pieces, text[at:]]).lower().rstrip(".")


def _transformed(value: str, count: str | None, backwards: bool, marks: str) -> str:
    parts = re.split(f"[{re.escape(marks)}]", value)
    parts = parts[::-1] if backwards else parts
    return ".".join(parts[-int(count) :] if count else parts)


def _network(address: str, lengths: tuple[int, int]) -> Network:
    return ip_network(f"{address}/{lengths[':' in address]}", strict=False)


def _add_modifier(modifiers: dict[str, str], name: str, value: str, word: str) -> None:
    """Keep a modifier; unknown ones are ignored by all, but for their form."""
    if name in ("redirect", "exp"):
        if name in modifiers:
            raise SpfError(f'"{name}=" stands there twice')
        modifiers[name] = _domain(value, word)
    elif not _macros_are_right(value):
        raise SpfError(f'"{word}" holds a macro that there is not')


def _term(word: str) -> Term:
    found = _DIRECTIVE.fullmatch(word)
    name = found[2].lower() if found else ""
    if not found or name not in MECHANISMS:
        raise SpfError(f'"{word}" is no mechanism')
    qualifier, value, slash = found[1] or "+", found[3], found[4] or ""
    if value == "" or (slash and name not in ("a", "mx", "ip4", "ip6")) or (name == "all" and value is not None):
        raise SpfError(f'"{word}" is not written right')
    if name in ("ip4", "ip6"):
        return Term(qualifier, name, _range(name, (value or "") + slash, word))
    if name in ("include", "exists") or value is not None:
        return Term(qualifier, name, _domain(value or "", word), _lengths(slash, word))
    return Term(qualifier, name, "", _lengths(slash, word))


def _lengths(slash: str, word: str) -> tuple[int, int]:
    """Read the prefix lengths of "/24", "//64", "/24//64" or ""."""
    found = _PREFIXES.fullmatch(slash)
    four, six = (int(found[1] or 32), int(found[2] or 128)) if found else (33, 0)
    if four > 32 or six > 128:
        raise SpfError(f'"{word}" has no right prefix length')
    return four, six


def _range(name: str, text: str, word: str) -> str:
    kind = IPv4Network if name == "ip4" else IPv6Network
    try:
        if re.fullmatch(r"[0-9A-Fa-f:.]+(/(0|[1-9]\d{0,2}))?", text):
            return str(kind(text, strict=False))
    except ValueError:
        pass
    raise SpfError(f'"{word}" is no {"IPv4" if name == "ip4" else "IPv6"} address or network')


def _domain(text: str, word: str) -> str:
    """Check a domain-spec: macros that there are, and at its end a top label or a macro."""
    rest, _, last = text.rstrip(".").rpartition(".")
    ends_well = text.endswith("}") or (rest and _TOP_LABEL.fullmatch(last))
    if not ends_well or not _macros_are_right(text):
        raise SpfError(f'"{word}" names no domain')
    return text


def _macros_are_right(text: str) -> bool:
    return "%" not in _MACRO.sub("", text) and all("!" <= character <= "~" for character in text)
