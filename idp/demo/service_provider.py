"""What a university knows of the service provider (our provider): its metadata, fetched when needed."""

from collections.abc import Callable
from dataclasses import dataclass

import requests
from saml2 import md

POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


class ServiceProviderUnknown(Exception):
    """The service provider's metadata cannot be read now."""


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """One reading of a service provider's metadata; certificates are PEM."""

    entity_id: str
    acs_urls: tuple[str, ...]
    signing_certificates: tuple[bytes, ...]
    encryption_certificates: tuple[bytes, ...]


def fetch_from(metadata_url: str) -> Callable[[], ServiceProvider]:
    """A function that reads the metadata at this URL each time: the keys there may have changed since."""

    def fetch() -> ServiceProvider:
        try:
            answer = requests.get(metadata_url, timeout=10)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise ServiceProviderUnknown(f"{metadata_url} ne répond pas") from error
        return read_metadata(answer.text)

    return fetch


def read_metadata(text: str) -> ServiceProvider:
    """The service provider that this EntityDescriptor describes."""
    entity = md.entity_descriptor_from_string(text)
    if entity is None or entity.spsso_descriptor is None:
        raise ServiceProviderUnknown("ces métadonnées ne décrivent aucun fournisseur de service")
    descriptor = entity.spsso_descriptor
    if isinstance(descriptor, list):
        descriptor = descriptor[0]
    services = sorted(descriptor.assertion_consumer_service, key=lambda service: service.is_default != "true")
    return ServiceProvider(
        entity.entity_id,
        tuple(service.location for service in services if service.binding == POST_BINDING),
        _certificates(descriptor, "signing"),
        _certificates(descriptor, "encryption"),
    )


def _certificates(descriptor: md.SPSSODescriptor, use: str) -> tuple[bytes, ...]:
    return tuple(
        _pem(data.x509_certificate.text)
        for key in descriptor.key_descriptor
        if key.use in (None, use)
        for data in key.key_info.x509_data
    )


def _pem(base64_text: str) -> bytes:
    lines = "".join(base64_text.split())
    folded = "\n".join(lines[start : start + 64] for start in range(0, len(lines), 64))
    return f"-----BEGIN CERTIFICATE-----\n{folded}\n-----END CERTIFICATE-----\n".encode()
