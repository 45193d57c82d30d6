"""The device authorization grant (RFC 8628): a device asks, a person answers in a browser, the device gets its tokens.

The answer is a grant like any other, found through the device instead of its code, and taken by the same single write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from idp.domain.authorization import AuthorizationRequest
from idp.domain.clients import Client
from idp.domain.device_authorization import (
    INTERVAL,
    LIFETIME,
    DeviceAuthorization,
    DeviceState,
    clean_user_code,
    new_user_code,
)
from idp.domain.errors import ProtocolError
from idp.domain.grants import Grant, Lifetimes
from idp.domain.keyed import SecretKey, random_id, random_token, token_hash
from idp.domain.sessions import SignIn
from idp.openid.access_token import resource_fault
from idp.openid.client_authentication import ClientAuthentication, ClientLookup
from idp.openid.device_codes import GRANT_TYPE, device_code_hash, user_code_hash
from idp.openid.grant_state import TakenTwice, invalid_grant
from idp.openid.grants import Grants
from idp.openid.issuing import Issuing, TokenCall
from idp.openid.parameters import Pairs, every, single_form
from idp.openid.release import granted_scopes
from idp.openid.subjects import Subjects

_TRIES = 3


class DeviceAuthorizations(Protocol):
    """A store of waiting devices; ``app`` hands one in. Every method may raise ``ServiceUnavailable``."""

    def add(self, authorization: DeviceAuthorization) -> bool:
        """Keep a new one; False where another device has the same user code."""

    def by_user_code(self, user_code_hash: str, *, now: datetime) -> DeviceAuthorization | None:
        """The live one with this code that nobody has answered yet."""

    def answer(self, device_code_hash: str, state: DeviceState, code_hash: str | None = None, *, now: datetime) -> bool:
        """Keep what the person said, with the grant's code where it was yes; of two answers one counts."""

    def poll(self, device_code_hash: str, client_id: str, *, now: datetime) -> DeviceAuthorization | None:
        """The one with this device code, as it was before the device asked now."""


@dataclass(frozen=True)
class DeviceEndpoint:
    """Section 3.1: where a device begins. verification_uri: the page on which the person types the code."""

    authenticate: ClientAuthentication
    waiting: DeviceAuthorizations
    secret: SecretKey
    verification_uri: str

    def answer(self, pairs: Pairs, authorization: str | None, *, now: datetime) -> dict[str, Any]:
        """The codes (section 3.2); raises ``ProtocolError``."""
        form = single_form(pairs)
        client = self.authenticate(form, authorization, now)
        if GRANT_TYPE not in client.grant_types:
            raise ProtocolError("unauthorized_client", "The client is not registered for this grant_type")
        resources = every(pairs, "resource")
        if fault := resource_fault(client, resources):
            raise ProtocolError("invalid_target", fault)
        scope = _scope(form, client)
        for _ in range(_TRIES):
            device_code, user_code = random_token(), new_user_code()
            waiting = DeviceAuthorization(
                device_code_hash=device_code_hash(device_code),
                user_code_hash=user_code_hash(self.secret, user_code),
                client_id=client.client_id,
                scope=scope,
                resources=resources,
                expires_at=now + LIFETIME,
            )
            if self.waiting.add(waiting):
                return self._told(device_code, user_code)
        raise ProtocolError("temporarily_unavailable", "No code is free at the moment", status=503)

    def _told(self, device_code: str, user_code: str) -> dict[str, Any]:
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": f"{self.verification_uri}?user_code={user_code}",
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": int(INTERVAL.total_seconds()),
        }


@dataclass(frozen=True)
class DeviceAnswers:
    """What a person sees of a waiting device, and says to it (section 3.3)."""

    find_client: ClientLookup
    waiting: DeviceAuthorizations
    grants: Grants
    subjects: Subjects
    lifetimes: Lifetimes
    secret: SecretKey
    verification_uri: str

    def find(self, typed: str, *, now: datetime) -> DeviceAuthorization | None:
        """The device that shows this code and still waits."""
        user_code = clean_user_code(typed)
        if user_code is None:
            return None
        return self.waiting.by_user_code(user_code_hash(self.secret, user_code), now=now)

    def request(self, device: DeviceAuthorization, client: Client | None) -> AuthorizationRequest:
        """What the device asks for, as an authorization request. client: the device's, None where it is gone."""
        return AuthorizationRequest(
            device.client_id,
            self.verification_uri,
            scope=device.scope,
            resources=device.resources,
            max_age=client.default_max_age if client else None,
        )

    def approve(
        self, device: DeviceAuthorization, account_id: str, account_subject: str, sign_in: SignIn, *, now: datetime
    ) -> bool:
        """Grant what the device asked for; False where somebody answered before, or the client is gone."""
        client = self.find_client(device.client_id)
        if client is None:
            return False
        grant = self._grant(device, account_id, self.subjects.of(client, account_subject), sign_in, now)
        # First the grant, which nobody can reach yet, then the one write that decides.
        self.grants.add(grant)
        if not self.waiting.answer(device.device_code_hash, DeviceState.APPROVED, grant.code_hash, now=now):
            self.grants.withdraw(grant.id)
            return False
        return True

    def deny(self, device: DeviceAuthorization, *, now: datetime) -> bool:
        """Tell the device no; False where somebody answered before."""
        return self.waiting.answer(device.device_code_hash, DeviceState.DENIED, now=now)

    def _grant(
        self, device: DeviceAuthorization, account_id: str, subject: str, sign_in: SignIn, now: datetime
    ) -> Grant:
        return Grant(
            id=random_id(),
            account_id=account_id,
            client_id=device.client_id,
            subject=subject,
            scope=device.scope,
            redirect_uri=self.verification_uri,
            sign_in=sign_in,
            # Nobody has this code: the grant is found through the device.
            code_hash=token_hash(random_token()),
            code_expires_at=device.expires_at,
            created_at=now,
            expires_at=self.lifetimes.family_ends(device.scope, device.expires_at, now=now),
            resources=device.resources,
        )


@dataclass(frozen=True)
class DeviceGrant:
    """The grant type of section 3.4, at the token endpoint."""

    issuing: Issuing
    waiting: DeviceAuthorizations
    grants: Grants
    lifetimes: Lifetimes

    def answer(self, call: TokenCall) -> dict[str, Any]:
        """The token response; raises ``ProtocolError``, most often ``authorization_pending`` (section 3.5)."""
        device_code = call.required("device_code")
        device = self.waiting.poll(device_code_hash(device_code), call.client.client_id, now=call.now)
        grant = self.grants.by_code(_approved(device, call.now))
        if grant is None or grant.code_used_at is not None:
            raise invalid_grant("The device code was used before")
        exchange = self.issuing.first_exchange(call, grant, self.lifetimes)
        form = {"grant_type": "authorization_code", "code": device_code, "redirect_uri": grant.redirect_uri}
        try:
            return self.issuing.issue(exchange, form)
        except TakenTwice:
            raise invalid_grant("The device code was used before") from None


def _approved(device: DeviceAuthorization | None, now: datetime) -> str:
    """Hash of the code of the grant that the person gave."""
    if device is None:
        raise invalid_grant("The device code is unknown")
    if device.expires_at <= now:
        raise ProtocolError("expired_token", "The device code has expired")
    if device.state is DeviceState.DENIED:
        raise ProtocolError("access_denied", "The person refused")
    if device.state is DeviceState.WAITING and device.is_too_fast(now):
        raise ProtocolError("slow_down", "The device asks too often")
    if device.code_hash is None:
        raise ProtocolError("authorization_pending", "The person has not answered yet")
    return device.code_hash


def _scope(form: Mapping[str, str], client: Client) -> tuple[str, ...]:
    """As at the authorization endpoint."""
    asked = tuple(dict.fromkeys(form.get("scope", "openid").split()))
    if "openid" not in asked:
        raise ProtocolError("invalid_scope", "The scope openid is missing")
    return granted_scopes(client, asked)
