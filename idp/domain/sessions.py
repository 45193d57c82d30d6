"""A browser's session, before and after its sign-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from idp.domain.device_kinds import DeviceKind

# How fresh a sign-in must be for changing what protects the account.
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One real sign-in of one account: what ``auth_time``, ``amr``, ``acr`` and ``sid`` of every token tell.

    methods: authentication method references (RFC 8176): ``pwd``, ``otp`` (a mailed code), ``hwk`` or
        ``swk`` with ``user`` (a passkey).
    ends_at: when the browser's session ends at the latest; None where it was read back from a grant.
    kind: of the browser, for the person's own list of sessions.
    authenticated_at: when the person last showed that it is them, where that was before the sign-in began: one goes on
        under a new session, without showing anything, when another password is chosen.
    """

    account_id: str
    sid: str
    at: datetime
    methods: tuple[str, ...]
    acr: str
    ends_at: datetime | None = None
    kind: DeviceKind | None = None
    authenticated_at: datetime | None = None

    @property
    def proven_at(self) -> datetime:
        """``auth_time``; ``at`` says what is ended with the sign-ins that began before some moment."""
        return self.authenticated_at or self.at


@dataclass(frozen=True, slots=True)
class Session:
    """What one browser holds.

    id: hash of the cookie's value, which changes at every sign-in; empty before one (``domain.anonymous_sessions``).
    browser: random, stable over sign-ins: what requests, codes and proofings are bound to.
    is_shared: the person said that others use this computer: nothing of ours outlives the window.
    user_agent: what the browser says now that it is; a sign-in keeps its kind, and nothing keeps it as it came.
    """

    id: str
    browser: str
    expires_at: datetime
    sign_in: SignIn | None = None
    is_shared: bool = False
    user_agent: str = ""


def is_fresh(session: Session, *, now: datetime) -> bool:
    """Whether the sign-in is recent enough for a sensitive act."""
    return session.sign_in is not None and now - session.sign_in.proven_at <= FRESH


# Authentication context classes that we tell (OpenID Connect Core section 2, acr). A mailed code is not a second
# factor and never raises it; a fresh proof at the university is a class of its own, and so is a passkey, which a false
# page cannot make use of.
ACR_BASIC = "urn:uness:acr:basic"
ACR_UNIVERSITY = "urn:uness:acr:university"
ACR_PHISHING_RESISTANT = "urn:uness:acr:phishing-resistant"
ACR_VALUES = (ACR_BASIC, ACR_UNIVERSITY, ACR_PHISHING_RESISTANT)

# Authentication method references (RFC 8176).
AMR_PASSWORD = "pwd"
AMR_CODE = "otp"
AMR_HARDWARE_KEY = "hwk"
AMR_SOFTWARE_KEY = "swk"
AMR_PRESENCE = "user"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that has just happened: the new session and the values of the cookies that go with it.

    device_cookie: empty on a shared computer, which is not remembered.
    """

    session: Session
    session_cookie: str
    device_cookie: str


class SignsIn(Protocol):
    """Turns a browser's session into a signed-in one; every way of signing in ends here.

    authenticated_at: as in ``SignIn``, where nobody has authenticated just now.
    """

    def __call__(
        self,
        session: Session,
        *,
        account_id: str,
        methods: tuple[str, ...],
        acr: str,
        device: str | None,
        now: datetime,
        authenticated_at: datetime | None = None,
    ) -> SignedIn: ...
