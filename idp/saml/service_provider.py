"""The SAML service provider: signed requests out, responses in, a ``Vouching`` or a ``Refusal`` as the result."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import xmlsec
from saml2.client import Saml2Client
from saml2.samlp import NameIDPolicy

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.keyed import random_id
from idp.domain.proofing import Vouching
from idp.saml import attributes
from idp.saml import xml_names as names
from idp.saml.guard import named_request_id, read_response
from idp.saml.keys import KeyPair
from idp.saml.metadata import sign_in_locations, signing_keys
from idp.saml.own_metadata import ServiceDescription, own_metadata, signed_metadata
from idp.saml.pysaml2_client import SecondReading, new_client, second_reading
from idp.saml.response_checks import Answer, authn_statement, check, instant
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata, whole_text
from idp.saml.verified_response import VerifiedResponse, verify_response

# Enough for the universities of a busy day; one entry is a few hundred kilobytes.
_KNOWN_PROVIDERS = 64


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """An AuthnRequest on its way: redirect the browser to ``url``, or, where there are fields, POST them to it.

    request_id: what the answer's InResponseTo must be.
    """

    request_id: str
    url: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Provider:
    digest: str
    keys: tuple[xmlsec.Key, ...]
    redirect_location: str | None
    post_location: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """Our keys, as one set. client: signs with the first. private_keys: all that decrypt, PEM."""

    client: Saml2Client
    private_keys: tuple[bytes, ...]


class ServiceProvider:
    """Our side of SAML web browser single sign-on.

    keys: (private key, certificate) PEM files; the first pair signs, all of them decrypt and are published. old_keys:
    pairs that only decrypt, because somebody may still encrypt to them.
    metadata_source: verified EntityDescriptor XML by entity id, None for an unknown one.
    """

    def __init__(
        self,
        *,
        entity_id: str,
        acs_url: str,
        keys: list[KeyPair],
        description: ServiceDescription,
        metadata_source: Callable[[str], bytes | None],
        old_keys: Iterable[KeyPair] = (),
    ) -> None:
        self._entity_id = entity_id
        self._acs_url = acs_url
        self._description = description
        self.use_keys(keys, old_keys)
        self._metadata_source = metadata_source
        # By content: a provider whose metadata changed is another entry, and the old one falls out.
        self._provider_of = lru_cache(maxsize=_KNOWN_PROVIDERS)(self._read_provider)
        self._metadata_of = lru_cache(maxsize=2)(self._make_metadata)

    def use_keys(self, keys: list[KeyPair], old_keys: Iterable[KeyPair] = ()) -> None:
        """Use these keys from now on, read at once and swapped as a whole. Raises OSError for a file that cannot be
        read."""
        client = new_client(self._entity_id, self._acs_url, self._description.name(), keys)
        self._own = _Own(client, tuple(key.read_bytes() for key, _ in (*keys, *old_keys)))

    def metadata(self, *, now: datetime, signed: bool = False) -> bytes:
        """Our own EntityDescriptor, as XML; signed where that is asked for or always wanted.

        Made once for each hour: a signature costs more than everything else that this address may be asked for.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        return self._metadata_of(self._own, hour, signed or self._description.always_signed)

    def begin(
        self, provider: IdentityProvider, relay_state: str, *, now: datetime, force: bool = False
    ) -> OutgoingRequest:
        """A fresh signed AuthnRequest (RSA-SHA256) for this provider, by HTTP-Redirect where it has that.

        relay_state: an opaque handle. force: the university shall ask for the password anew (ForceAuthn).
        Raises Refusal ``saml.unknown_provider``.
        """
        found = self._provider(provider.entity_id)
        if found.redirect_location:
            return self._redirect(found.redirect_location, relay_state, now, force)
        if found.post_location:
            return self._post(found.post_location, relay_state, now, force)
        raise Refusal("saml.unknown_provider", "no endpoint for sign-in")

    def claimed_request_id(self, saml_response: str) -> str:
        """The id of the request that this form value claims to answer; only the guard has looked at it.

        Raises Refusal of the guard.
        """
        return read_response(saml_response).in_response_to

    def named_request_id(self, saml_response: str) -> str:
        """The request that this form value names, although the guard refuses it; empty where it names none."""
        return named_request_id(saml_response)

    def verify(self, saml_response: str, provider: IdentityProvider, request_id: str, *, now: datetime) -> Vouching:
        """What this provider, the one that was asked, vouches for in answer to this request.

        Scopes, replay, and whether it authenticated anew (``domain.identity``) are not looked at here. Raises Refusal
        ``saml.…``.
        """
        found, own = self._provider(provider.entity_id), self._own
        verified = verify_response(read_response(saml_response), found.keys, own.private_keys)
        check(
            Answer(
                response=verified.response,
                assertion=verified.assertion,
                provider=provider.entity_id,
                request_id=request_id,
                entity_id=self._entity_id,
                acs_url=self._acs_url,
                now=now,
            )
        )
        values = attributes.values_by_name(verified.assertion, self._entity_id)
        _agree(verified.assertion, values, second_reading(own.client, verified, request_id))
        return _vouching(found.digest, verified, values)

    def _make_metadata(self, own: _Own, hour: datetime, signed: bool) -> bytes:
        config, description = own.client.config, self._description
        if not signed:
            return own_metadata(config, description, now=hour)
        return signed_metadata(config, description, own.private_keys[0], own.client.sec.my_cert, now=hour)

    def _provider(self, entity_id: str) -> _Provider:
        entity = self._metadata_source(entity_id)
        if entity is None:
            raise Refusal("saml.unknown_provider", "not in the federation")
        found = self._provider_of(entity)
        if not found.keys:
            raise Refusal("saml.unknown_provider", "no signing key")
        return found

    def _read_provider(self, entity: bytes) -> _Provider:
        try:
            root = parse_metadata(entity)
        except UnsafeXML as error:
            raise Refusal("saml.unknown_provider", error.detail) from None
        digest = hashlib.sha256(entity).hexdigest()
        return _Provider(digest, signing_keys(root), *sign_in_locations(root))

    def _redirect(self, location: str, relay_state: str, now: datetime, force: bool) -> OutgoingRequest:
        client = self._own.client
        request_id, message = self._authn_request(client, location, now, force, enveloped=False)
        sent = client.apply_binding(
            names.HTTP_REDIRECT, message, location, relay_state, sign=True, sigalg=names.RSA_SHA256
        )
        return OutgoingRequest(request_id, dict(sent["headers"])["Location"])

    def _post(self, location: str, relay_state: str, now: datetime, force: bool) -> OutgoingRequest:
        request_id, message = self._authn_request(self._own.client, location, now, force, enveloped=True)
        fields = (("SAMLRequest", b64encode(message.encode()).decode()), ("RelayState", relay_state))
        return OutgoingRequest(request_id, location, fields if relay_state else fields[:1])

    def _authn_request(
        self, client: Saml2Client, location: str, now: datetime, force: bool, *, enveloped: bool
    ) -> tuple[str, str]:
        request_id, message = client.create_authn_request(
            location,
            message_id=f"_{random_id()}",
            # No format: whatever name the university has is good, we read attributes only.
            name_id_policy=NameIDPolicy(allow_create="true"),
            issue_instant=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            force_authn="true" if force else None,
            sign=enveloped,
            sign_alg=names.RSA_SHA256,
            digest_alg=names.DIGEST_SHA256,
        )
        return str(request_id), str(message)


def _agree(assertion: Element, values: dict[str, tuple[str, ...]], second: SecondReading) -> None:
    """Refuse an answer of which two parsers and two readers saw different things."""
    instant_text = authn_statement(assertion).get("AuthnInstant")
    ours = (assertion.get("ID"), whole_text(assertion.find(names.ISSUER)), instant_text)
    if ours != (second.assertion_id, second.issuer, second.authn_instant):
        raise Refusal("saml.different_reading", "another assertion")
    for name, read in values.items():
        if read != tuple(dict.fromkeys(value for value in second.values.get(name, []) if value)):
            raise Refusal("saml.different_reading", name)


def _vouching(metadata_digest: str, verified: VerifiedResponse, values: dict[str, tuple[str, ...]]) -> Vouching:
    statement = authn_statement(verified.assertion)
    at = instant(statement, "AuthnInstant")
    if at is None:
        raise Refusal("saml.authn_instant", "no time of authentication")
    return Vouching(
        entity_id=whole_text(verified.assertion.find(names.ISSUER)) or "",
        response_id=verified.response.get("ID") or "",
        assertion_id=verified.assertion.get("ID") or "",
        authn_instant=at,
        authn_context=whole_text(statement.find("saml:AuthnContext/saml:AuthnContextClassRef", names.NS)) or "",
        identifiers=attributes.identifiers(values),
        mails=values.get(attributes.MAIL, ()),
        attributes=attributes.friendly(values),
        metadata_digest=metadata_digest,
    )
