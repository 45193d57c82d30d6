"""What DNS says of the domain that our mails come from: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), MX."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import dns.exception
import dns.resolver

from idp.domain.findings import Finding, Level

# The records of one kind of a name, none where there is no such record; DnsUnreachable where nobody answers.
Lookup = Callable[[str], tuple[str, ...]]
_SECONDS = 5.0


class DnsUnreachable(Exception):
    """No answer in time, or none that is an answer."""


def txt_lookup(nameserver: tuple[str, int] | None = None, *, seconds: float = _SECONDS) -> Lookup:
    """A look-up of TXT records at this machine's resolver, or at a given address and port; bounded in time."""
    return _lookup("TXT", lambda record: b"".join(record.strings).decode("utf-8", "replace"), nameserver, seconds)


def mx_lookup(nameserver: tuple[str, int] | None = None, *, seconds: float = _SECONDS) -> Lookup:
    """The same of the servers that take a domain's mail; an empty name where it says that none does (RFC 7505)."""
    return _lookup("MX", lambda record: record.exchange.to_text(omit_final_dot=True).rstrip("."), nameserver, seconds)


def _lookup(kind: str, text: Callable[[Any], str], nameserver: tuple[str, int] | None, seconds: float) -> Lookup:
    def look_up(name: str) -> tuple[str, ...]:
        try:
            resolver = dns.resolver.Resolver(configure=nameserver is None)
            if nameserver is not None:
                resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
            answer = resolver.resolve(name, kind, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as problem:
            raise DnsUnreachable(f"{name}: {type(problem).__name__}") from problem
        return tuple(text(record) for record in answer)

    return look_up


def sender_findings(domain: str, selector: str, look_up: Lookup, mail_servers: Lookup) -> Iterator[Finding]:
    """SPF, DKIM, DMARC and MX of this domain. selector: of the DKIM key; empty where it is not to be looked for.

    look_up: TXT records. mail_servers: MX records.
    """
    if "." not in domain:
        yield Finding("dns", Level.WARNING, f"{domain} is no public domain: not looked up", "set mail.from")
        return
    for about, check in (
        ("spf", lambda: _spf(domain, look_up(domain))),
        ("dkim", lambda: _dkim(domain, selector, look_up)),
        ("dmarc", lambda: _dmarc(domain, selector, look_up)),
        ("mx", lambda: _mx(domain, mail_servers(domain))),
    ):
        try:
            yield check()  # type: ignore[no-untyped-call]
        except DnsUnreachable as problem:
            yield Finding(about, Level.WARNING, f"could not be checked: {problem}", "look at this machine's resolver")


def _spf(domain: str, records: tuple[str, ...]) -> Finding:
    found = [record for record in records if re.match(r"v=spf1( |$)", record, re.IGNORECASE)]
    if len(found) > 1:
        return Finding("spf", Level.FAULT, f"{domain} has {len(found)} SPF records", "leave one (RFC 7208 section 3.2)")
    if not found:
        mend = f'publish a TXT record at {domain}: "v=spf1 ip4:<address of the mail server> -all"'
        return Finding("spf", Level.FAULT, f"{domain} has no SPF record", mend)
    if {"all", "+all"} & set(found[0].lower().split()):
        return Finding("spf", Level.FAULT, f"{found[0]}: anybody may send", "end it with -all")
    return Finding("spf", Level.OK, found[0])


def _dkim(domain: str, selector: str, look_up: Lookup) -> Finding:
    if not selector:
        mend = "have the mail server sign, and set mail.dkim_selector"
        return Finding("dkim", Level.WARNING, "no selector set: not looked up", mend)
    name = f"{selector}._domainkey.{domain}"
    keys = [match[1] for record in look_up(name) for match in re.finditer(r"(?:^|;)\s*p=([^;]*)", record)]
    if not keys:
        return Finding("dkim", Level.FAULT, f"{name} has no key", "publish the mail server's public key there")
    if not any(key.strip() for key in keys):
        return Finding("dkim", Level.FAULT, f"{name} is revoked", "publish the mail server's public key there")
    return Finding("dkim", Level.OK, f"{name} has a key")


def _dmarc(domain: str, selector: str, look_up: Lookup) -> Finding:
    """Our mails are signed and returned under mail.from's own domain, so either policy of alignment holds."""
    place, record = _dmarc_record(domain, look_up)
    if record is None:
        mend = f'publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=quarantine; rua=mailto:…"'
        return Finding("dmarc", Level.FAULT, f"{domain} has no DMARC record", mend)
    policy = re.search(r";\s*p\s*=\s*(\w+)", record)
    if policy is None:
        return Finding("dmarc", Level.FAULT, f"{place}: no policy in {record}", "add p=quarantine")
    if not selector and re.search(r";\s*adkim\s*=\s*s", record):
        return Finding(
            "dmarc", Level.WARNING, f"{record}: strict, and no DKIM selector is set", "sign with this domain"
        )
    return Finding("dmarc", Level.OK, f"{place}: p={policy[1]}")


def _dmarc_record(domain: str, look_up: Lookup) -> tuple[str, str | None]:
    """At the domain itself, else at the ones above it (RFC 7489 section 6.6.3), the top one left out."""
    labels = domain.split(".")
    for depth in range(len(labels) - 1):
        place = "_dmarc." + ".".join(labels[depth:])
        found = [record for record in look_up(place) if re.match(r"v=DMARC1\s*(;|$)", record)]
        if found:
            return place, found[0]
    return "", None


def _mx(domain: str, servers: tuple[str, ...]) -> Finding:
    """Where what comes back goes (RFC 5321 section 5.1): without a record to the domain's own address, or nowhere."""
    mend = f"publish an MX record at {domain}, to the server that takes what comes back"
    if not servers:
        return Finding("mx", Level.WARNING, f"{domain} has no MX record: what comes back may reach nobody", mend)
    if not all(servers):
        return Finding("mx", Level.FAULT, f"{domain} says that it takes no mail: servers refuse such a sender", mend)
    return Finding("mx", Level.OK, f"{domain}: {', '.join(sorted(servers))}")
