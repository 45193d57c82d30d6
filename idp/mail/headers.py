"""Headers with words in any script, which come out at the other end as they were written (RFC 2047).

Python's own folding loses the space between two words with accents where a line ends between them: « à Université »
arrived as « àUniversité » (3.11). Here all of a text is in encoded words, or none of it.
"""

from email.header import Header
from email.headerregistry import HeaderRegistry, UniqueSingleAddressHeader, UniqueUnstructuredHeader
from email.policy import SMTP, Policy


class _Subject(UniqueUnstructuredHeader):
    def fold(self, *, policy: Policy) -> str:
        return _line("Subject", Header(str(self), _charset(str(self)), header_name="Subject"), policy)


class _From(UniqueSingleAddressHeader):
    def fold(self, *, policy: Policy) -> str:
        sender = self.address
        if sender.display_name.isascii():
            # With the quotes that it needs.
            return _line("From", Header(str(sender), "us-ascii", header_name="From"), policy)
        words = Header(sender.display_name, "utf-8", header_name="From")
        words.append(f"<{sender.addr_spec}>", "us-ascii")
        return _line("From", words, policy)


def _charset(text: str) -> str:
    return "us-ascii" if text.isascii() else "utf-8"


def _line(name: str, words: Header, policy: Policy) -> str:
    return f"{name}: {words.encode(linesep=policy.linesep)}{policy.linesep}"


def _headers() -> HeaderRegistry:
    headers = HeaderRegistry()
    # BaseHeader, which the stubs ask for, is what this very call adds to them.
    headers.map_to_type("subject", _Subject)  # type: ignore[arg-type]
    headers.map_to_type("from", _From)  # type: ignore[arg-type]
    return headers


# How our mails are written.
POLICY = SMTP.clone(header_factory=_headers())
