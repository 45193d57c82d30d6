"""Mail addresses as people paste them, and the one rule that says when two of them are the same."""

import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets

# What mail carries as it is: nothing in it can end a header or add a recipient (CWE-93). Wider than ``is_well_formed``.
PLAIN = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+"

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_TRAILING = " .,;:!?>)\"'»"
_LEADING = " <(\"'«"
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class InvalidAddress(ValueError):
    """What was typed is not one mail address.

    key: ``email.empty``, ``email.several``, ``email.characters``, ``email.too_long`` or ``email.malformed``.
    suggestion: the address that may have been meant, or None.
    """

    def __init__(self, key: str, suggestion: str | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.suggestion = suggestion


def clean(typed: str) -> str:
    """The address that was typed or pasted, in the one form in which it is compared and stored.

    Taken away: spaces of every kind, zero-width characters, ``mailto:``, a display name around ``<…>``, trailing
    punctuation. Both parts become lower case (ASCII only). Two addresses are the same when their clean forms are
    equal, and never otherwise: other scripts, accents and look-alikes are refused, not mapped (UTS 39).

    Raises InvalidAddress.
    """
    # A paste of sane length is at most an address with a name; more is not looked at.
    if len(typed) > 1000:
        raise InvalidAddress("email.too_long")
    # Line breaks inside an address are header injection, not a slip (CWE-93).
    if re.search(r"[\r\n\x00]", typed.strip()):
        raise InvalidAddress("email.malformed")
    address = _without_decoration(typed)
    if not address:
        raise InvalidAddress("email.empty")
    if address.count("@") > 1:
        raise InvalidAddress("email.several")
    if not address.isascii():
        raise InvalidAddress("email.characters", _ascii_look_alike(address))
    address = address.lower()
    if len(address) > MAX_LENGTH:
        raise InvalidAddress("email.too_long")
    if not is_well_formed(address):
        raise InvalidAddress("email.malformed", _with_points(address))
    return address


def is_well_formed(address: str) -> bool:
    """Whether a clean address has a dot-atom local part (RFC 5322 3.2.3) and a domain of at least two DNS labels."""
    local_part, at, domain = address.rpartition("@")
    labels = domain.split(".")
    return (
        at == "@"
        and len(local_part) <= 64
        and _LOCAL_PART.fullmatch(local_part) is not None
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def domain_of(address: str) -> str:
    """The part after the @ of a clean address."""
    return address.rpartition("@")[2]


def mailbox_of(address: str) -> str:
    """Where mail to a clean address most likely arrives: without what follows a « + » (subaddressing, RFC 5233).

    For counting mails alone: whose address it is depends on all of it.
    """
    local_part, _, domain = address.rpartition("@")
    return f"{local_part.partition('+')[0] or local_part}@{domain}"


def suggestion(address: str, known_domains: Iterable[str]) -> str | None:
    """The address with a known domain that is one slip away from the typed one, or None.

    A slip is one letter added, lost or changed, or two neighbours swapped, in a domain that is not known itself, nor
    below a known one; what stands below the known one is kept (``etu.``). The caller shows it as a question; it is
    never put in place of what was typed.
    """
    local_part, _, domain = address.rpartition("@")
    known = set(known_domains)
    if domain in known or any(domain.endswith("." + parent) for parent in known):
        return None
    labels = domain.split(".")
    for number in range(len(labels) - 1):
        end = ".".join(labels[number:])
        if near := sorted(candidate for candidate in known if _one_slip_apart(end, candidate)):
            return f"{local_part}@{'.'.join([*labels[:number], near[0]])}"
    return None


def _without_decoration(typed: str) -> str:
    text = typed.translate(_INVISIBLE)
    if match := re.search(r"<([^<>]*@[^<>]*)>", text):
        text = match[1]
    text = "".join(text.split())
    text = re.sub(r"^mailto:", "", text.lstrip(_LEADING), flags=re.IGNORECASE)
    # « mailto:a@b?subject=… » is what « copy link » gives in some mail programs.
    text = re.sub(r"\?(subject|body|cc|bcc)=.*$", "", text, flags=re.IGNORECASE)
    return text.lstrip(_LEADING).rstrip(_TRAILING)


def _with_points(address: str) -> str | None:
    """The address with points for the signs beside them on keyboards, and one for several; only suggested."""
    pointed = re.sub("[.,;:]+", ".", address)
    return pointed if is_well_formed(pointed) else None


def _ascii_look_alike(address: str) -> str | None:
    """The plain ASCII address behind typographic hyphens, accents, ligatures or full-width letters; only suggested.

    Where « @ » is missing, « à » stands for it: French keyboards have both on one key.
    """
    plain = unicodedata.normalize("NFC", address)
    plain = plain if "@" in plain or "＠" in plain else plain.replace("à", "@")
    plain = plain.translate(dict.fromkeys(map(ord, "‐‑‒–—−"), "-")).replace("’", "'")
    decomposed = unicodedata.normalize("NFKD", plain)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).lower()
    return plain if plain.isascii() and is_well_formed(plain) else None


def _one_slip_apart(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1 or left == right:
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    left, right = left[start:], right[start:]
    changed_or_added = left[1:] == right[1:] or left[1:] == right or left == right[1:]
    swapped = len(left) >= 2 and left[:2] == right[1::-1] and left[2:] == right[2:]
    return changed_or_added or swapped
