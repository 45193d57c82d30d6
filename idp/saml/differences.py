"""What a new copy of a metadata file changes, told so that an administrator sees what matters: which providers, and
which keys."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping

from idp.domain.federation import FileDifference, ProviderChange
from idp.saml import xml_names as names
from idp.saml.metadata_reading import MalformedMetadata, identity_provider
from idp.saml.plain_values import plain_name
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata

# The EntityDescriptor of an entity id.
Source = Callable[[str], bytes | None]


def difference(
    file: str, before: Mapping[str, str], after: Mapping[str, str], old: Source, new: Source
) -> FileDifference:
    """Compare two copies of a file.

    before, after: digest of the metadata by entity id. old, new: asked only for the providers whose digests differ.
    """
    differing = [name for name, digest in after.items() if before.get(name, digest) != digest]
    changes = (ProviderChange(name, _details(old(name), new(name))) for name in differing)
    return FileDifference(
        file,
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(change for change in changes if change.details),
    )


def _details(old: bytes | None, new: bytes | None) -> tuple[str, ...]:
    before, after = _facts(old), _facts(new)
    told = (_told(kind, before.get(kind, frozenset()), after.get(kind, frozenset())) for kind in before | after)
    return tuple(line for line in told if line)


def _facts(document: bytes | None) -> dict[str, frozenset[str]]:
    try:
        entity, provider = parse_metadata(document or b""), identity_provider(document or b"")
    except (UnsafeXML, MalformedMetadata):
        return {}
    return {
        "keys": frozenset(_keys(entity)),
        "endpoints": frozenset(_endpoints(entity)),
        "scopes": frozenset(provider.scopes if provider else ()),
        "names": frozenset(f"{name} ({language})" for language, name in provider.names) if provider else frozenset(),
    }


def _keys(entity: Element) -> Iterable[str]:
    for descriptor in entity.iterfind("md:IDPSSODescriptor/md:KeyDescriptor", names.NS):
        for certificate in descriptor.iterfind("ds:KeyInfo/ds:X509Data/ds:X509Certificate", names.NS):
            yield f"{descriptor.get('use') or 'any use'} {_fingerprint(certificate.text or '')}"


def _fingerprint(certificate: str) -> str:
    """The beginning of what ``idp federation show`` prints, the SHA-256 of the DER; of the text where it is no base64.

    Enough to tell keys apart and to compare them by eye.
    """
    text = "".join(certificate.split())
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = text.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _endpoints(entity: Element) -> Iterable[str]:
    for endpoint in entity.iterfind("md:IDPSSODescriptor/*[@Location]", names.NS):
        kind, binding = str(endpoint.tag).rpartition("}")[2], (endpoint.get("Binding") or "").rpartition(":")[2]
        yield plain_name(f"{kind} {binding} {endpoint.get('Location')}")


def _told(kind: str, before: frozenset[str], after: frozenset[str]) -> str:
    lost, won = sorted(before - after), sorted(after - before)
    signs = [*(f"-{item}" for item in lost), *(f"+{item}" for item in won)]
    return f"{kind} {', '.join(signs)}" if signs else ""
