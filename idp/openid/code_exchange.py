"""A code for tokens (RFC 6749 section 4.1.3): every check before the code is used up, in order."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.errors import ProtocolError
from idp.domain.grants import Grant, Lifetimes
from idp.domain.keyed import base64url, same, token_hash
from idp.domain.references import go_on_under
from idp.openid.grant_state import TakenTwice, invalid_grant
from idp.openid.grants import Grants
from idp.openid.issuing import Issuing, TokenCall

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True)
class CodeUse:
    """A code that exists, and what is presented with it."""

    grant: Grant
    form: Mapping[str, str]
    now: datetime
    jkt: str | None


def redirect_uri_is_the_same(use: CodeUse) -> None:
    """RFC 6749 section 4.1.3; every authorization request of ours had one."""
    if use.form.get("redirect_uri") != use.grant.redirect_uri:
        raise invalid_grant("redirect_uri differs from the authorization request")


def code_verifier_fits(use: CodeUse) -> None:
    """RFC 7636 sections 4.1 and 4.6; RFC 9700 section 4.8.2: no verifier without a challenge either."""
    verifier, challenge = use.form.get("code_verifier"), use.grant.code_challenge
    if verifier is None and challenge is None:
        return
    if verifier is None or challenge is None or not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("code_verifier does not fit the authorization request")
    if not same(base64url(hashlib.sha256(verifier.encode("ascii")).digest()), challenge):
        raise invalid_grant("code_verifier does not fit the authorization request")


def code_is_fresh(use: CodeUse) -> None:
    """RFC 6749 section 4.1.2."""
    if use.grant.code_expires_at <= use.now:
        raise invalid_grant("The code has expired")


def key_is_the_announced_one(use: CodeUse) -> None:
    """RFC 9449 section 10."""
    if use.grant.dpop_jkt is not None and use.grant.dpop_jkt != use.jkt:
        raise invalid_grant("The DPoP key differs from the authorization request")


# None of them uses the code up: whoever merely saw it cannot take it from its client.
CODE_CHECKS: tuple[Callable[[CodeUse], None], ...] = (
    code_is_fresh,
    redirect_uri_is_the_same,
    code_verifier_fits,
    key_is_the_announced_one,
)


class CodeGrant:
    """The grant type ``authorization_code``."""

    def __init__(self, issuing: Issuing, grants: Grants, lifetimes: Lifetimes) -> None:
        self._issuing = issuing
        self._grants = grants
        self._lifetimes = lifetimes

    def answer(self, call: TokenCall) -> dict[str, Any]:
        """The token response; raises ``ProtocolError``."""
        grant = self._grant_of_code(call)
        try:
            return self._exchanged(grant, call)
        except ProtocolError as error:
            raise error.during(grant.reference or None) from error

    def _exchanged(self, grant: Grant, call: TokenCall) -> dict[str, Any]:
        use = CodeUse(grant, call.form, call.now, call.jkt)
        for check in CODE_CHECKS:
            check(use)
        try:
            return self._issuing.issue(self._issuing.first_exchange(call, grant, self._lifetimes), call.form)
        except TakenTwice:
            self._issuing.end_family(grant, "used_at_the_same_time")
            raise invalid_grant("It was used before") from None

    def _grant_of_code(self, call: TokenCall) -> Grant:
        grant = self._grants.by_code(token_hash(call.required("code")))
        if grant is None or grant.client_id != call.client.client_id:
            raise invalid_grant("The code is unknown")
        go_on_under(grant.reference)
        if grant.code_used_at is not None:
            self._issuing.end_family(grant, "authorization_code_reused")
            raise invalid_grant("The code was used before").during(grant.reference or None)
        if grant.code_expires_at <= call.now:
            # Refused once is refused for good, even by a clock that goes back.
            self._grants.void_code(grant, now=call.now)
        return grant
