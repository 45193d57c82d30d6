"""Proofing: how a person proves once, at their university, who they are."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from idp.domain.accounts import Account, Identity
from idp.domain.keyed import SecretKey


@dataclass(frozen=True, slots=True)
class Vouching:
    """What an identity provider said about a person in a verified assertion; nothing else is ever read from it.

    identifiers: (kind, value), best first: ``subject-id``, ``pairwise-id``, ``eppn``, ``targeted-id``; not yet checked.
    mails: every value of the mail attribute, as released.
    attributes: values by friendly name (``displayName``, ``eduPersonScopedAffiliation``, …).
    """

    entity_id: str
    response_id: str
    assertion_id: str
    authn_instant: datetime
    authn_context: str
    identifiers: tuple[tuple[str, str], ...]
    mails: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    metadata_digest: str = ""


class ProofingState(StrEnum):
    """started (AuthnRequest sent) → received (an answer came: there will be no second one) → answered (and is accepted)
    → vouched (in the right browser; mail sent) → confirmed (mailbox proven) → completed (password chosen).

    It stays answered while the person has something to say first: which address is theirs, or whether to go on as the
    person whom the university named. Whoever is signed in and merely proves it again goes from answered to completed.
    """

    STARTED = "started"
    RECEIVED = "received"
    ANSWERED = "answered"
    VOUCHED = "vouched"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"


class ConfirmedBy(StrEnum):
    """How the mailbox was proven. ``sign-in``: it was not asked for again, the account being signed in already."""

    CODE = "code"
    LINK = "link"
    SIGN_IN = "sign-in"


@dataclass(frozen=True, slots=True)
class Proofing:
    """One journey of proof: one browser, one waiting authorization, one identity provider, one person, one mailbox.

    request_id: id of the one AuthnRequest whose answer is accepted.
    followed_as: the journey in the one other browser in which the mailed link's button was pressed, if it was. There
        the link proves the mailbox together with the password that is chosen, and not before: programs press buttons,
        too. For every other proofing of that journey it proves nothing.
    link_browser: the other browser in which the mailed link was confirmed, if any; it may go on as well.
    mails: every address that the university released, clean.
    address_given: the university released no address; this one is the person's word, until a code proves the mailbox.
    has_earlier_account: the mailbox came from another account, which the same university names otherwise: the person is
        told, and nothing is merged.
    is_new_account: nobody had the account before; False also before it is handed over.
    provider_name, registration_authority: as the metadata had them when the answer came.
    answered_at, vouched_at, confirmed_at: when it came to these states.
    """

    id: str
    browser: str
    authorization_id: str
    entity_id: str
    request_id: str
    reference: str
    created_at: datetime
    expires_at: datetime
    state: ProofingState = ProofingState.STARTED
    identities: tuple[Identity, ...] = ()
    address: str | None = None
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    authn_instant: datetime | None = None
    authn_context: str = ""
    assertion_id: str = ""
    metadata_digest: str = ""
    account_id: str | None = None
    has_earlier_account: bool = False
    is_new_account: bool = False
    link_browser: str | None = None
    followed_as: str | None = None
    mails: tuple[str, ...] = ()
    address_given: bool = False
    provider_name: str = ""
    registration_authority: str = ""
    answered_at: datetime | None = None
    vouched_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: ConfirmedBy | None = None

    @property
    def browsers(self) -> tuple[str, ...]:
        """The browsers in which this journey may go on."""
        return (self.browser,) if self.link_browser is None else (self.browser, self.link_browser)

    @property
    def is_confirmed(self) -> bool:
        """Whether the mailbox is proven, whatever came after it."""
        return self.state in (ProofingState.CONFIRMED, ProofingState.COMPLETED)

    def has_link(self, authorization_id: str) -> bool:
        """Whether this journey, in another browser, came from the button of this proofing's own mailed link."""
        return self.followed_as == authorization_id


LINK_LIFETIME = timedelta(hours=24)


def link_token(secret: SecretKey, proofing_id: str) -> str:
    """The secret part of the mailed link: derived, 256 bits; the database holds only its hash."""
    return secret.token("proofing-link", proofing_id)


class ConfirmsMailbox(Protocol):
    """Takes the mailbox as the person's own."""

    def __call__(self, proofing: Proofing, by: ConfirmedBy, *, link_browser: str | None = None) -> Proofing:
        """The proofing, confirmed, with its account; everything older for the address and the account has ended.

        link_browser: the other browser in which the mailed link proved it. Refuses ``proofing.link_used`` whoever
        comes second, and what ``AdoptsAccount`` refuses.
        """


@dataclass(frozen=True, slots=True)
class Adopted:
    """An account that was handed over; has_earlier_account, is_new_account: as in ``Proofing``."""

    account_id: str
    has_earlier_account: bool
    is_new_account: bool


class AdoptsAccount(Protocol):
    """Hands the person's account over once the mailbox is proven."""

    def __call__(self, proofing: Proofing) -> Adopted:
        """The account, made anew if need be; whatever was open for it before has ended.

        Refuses ``proofing.identity_conflict``.
        """

    def expected(self, proofing: Proofing) -> Account | None:
        """Which account handing it over now would find by what the university says; changes nothing."""

    def expects_earlier_account(self, proofing: Proofing) -> bool:
        """Whether handing it over now would find that the mailbox has an earlier account; changes nothing."""
