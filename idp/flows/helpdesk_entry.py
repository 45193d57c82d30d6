"""The way into the helpdesk console: it is a relying party of this provider, like any other.

Authorization code flow with PKCE, a fresh sign-in, and the claim ``roles``; code and ID token pass the same endpoints'
code as everybody's. State, nonce and verifier are derived from the browser, so that nothing has to be kept meanwhile.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp.domain.errors import ProtocolError, Refusal
from idp.domain.helpdesk import HELPDESK_ROLE, ConsoleSession
from idp.domain.keyed import SecretKey, base64url, random_id, same
from idp.domain.references import present_reference
from idp.domain.sessions import ACR_PHISHING_RESISTANT, Session
from idp.openid.provider import Provider
from idp.storage.audit import AuditTrail
from idp.storage.helpdesk_sessions import HelpdeskSessionStore
from idp.storage.sessions import SessionStore

# How fresh the sign-in must be, and how long the console stays open after it.
FRESH = timedelta(minutes=10)
LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class HelpdeskEntry:
    """callback_url: where people come back. needs_passkey: whether nothing less than a passkey lets anybody in.

    roles: those of the account with this id at this moment.
    """

    provider: Provider
    console: HelpdeskSessionStore
    sessions: SessionStore
    audit: AuditTrail
    secret: SecretKey
    client_id: str
    callback_url: str
    needs_passkey: bool
    roles: Callable[[str], tuple[str, ...]]
    clock: Callable[[], datetime]

    def begin(self, session: Session) -> dict[str, Any]:
        """What the browser asks the authorization endpoint for (OpenID Connect Core section 3.1.2.1, RFC 7636)."""
        state = random_id()
        digest = hashlib.sha256(self._derived("verifier", state, session).encode()).digest()
        wished: dict[str, Any] = {"roles": {"essential": True}}
        if self.needs_passkey:
            wished["acr"] = {"essential": True, "value": ACR_PHISHING_RESISTANT}
        return {
            "client_id": self.client_id,
            "redirect_uri": self.callback_url,
            "response_type": "code",
            "scope": "openid email roles",
            "state": state,
            "nonce": self._derived("nonce", state, session),
            "code_challenge": base64url(digest),
            "code_challenge_method": "S256",
            "max_age": str(int(FRESH.total_seconds())),
            "claims": json.dumps({"id_token": wished | {"email": None}}),
        }

    def finish(self, answer: Mapping[str, str], session: Session) -> str:
        """Open the console for whoever came back; the value of its cookie.

        Raises Refusal where the answer is an error, was not asked for here, or is about somebody without the role.
        """
        if "error" in answer or answer.get("iss") != self.provider.issuer:
            raise Refusal("helpdesk.not_signed_in", answer.get("error", "")[:100], status=403)
        claims = self._claims(answer.get("code", ""), answer.get("state", ""), session)
        sign_in, now = session.sign_in, self.clock()
        if HELPDESK_ROLE not in claims.get("roles", ()) or sign_in is None:
            raise Refusal("helpdesk.not_operator", str(claims.get("sub", "")), status=403)
        client = self.provider.client(self.client_id)
        if client is None or claims.get("sid") != self.provider.sid_for(client, sign_in.sid):
            raise Refusal("helpdesk.not_signed_in", "ID token of another sign-in", status=403)
        opened = ConsoleSession(
            operator=str(claims.get("email") or claims["sub"]),
            account_id=sign_in.account_id,
            sid=sign_in.sid,
            browser=session.browser,
            expires_at=now + LIFETIME,
        )
        cookie = self.console.open(opened)
        self.audit.append(
            "helpdesk.entered",
            at=now,
            reference=present_reference(),
            account_id=opened.account_id,
            operator=opened.operator,
        )
        return cookie

    def operator(self, cookie: str | None, session: Session | None) -> ConsoleSession | None:
        """Who helps in this browser, while their sign-in lasts and they have the role."""
        if not cookie or session is None:
            return None
        now = self.clock()
        found = self.console.find(cookie, session.browser, now=now)
        if found is None or HELPDESK_ROLE not in self.roles(found.account_id):
            return None
        lasts = any(sign_in.sid == found.sid for sign_in in self.sessions.of_account(found.account_id, now=now))
        return found if lasts else None

    def _claims(self, code: str, state: str, session: Session) -> Mapping[str, Any]:
        """The ID token's, checked (Core section 3.1.3.7)."""
        form = [
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id),
            ("code", code),
            ("redirect_uri", self.callback_url),
            ("code_verifier", self._derived("verifier", state, session)),
        ]
        now = self.clock()
        try:
            tokens = self.provider.token(form, None, now=now)
        except ProtocolError as error:
            raise Refusal("helpdesk.not_signed_in", error.description, status=403) from error
        claims = self.provider.read_id_token(str(tokens["id_token"])) or {}
        is_ours = claims.get("aud") == self.client_id and same(
            str(claims.get("nonce", "")), self._derived("nonce", state, session)
        )
        age = now.timestamp() - float(claims.get("auth_time", 0))
        if not is_ours or age > FRESH.total_seconds() or not self._is_strong(claims):
            raise Refusal("helpdesk.not_signed_in", "ID token not as asked for", status=403)
        return claims

    def _is_strong(self, claims: Mapping[str, Any]) -> bool:
        return not self.needs_passkey or claims.get("acr") == ACR_PHISHING_RESISTANT

    def _derived(self, what: str, state: str, session: Session) -> str:
        return self.secret.token(f"helpdesk-{what}", state, session.browser)
