"""The browser at the other end: its cookies, its session, its proof that a form is ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, make_response, redirect

from idp.domain.errors import Refusal
from idp.domain.sessions import Session, SignedIn
from idp.flows.browser_sessions import BrowserSessions
from idp.web import forms
from idp.web.this_answer import this_answer, this_request

DEVICE_LIFETIME = 365 * 24 * 3600
LANGUAGE_LIFETIME = 365 * 24 * 3600
# Gunicorn and the usual proxies take a request line of about 8,000 characters.
_LONGEST_LINK = 7_000
# Cookies that outlive a session and say something of a person: a known device, the account, the university.
_KEPT_OF_A_PERSON = ("device", "account", "university")


@dataclass(frozen=True, slots=True)
class Browser:
    """Reads and writes our cookies. ``secure`` under https: then names carry ``__Host-`` (RFC 6265bis 4.1.3.2)."""

    sessions: BrowserSessions
    secure: bool

    def cookie_name(self, name: str) -> str:
        return f"__Host-idp_{name}" if self.secure else f"idp_{name}"

    def cookie(self, name: str) -> str | None:
        return this_request().cookies.get(self.cookie_name(name))

    @property
    def device(self) -> str | None:
        """The long-lived cookie of a browser that signed in before."""
        return self.cookie("device")

    def known_session(self) -> Session | None:
        """The session of this browser, if it has one; looked up once per request."""
        answer = this_answer()
        if not answer.is_session_read:
            answer.has_session(self.sessions.find(self.cookie("session"), _user_agent()))
        return answer.session

    def session(self) -> Session:
        """The session of this browser, opened if need be."""
        known = self.known_session()
        if known is not None:
            return known
        cookie, opened = self.sessions.open(_user_agent())
        self._remember(cookie, opened)
        return opened

    def posted_session(self, *, of_account: bool = False) -> Session:
        """The session behind a form of ours; refuses a form without our token and a browser without cookies.

        of_account: the form stands on pages that only an account that is signed in is shown.
        """
        session = self.known_session()
        if session is None:
            raise Refusal("authorization.expired" if self._has_ours() else "browser.cookies", "form without session")
        token = this_request().form.get("csrf_token", "")
        if not self.sessions.is_csrf_token(session, token, of_account=of_account):
            raise Refusal("request.csrf", "form without our token", status=403)
        return session

    def as_link(self, parameters: Sequence[tuple[str, str]]) -> Response | None:
        """Leads a request that was posted without our cookie to the same as a link; None for every other request.

        What another site posts comes without it (SameSite=Lax), what is followed as a link, with it. Such a POST is no
        sign of a browser without a session, and must not give it another one in the place of its own. One that is too
        long for a link is none: see ``was_kept_back``.
        """
        if not self._is_posted_without_session:
            return None
        request = this_request()
        link = f"{request.script_root}{request.path}?{urlencode(parameters)}"
        return make_response(redirect(link, 303)) if len(link) <= _LONGEST_LINK else None

    @property
    def was_kept_back(self) -> bool:
        """Whether another site posted this, so that our cookie was kept back if there is one (Fetch Metadata 2.3)."""
        return self._is_posted_without_session and this_request().headers.get("Sec-Fetch-Site") == "cross-site"

    @property
    def _is_posted_without_session(self) -> bool:
        return this_request().method == "POST" and self.known_session() is None

    def session_to_end(self, *, of_account: bool = False) -> Session | None:
        """The session that a form of ours ends; None where nobody is signed in, as after the same form before.

        Then there is nothing to protect, and the person is told that they are signed out, whatever the form's token.
        """
        return self.posted_session(of_account=of_account) if self.is_signed_in else None

    @property
    def is_signed_in(self) -> bool:
        session = self.known_session()
        return session is not None and session.sign_in is not None

    def csrf_token(self) -> str:
        """The token for the forms of the page being rendered."""
        return self.sessions.csrf_token(self.session())

    def signed_in(self, signed_in: SignedIn, address: str | None = None) -> None:
        """Give the browser the cookies of its new session; on a shared computer nothing else stays.

        address: remembered for the next time, as the person's account card.
        """
        self._remember(signed_in.session_cookie, signed_in.session)
        if signed_in.session.is_shared:
            for name in _KEPT_OF_A_PERSON:
                self.forget(name)
            return
        self.remember("device", signed_in.device_cookie, DEVICE_LIFETIME)
        if address is not None:
            self.remember("account", self.sessions.account_card(address), DEVICE_LIFETIME)

    @property
    def remembered_address(self) -> str | None:
        """The address of the account that was signed in here before, if the browser may show it."""
        return self.sessions.address_on(self.cookie("account"))

    def share(self, *, is_shared: bool) -> Session:
        """This browser's session, knowing whether others use the computer."""
        cookie, session = self.sessions.share(self.session(), is_shared=is_shared)
        if cookie is not None:
            self._remember(cookie, session)
        this_answer().has_session(session)
        return session

    def hear_whether_shared(self) -> Session:
        """Follow what the form that was sent says of the computer: by its box, or by the page's box beside it."""
        return self.share(is_shared="yes" in (forms.optional_field("shared"), forms.optional_field("shared_now")))

    def signed_out(self) -> None:
        """Take the session's cookie away."""
        answer = this_answer()
        # Nothing asks for it after this today. Whatever will, finds nobody signed in any more.
        answer.has_session(None)
        answer.cookies["session"] = ("", 0)

    def remember_language(self, language: str) -> None:
        self.remember("language", language, LANGUAGE_LIFETIME)

    def remember(self, name: str, value: str, seconds: int) -> None:
        """Keep a preference of this device, e.g. the last choice: something that opens nothing."""
        this_answer().cookies[name] = (value, seconds)

    def forget(self, name: str) -> None:
        """Take a cookie away."""
        self.remember(name, "", 0)

    def write_cookies(self, response: Response) -> Response:
        """Set what changed during this request."""
        for name, (value, max_age) in this_answer().cookies.items():
            response.set_cookie(
                self.cookie_name(name),
                value,
                max_age=max_age,
                path="/",
                secure=self.secure,
                httponly=True,
                samesite="Lax",
            )
        return response

    def _has_ours(self) -> bool:
        """Whether the browser keeps cookies of ours at all; others on the same host say nothing (RFC 6265 8.5)."""
        return any(name.startswith(self.cookie_name("")) for name in this_request().cookies)

    def _remember(self, cookie: str, session: Session) -> None:
        answer = this_answer()
        answer.has_session(session)
        answer.cookies["session"] = (cookie, None)


def _user_agent() -> str:
    return this_request().headers.get("User-Agent", "")
