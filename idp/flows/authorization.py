"""Journey A: a client sends a person; the one place that decides what comes next."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from idp.domain.accounts import Account
from idp.domain.authorization import (
    LIFETIME,
    AuthorizationRequest,
    AuthorizationResponse,
    PendingAuthorization,
    begins_at_university,
    can_be_met,
    must_be_passkey,
    must_be_proof,
    needs_sign_in,
    required_acrs,
)
from idp.domain.claims import FORMER_SUBS, GivesClaims
from idp.domain.consent import asks_every_time, asks_for_what_is_new, may_be_another_program
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.identity import is_named
from idp.domain.keyed import random_id
from idp.domain.logout import EndsSignIns
from idp.domain.measures import Hears, nobody
from idp.domain.proofing import Proofing, ProofingState
from idp.domain.references import go_on_under, present_reference
from idp.domain.sessions import ACR_UNIVERSITY, AMR_CODE, Session, is_fresh
from idp.openid.provider import Provider
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.consents import ConsentStore
from idp.storage.proofings import ProofingStore
from idp.storage.releases import ReleaseStore

logger = logging.getLogger(__name__)


class Step(StrEnum):
    """What the person does next."""

    ADDRESS = "address"
    SIGN_IN = "sign-in"
    PASSKEY = "passkey"
    CODE = "code"
    MAILBOX = "mailbox"
    NEW_PASSWORD = "new-password"
    RENEWED_PASSWORD = "renewed-password"
    CONFIRMATION_OFFER = "confirmation-offer"
    PASSKEY_OFFER = "passkey-offer"
    UNIVERSITY = "university"
    OTHER_PERSON = "other-person"
    GIVE_ADDRESS = "give-address"
    CONSENT = "consent"
    REOPEN = "reopen"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Finished:
    """The journey is over: the browser goes to this address, the client's or our own page's.

    fields: what it posts there (response mode ``form_post``); empty where it merely goes.
    """

    location: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The person signs in first."""

    pending: PendingAuthorization


@dataclass(frozen=True, slots=True)
class AuthorizationFlow:
    provider: Provider
    authorizations: AuthorizationStore
    accounts: AccountStore
    proofings: ProofingStore
    consents: ConsentStore
    releases: ReleaseStore
    ends_sign_ins: EndsSignIns
    audit: AuditTrail
    claims: GivesClaims
    is_confirmation_due: Callable[[Account], bool]
    clock: Callable[[], datetime]
    heard: Hears = nobody

    def begin(self, parameters: Sequence[tuple[str, str]], session: Session) -> Finished | Waiting:
        """Answer an authorization request at once, or keep it until the person has signed in.

        Raises Refusal where nothing may travel to the redirect_uri, AuthorizationError where the error may.
        """
        now = self.clock()
        request = self.provider.read_authorization_request(parameters, now=now)
        account = self._account(session)
        if not can_be_met(request):
            raise self.provider.error(request, "unmet_authentication_requirements", "No sign-in here has that class")
        if self._needs_sign_in(request, session, account, now):
            error = ("login_required", "The person has to sign in")
        elif self._needs_consent(request, session, account, None):
            error = ("consent_required", "The person has to agree")
        else:
            answer = self._answer(request, session, account, present_reference())
            # There are too many such answers for the security log.
            self.heard("authorization.session_sufficed", {})
            return answer
        if "none" in request.prompt:
            self.heard("authorization.session_missed", {"problem": error[0]})
            raise self.provider.error(request, *error)
        return Waiting(self._wait(request, session, account, now))

    def begin_for_account_page(self, session: Session, account_url: str, *, max_age: int | None = None) -> Waiting:
        """A sign-in that no client asked for: it ends on our own page. max_age: seconds, where it must be fresh."""
        request = AuthorizationRequest(None, account_url, max_age=max_age)
        return Waiting(self._wait(request, session, None, self.clock()))

    def begin_proof_for_account_page(self, session: Session, account_url: str) -> Waiting:
        """The person proves at the university once more who they are, and comes back to our own page."""
        insists = {"id_token": {"acr": {"essential": True, "value": ACR_UNIVERSITY}}}
        request = AuthorizationRequest(None, account_url, claims=insists)
        return Waiting(self._wait(request, session, self._account(session), self.clock()))

    def pending(self, authorization_id: str, session: Session) -> PendingAuthorization:
        """The request waiting in this browser; refuses a request that expired or was started in another browser."""
        return _waiting(self.authorizations.find(authorization_id, session.browser, now=self.clock()))

    def take_address(self, authorization_id: str, session: Session, address: str | None) -> PendingAuthorization:
        """The same request with this address; what was begun with another one is forgotten. None: ask for one."""
        begun: dict[str, str | bool | None] = {"proofing_id": None, "one_time_code_id": None}
        return _waiting(
            self.authorizations.update(
                authorization_id, session.browser, begun | {"address": address}, now=self.clock()
            )
        )

    def client_name(self, pending: PendingAuthorization, language: str) -> str | None:
        """How pages name the application that the person is on the way to."""
        client = self.provider.client(pending.request.client_id) if pending.request.client_id else None
        return client.display_name(language) if client else None

    def go_on(self, pending: PendingAuthorization, session: Session, *, may_finish: bool) -> Step | Finished:
        """What comes next in this journey, or its end: the answer to the request, given at once where it may be."""
        account = self._account(session)
        step = self._next_step(pending, session, account, self._proofing(pending))
        return self._finish(pending, session, account) if step is Step.FINISH and may_finish else step

    def next_step(self, pending: PendingAuthorization, session: Session) -> Step:
        """What comes next in this journey."""
        return self._next_step(pending, session, self._account(session), self._proofing(pending))

    def proofing_at(self, step: Step, pending: PendingAuthorization, session: Session) -> Proofing | None:
        """The proofing that waits for this step; None where something else comes next in this journey."""
        proofing = self._proofing(pending)
        is_next = self._next_step(pending, session, self._account(session), proofing) is step
        return proofing if is_next else None

    def account_at(self, step: Step, pending: PendingAuthorization, session: Session) -> Account | None:
        """The account that is signed in, where this step comes next in the journey; else None."""
        account = self._account(session)
        return account if self._next_step(pending, session, account, self._proofing(pending)) is step else None

    def is_proven_elsewhere(self, pending: PendingAuthorization) -> bool:
        """Whether the proof that this journey began has ended in another browser, with a password chosen there."""
        proofing = self._proofing(pending)
        return proofing is not None and proofing.state is ProofingState.COMPLETED

    def _next_step(
        self, pending: PendingAuthorization, session: Session, account: Account | None, proofing: Proofing | None
    ) -> Step:
        """The only place that decides what comes next."""
        if account is None and self._is_closed(session):
            return Step.REOPEN
        step = None if proofing is None else _step_of(proofing, pending)
        is_other = proofing is not None and account is not None and not is_named(account, proofing.identities)
        has_link = proofing is not None and proofing.has_link(pending.id)
        # Where the university named another person than the one who is signed in here, the journey does not go on for
        # the one who is signed in. And a link that was followed here is not used before the password is chosen.
        if step is not None and (is_other or has_link):
            return step
        renews = pending.renews_password and _signed_in_by_code(session, pending)
        # Somebody may have found the page that asks for another password, or an older journey beside it, in a browser
        # that was left signed in: they first show that they are the person.
        is_left_there = renews and not is_fresh(session, now=self.clock())
        if not (
            is_left_there or self._needs_sign_in(pending.request, session, account, self.clock(), pending.created_at)
        ):
            if renews:
                return Step.RENEWED_PASSWORD
            if self._offers_confirmation(pending, session, account):
                return Step.CONFIRMATION_OFFER
            if pending.offers_passkey:
                return Step.PASSKEY_OFFER
            return Step.CONSENT if self._needs_consent(pending.request, session, account, pending) else Step.FINISH
        if step is not None:
            return step
        if must_be_passkey(pending.request):
            return Step.PASSKEY
        if pending.address is None:
            return Step.ADDRESS
        if must_be_proof(pending.request):
            return Step.UNIVERSITY
        if pending.one_time_code_id:
            return Step.CODE
        return Step.UNIVERSITY if begins_at_university(pending.request) else Step.SIGN_IN

    def keep_password(self, pending: PendingAuthorization, session: Session) -> None:
        """No other password is asked for in this journey: one was chosen, or the person prefers to do it later."""
        self.authorizations.update(pending.id, session.browser, {"renews_password": False}, now=self.clock())

    def offer_passkey(self, pending: PendingAuthorization, session: Session, *, offers: bool) -> None:
        """Whether this journey leads past the offer of a passkey."""
        self.authorizations.update(pending.id, session.browser, {"offers_passkey": offers}, now=self.clock())

    def put_off_confirmation(self, pending: PendingAuthorization, session: Session) -> None:
        """« Plus tard »: and no passkey is offered, as one offer is enough on the way to an application."""
        account = self._account(session)
        if account is not None:
            self.accounts.put_off_confirmation(account.id, now=self.clock())
        self.offer_passkey(pending, session, offers=False)

    def _offers_confirmation(self, pending: PendingAuthorization, session: Session, account: Account | None) -> bool:
        """Whether the person has just signed in on the way to an application, and their status has ended.

        A class that the client insists on would not outlive the confirmation, which is a sign-in of its own class.
        """
        if account is None or session.sign_in is None or pending.request.client_id is None:
            return False
        return (
            _has_just_signed_in(session, pending)
            and not required_acrs(pending.request)
            and self.is_confirmation_due(account)
        )

    def _finish(self, pending: PendingAuthorization, session: Session, account: Account | None) -> Finished:
        """Answer the waiting request; a second answer to the same request is refused."""
        taken = self.authorizations.take(pending.id, session.browser, now=self.clock())
        if taken is None:
            raise Refusal("authorization.expired", "answered already")
        try:
            finished = self._answer(taken.request, session, account, taken.reference)
        except Refusal as refusal:
            raise refusal.during(taken.reference) from refusal
        self._note("authorization.answered", taken, session.sign_in.account_id if session.sign_in else None)
        return finished

    def reference_of(self, authorization_id: str, session: Session) -> str | None:
        """The reference of the journey with this handle, where it is still under way in this browser."""
        found = self.authorizations.find(authorization_id, session.browser, now=self.clock())
        return found.reference if found else None

    def cancel(self, pending: PendingAuthorization, session: Session) -> Finished:
        """The person does not want to sign in or to agree: the client is told so (RFC 6749 4.1.2.1)."""
        self.authorizations.take(pending.id, session.browser, now=self.clock())
        self._note("authorization.cancelled", pending, session.sign_in.account_id if session.sign_in else None)
        if pending.request.client_id is None:
            return Finished(pending.request.redirect_uri)
        try:
            return self.tell(self.provider.error(pending.request, "access_denied", "The person did not agree"))
        except Refusal as refusal:
            raise refusal.during(pending.reference) from refusal

    def tell(self, error: AuthorizationError) -> Finished:
        """Where and how the browser carries an error that may travel."""
        return _finished(self.provider.error_response(error))

    def _wait(
        self, request: AuthorizationRequest, session: Session, account: Account | None, now: datetime
    ) -> PendingAuthorization:
        pending = PendingAuthorization(
            id=random_id(),
            browser=session.browser,
            request=request,
            created_at=now,
            expires_at=now + LIFETIME,
            reference=present_reference(),
            # A person who is known, and only has to prove again who they are, is not asked for the address.
            address=account.address if account and must_be_proof(request) else None,
        )
        self.authorizations.put(pending)
        # Whoever opens a page has done nothing yet: a line of the log, and no event that is kept for a year. What the
        # person does next says where it leads.
        begun = {"client_id": pending.for_whom}
        logger.info("authorization.waiting", extra={"fields": begun})
        self.heard("authorization.waiting", begun)
        return pending

    def _note(self, event: str, pending: PendingAuthorization, account_id: str | None) -> None:
        self.audit.append(
            event, at=self.clock(), reference=pending.reference, account_id=account_id, client_id=pending.for_whom
        )

    def _proofing(self, pending: PendingAuthorization) -> Proofing | None:
        return self.proofings.find(pending.proofing_id, now=self.clock()) if pending.proofing_id else None

    def _account(self, session: Session) -> Account | None:
        """The account that is signed in, if it may still be used."""
        return self.accounts.signed_in(session)

    def _is_closed(self, session: Session) -> bool:
        """Whether the person who signed in here closed the account, and may have it back."""
        account = self.accounts.of_session(session)
        return account is not None and account.is_closed(self.clock())

    def _needs_sign_in(
        self,
        request: AuthorizationRequest,
        session: Session,
        account: Account | None,
        now: datetime,
        asked_at: datetime | None = None,
    ) -> bool:
        if account is None or needs_sign_in(request, session.sign_in, now=now, asked_at=asked_at):
            return True
        # Somebody who has just signed in for this request gets an answer, even if that is the error that the client
        # wanted another person.
        signed_in_for_this = (
            asked_at is not None and session.sign_in is not None and session.sign_in.proven_at >= asked_at
        )
        return not signed_in_for_this and not self._is_hinted(request, account)

    def _needs_consent(
        self,
        request: AuthorizationRequest,
        session: Session,
        account: Account | None,
        pending: PendingAuthorization | None,
    ) -> bool:
        """Whether the person is asked before data goes to the client; ``pending``: the journey, once there is one."""
        client = self.provider.client(request.client_id) if request.client_id else None
        if client is None or account is None or (pending is not None and pending.consent_of == account.id):
            return False
        is_silent = pending is None or not _has_just_signed_in(session, pending)
        if is_silent and may_be_another_program(client, request.redirect_uri):
            return True
        if asks_every_time(client, request) or not asks_for_what_is_new(client):
            return asks_every_time(client, request)
        given = self.consents.find(account.id, client.client_id)
        return given is None or not given.covers(frozenset(request.scope), self.provider.asked_claims(request))

    def _is_withdrawn(self, request: AuthorizationRequest, account: Account, client_id: str) -> bool:
        """Whether the person has taken back what they agreed to, since that was looked at. They do so on the page of
        their own; whoever is not asked agreed to nothing."""
        client = self.provider.client(client_id)
        is_asked = client is not None and (asks_every_time(client, request) or asks_for_what_is_new(client))
        return is_asked and self.consents.find(account.id, client_id) is None

    def _is_hinted(self, request: AuthorizationRequest, account: Account) -> bool:
        """Whether the account is the one that ``id_token_hint`` or ``claims`` names, if any (Core 3.1.2.1, 5.5.1)."""
        return request.client_id is None or self.provider.is_about(request, account.subject)

    def _answer(
        self, request: AuthorizationRequest, session: Session, account: Account | None, reference: str
    ) -> Finished:
        if account is None or session.sign_in is None:
            raise Refusal("account.disabled", "no usable account behind the session", status=403)
        if request.client_id is None:
            return Finished(request.redirect_uri)
        answer = self.provider.authorize(
            _with_former_subs(request, account),
            account.id,
            account.subject,
            session.sign_in,
            now=self.clock(),
            reference=reference,
        )
        if self._is_withdrawn(request, account, request.client_id):
            # Where the grant came after those that this ended, it is there still; nobody was told of its code.
            self.ends_sign_ins.of_application(account.id, request.client_id)
            raise self.provider.error(request, "consent_required", "The person has to agree")
        # Noted before the answer leaves, and not for an error: a client that is refused receives nothing.
        self._note_release(request, account, request.client_id)
        return _finished(answer)

    def _note_release(self, request: AuthorizationRequest, account: Account, client_id: str) -> None:
        now, asked = self.clock(), self.provider.asked_claims(request)
        self.releases.note_news(account, client_id, asked, self.claims(account), now=now)


def _has_just_signed_in(session: Session, pending: PendingAuthorization) -> bool:
    """Whether the person signed in since this journey began."""
    return session.sign_in is not None and session.sign_in.proven_at >= pending.created_at


def _signed_in_by_code(session: Session, pending: PendingAuthorization) -> bool:
    """Whether a mailed code led in on this journey: a code of days ago says nothing of a password forgotten now."""
    is_by_code = session.sign_in is not None and session.sign_in.methods == (AMR_CODE,)
    return is_by_code and _has_just_signed_in(session, pending)


def _waiting(found: PendingAuthorization | None) -> PendingAuthorization:
    if found is None:
        raise Refusal("authorization.expired", "no such request in this browser")
    go_on_under(found.reference)
    return found


def _with_former_subs(request: AuthorizationRequest, account: Account) -> AuthorizationRequest:
    """The request, asking for ``former_subs`` in the ID token where this client knew the person by another ``sub``."""
    if not any(request.client_id in former.clients for former in account.former_subjects):
        return request
    in_id_token = {**request.claims.get("id_token", {}), FORMER_SUBS: {}}
    return replace(request, claims={**request.claims, "id_token": in_id_token})


def _step_of(proofing: Proofing, pending: PendingAuthorization) -> Step | None:
    """What the person does next for this proofing in this browser, if anything."""
    match proofing.state:
        case ProofingState.ANSWERED:
            return Step.GIVE_ADDRESS if proofing.address is None else Step.OTHER_PERSON
        case ProofingState.VOUCHED:
            return Step.NEW_PASSWORD if proofing.has_link(pending.id) else Step.MAILBOX
        case ProofingState.CONFIRMED if pending.browser in proofing.browsers:
            return Step.NEW_PASSWORD
        case _:
            return None


def _finished(response: AuthorizationResponse) -> Finished:
    return Finished(response.location, response.fields)
