"""The relying party: options for the browser, and the checks of its answers (WebAuthn level 3 sections 7.1, 7.2)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from idp.domain.default_ports import DEFAULT_PORTS
from idp.domain.passkeys import CHALLENGE_LIFETIME, Credential, Passkey, PasskeyRefused, PasskeyUse

# WebAuthn level 3 section 7.1 step 25.
_LONGEST_ID = 1023
_TIMEOUT_MS = int(CHALLENGE_LIFETIME.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a browser claims to sign in with: nothing of it is proven.

    user_handle: None where the authenticator did not say.
    """

    credential_id: str
    user_handle: bytes | None


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One origin. id: its host, to which every passkey is bound. name: what authenticators show."""

    id: str
    origin: str
    name: str

    @classmethod
    def at(cls, issuer: str, name: str) -> "RelyingParty":
        """The relying party of the pages below this address; its origin as browsers write it (RFC 6454 section 6.2)."""
        parts = urlsplit(issuer)
        host_and_port = parts.netloc.lower().removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")
        return cls(parts.hostname or "", f"{parts.scheme}://{host_and_port}", name)

    def creation_options(
        self, challenge: str, user_handle: bytes, address: str, person: str, existing: Sequence[Passkey]
    ) -> str:
        """``PublicKeyCredentialCreationOptionsJSON``: discoverable, the person verified, no attestation wanted."""
        options = webauthn.generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=user_handle,
            user_name=address,
            user_display_name=person,
            challenge=challenge.encode(),
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(passkey.credential) for passkey in existing],
        )
        return webauthn.options_to_json(options)

    def request_options(self, challenge: str) -> str:
        """``PublicKeyCredentialRequestOptionsJSON`` for whichever passkey the person chooses."""
        options = webauthn.generate_authentication_options(
            rp_id=self.id,
            challenge=challenge.encode(),
            timeout=_TIMEOUT_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def accepted(self, user_handles: Iterable[bytes], usable: Sequence[Passkey]) -> str:
        """A JSON list of ``AllAcceptedCredentialsOptions`` (WebAuthn level 3 section 5.1.10.3), one for each handle, so
        that authenticators no longer offer what is accepted no more."""
        return json.dumps(
            [
                {
                    "rpId": self.id,
                    "userId": bytes_to_base64url(handle),
                    "allAcceptedCredentialIds": [passkey.id for passkey in usable if passkey.user_handle == handle],
                }
                for handle in user_handles
            ]
        )

    def unknown(self, credential_id: str) -> str:
        """``UnknownCredentialOptions`` as JSON (section 5.1.10.2): nobody has this passkey."""
        return json.dumps({"rpId": self.id, "credentialId": credential_id})

    def created(self, answer: str, challenge: str) -> Credential:
        """The credential in the browser's answer to ``creation_options``. Raises PasskeyRefused."""
        with _refusing():
            credential = parse_registration_credential_json(answer)
            _refuse_frames(credential.response.client_data_json)
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
            if len(verified.credential_id) > _LONGEST_ID:
                raise PasskeyRefused("passkey.invalid", "credential id too long")
            return Credential(
                id=bytes_to_base64url(verified.credential_id),
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                aaguid=verified.aaguid,
                transports=tuple(transport.value for transport in credential.response.transports or ()),
                is_synced=_is_eligible(verified.credential_device_type),
                is_backed_up=verified.credential_backed_up,
            )

    def presented(self, answer: str) -> Presented:
        """With which credential the browser answers ``request_options``. Raises PasskeyRefused."""
        with _refusing():
            credential = parse_authentication_credential_json(answer)
            return Presented(bytes_to_base64url(credential.raw_id), credential.response.user_handle)

    def used(self, answer: str, challenge: str, passkey: Passkey) -> PasskeyUse:
        """The browser's answer to ``request_options``, signed by this passkey. Raises PasskeyRefused."""
        with _refusing():
            credential = parse_authentication_credential_json(answer)
            _refuse_frames(credential.response.client_data_json)
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=passkey.credential.public_key,
                # The library looks at the counter before the signature: anybody could make a counter look wrong.
                # ``domain.passkeys.counter_went_back`` judges it once the signature is known to be good.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            if verified.credential_id != base64url_to_bytes(passkey.id):
                raise PasskeyRefused("passkey.invalid", "another credential")
            if _is_eligible(verified.credential_device_type) != passkey.credential.is_synced:
                # What the passkey counts as was told by this flag when it was made, and it never changes (WebAuthn
                # level 3 sections 6.1.3, 7.2: "verify that currentBe is set", or is not).
                raise PasskeyRefused("passkey.invalid", "backup eligibility changed")
            return PasskeyUse(verified.new_sign_count, verified.credential_backed_up)


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever the parsers of a stranger's JSON, CBOR and keys raise means that the answer is not accepted."""
    try:
        yield
    except PasskeyRefused:
        raise
    except Exception as error:
        raise PasskeyRefused("passkey.invalid", _plain(f"{type(error).__name__}: {error}")) from error


def _plain(said: str) -> str:
    """The library quotes what was sent: as it is kept, a line of ASCII. No database takes half a surrogate pair."""
    return said.encode("unicode_escape").decode("ascii")[:200]


def _is_eligible(kind: CredentialDeviceType) -> bool:
    return kind is CredentialDeviceType.MULTI_DEVICE


def _refuse_frames(client_data: bytes) -> None:
    """No page of ours lives in another origin's frame (WebAuthn level 3 sections 7.1, 7.2: crossOrigin, topOrigin)."""
    said: Any = json.loads(client_data)
    if parse_client_data_json(client_data).cross_origin or "topOrigin" in said:
        raise PasskeyRefused("passkey.invalid", "cross-origin frame")


def _descriptor(credential: Credential) -> PublicKeyCredentialDescriptor:
    known = {transport.value for transport in AuthenticatorTransport}
    transports = [AuthenticatorTransport(transport) for transport in credential.transports if transport in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(credential.id), transports=transports)
