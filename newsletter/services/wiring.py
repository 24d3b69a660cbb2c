"""From settings to what the sender takes: relays, limits, signatures. Only this file knows both."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from newsletter.bounces.leaving import LeaveByMail
from newsletter.bounces.verp import ReturnPath
from newsletter.config import RelaySection, Settings, SmtpSection
from newsletter.sender import Lane, Limit, Pace, Relay, Route, SmtpTransport, Transport, shared_out
from newsletter.tokens import Tokens
from newsletter.types import Mail

Sign = Callable[[Mail], Mail]  #: what makes a rendered mail final


def return_path(settings: Settings, tokens: Tokens) -> ReturnPath:
    """Make the envelope senders that [bounces] asks for: one for each delivery."""
    return ReturnPath(settings.bounces.address, settings.bounces.delimiter, tokens)


def leave_address(settings: Settings) -> str:
    """Where a mail that unsubscribes must go to be read; "" where no mailbox is read.

    Without an address of [bounces] the mailbox is that of From, for there the reports come back to.
    """
    section = settings.bounces
    return (section.address or parseaddr(settings.newsletter.sender)[1]) if section.has_mailbox else ""


def leave_by_mail(settings: Settings, tokens: Tokens) -> LeaveByMail:
    """Make the mailto of List-Unsubscribe, and the reader of what comes to it."""
    delimiter = settings.bounces.delimiter if settings.bounces.address else ""
    return LeaveByMail(leave_address(settings), delimiter, tokens)


def routes(settings: Settings, transport: Transport | None = None) -> list[Route]:
    """Make a route for each relay, with its share of the connections; `transport` takes the place of them all."""
    smtp = settings.smtp
    if transport or not settings.relay:
        transport = transport or SmtpTransport(relay(settings, smtp))
        return [Route(transport, smtp.connections, smtp.mails_per_connection, Lane(Limit(smtp.rate)))]
    sharing = [section for section in settings.relay if section.connections is None]
    shares = iter(shared_out(smtp.connections, [section.weight for section in sharing]) if sharing else ())
    return [
        Route(
            SmtpTransport(relay(settings, section)),
            section.connections or next(shares),
            smtp.mails_per_connection if section.mails_per_connection is None else section.mails_per_connection,
            Lane(Limit(smtp.rate if section.rate is None else section.rate)),
        )
        for section in settings.relay
    ]


def relay(settings: Settings, server: SmtpSection | RelaySection) -> Relay:
    """Read a relay from [smtp] or a [[relay]], which takes from [smtp] what it does not say itself."""
    smtp = settings.smtp
    ca_file = smtp.ca_file if server.ca_file is None else server.ca_file
    return Relay(
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username,
        password=server.password.get_secret_value() if server.password else "",
        timeout=(server.timeout or smtp.timeout).total_seconds(),
        hello_name=smtp.hello_name if server.hello_name is None else server.hello_name,
        ca_file=str(settings.home / ca_file) if ca_file else "",
        tls_minimum=smtp.tls_minimum if server.tls_minimum is None else server.tls_minimum,
    )


def pace(settings: Settings) -> Pace:
    """Read the limits of recipient domains."""
    smtp = settings.smtp
    usual = Limit(smtp.domain_rate, smtp.domain_connections)
    own = {
        domain.lower(): Limit(
            usual.rate if limit.rate is None else limit.rate,
            usual.connections if limit.connections is None else limit.connections,
        )
        for domain, limit in smtp.domains.items()
    }
    return Pace(usual, own)


def signing(settings: Settings) -> Sign:
    """Make the signer of the [dkim] section; without one a mail stays as it is. Raises ConfigError."""
    section = settings.dkim
    if not section.key:
        return lambda mail: mail
    from newsletter.sender.dkim import Signer, ed25519_key, rsa_key  # with cryptography

    keys = [rsa_key(section.key.get_secret_value(), section.selector)]
    if section.ed25519_key:
        keys.append(ed25519_key(section.ed25519_key.get_secret_value(), section.ed25519_selector))
    return Signer(section.domain, keys).sign
