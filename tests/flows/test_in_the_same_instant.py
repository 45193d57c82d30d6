"""Two acts on one account in the same instant: what the one takes away, the other one does not bring back."""

from dataclasses import replace
from functools import partial

import pytest

from idp.app import Services, first_time, flows, own_account, ways_in
from idp.domain.accounts import Account
from idp.domain.consent import Consent
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.merging import OFFER_LIFETIME, Merge
from idp.domain.one_time_codes import CodePurpose, OneTimeCode, digits
from idp.domain.passkeys import MOST_PER_ACCOUNT, Credential, Passkey, PasskeyRefused
from idp.domain.proofing import ConfirmedBy, Proofing, ProofingState
from idp.domain.sessions import SignedIn
from idp.flows.adoption import Adoption
from idp.flows.authorization import Finished
from idp.flows.passkeys import PasskeyFlow
from idp.passkeys.relying_party import RelyingParty
from idp.storage.grants import GrantStore
from idp.storage.merged_accounts import MergedAccounts
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore
from tests.flows.one_person import (
    ADDRESS,
    OTHER_PASSWORD,
    OWN,
    PASSWORD,
    a_minute_passes,
    account,
    adopted,
    at_the_end_of,
    give_back,
    signed_in,
)
from tests.openid.world import asking

ANOTHER = "voleur@b.example"
OTHER_MAILBOX = "ines@b.example"


def has_asked(services: Services, browser: SignedIn) -> OneTimeCode:
    """For one more address, whose code has come by mail."""
    asked = ways_in.addresses(services).ask(account(services), browser.session, ANOTHER, locale=None)
    assert isinstance(asked, OneTimeCode)
    assert asked.purpose is CodePurpose.ADDRESS
    return asked


@pytest.mark.parametrize("how", ["given back", "everywhere", "that session"])
def test_an_address_that_is_added_while_its_sender_is_put_out_does_not_stay(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Its code was taken just before; a code mailed there would lead in from then on."""
    thief, owner = signed_in(services), signed_in(services)
    asked = has_asked(services, thief)

    def put_out() -> None:
        if how == "given back":
            assert give_back(services) is None
        elif how == "everywhere":
            flows.account(services).sign_out_everywhere(account(services), owner.session)
        else:
            assert thief.session.sign_in is not None
            flows.access(services).end_session(account(services), owner.session, thief.session.sign_in.sid)

    at_the_end_of(monkeypatch, (OneTimeCodeStore, "take"), put_out)
    typed = digits(services.secret, asked.id)
    with pytest.raises(Refusal) as refused:
        ways_in.addresses(services).confirm(account(services), thief.session, asked, typed)
    assert refused.value.reason == "authorization.expired"
    assert account(services).addresses == (ADDRESS,)


def keeps(services: Services, name: str) -> Passkey:
    """A passkey that has signed in already, and is not lost with its device."""
    now = services.clock()
    kept = Passkey(Credential(name, b"key", 0, "", (), True, True), "account-1", b"handle", name, now, used_at=now)
    assert services.stores.passkeys.add(kept)
    return kept


@pytest.mark.parametrize("how", ["proof", "given back", "closed"])
def test_a_passkey_that_is_put_back_while_everybody_is_put_out_does_not_stay(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It is put back because the account had lost its last one, which by then is as it should be."""
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=services.clock())
    keeps(services, "the last one")
    services.stores.accounts.set_only_passkeys("account-1", only=True)
    acts = {
        "proof": lambda: adopted(services),
        "given back": lambda: give_back(services),
        "closed": lambda: own_account.closing(services).close(account(services)),
    }
    seen = replace(account(services), only_passkeys=False)
    at_the_end_of(monkeypatch, (PasskeyFlow, "_is_locked_out"), acts[how])
    ways_in.passkeys(services).remove(seen, "the last one")
    assert services.stores.passkeys.of_account("account-1") == ()


def test_who_chooses_passkeys_alone_while_the_account_is_given_back_keeps_nobody_out(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps(services, "a thief's")
    chooses = partial(ways_in.passkeys(services).take_only_passkeys, account(services))
    at_the_end_of(monkeypatch, (PasskeyStore, "remove_account"), chooses, before=True)
    assert give_back(services) is None
    assert account(services).lets_in_by_code(services.clock())


def test_nor_do_passkeys_that_leave_with_the_other_account_when_two_are_parted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Account("other", "subject-2", services.clock(), addresses=("other@univ-exemple.fr",))
    services.stores.accounts.create(other)
    came = keeps(services, "came along")
    services.database.collection("passkeys").update_one({"_id": came.id}, {"$set": {"account_id": "other"}})
    merging = own_account.merging(services)
    assert merging.merge_by_hand("account-1", "other")
    (merge,) = merging.undoable(account(services))
    chooses = partial(ways_in.passkeys(services).take_only_passkeys, account(services))
    at_the_end_of(monkeypatch, (PasskeyStore, "separate"), chooses, before=True)
    assert merging.undo(account(services), merge.id) is None
    assert services.stores.passkeys.of_account("account-1") == ()
    assert account(services).lets_in_by_code(services.clock())


@pytest.mark.parametrize("how", ["given back", "proof", "everywhere"])
def test_an_account_that_is_merged_in_while_its_sender_is_put_out_brings_nothing_of_theirs(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It is the thief's own, has no password, and would bring their address and passkey into the account."""
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=services.clock())
    services.stores.accounts.create(Account("theirs", "subject-2", services.clock(), addresses=(ANOTHER,)))
    theirs = Passkey(Credential("id", b"key", 0, "", (), True, True), "theirs", b"handle", "x", services.clock())
    assert services.stores.passkeys.add(theirs)
    thief, owner, now = signed_in(services), signed_in(services), services.clock()
    offered = Merge("m", "account-1", "theirs", ANOTHER, now, now + OFFER_LIFETIME)
    services.stores.merges.offer(offered, thief.session.browser)
    acts = {
        "given back": lambda: give_back(services),
        "proof": lambda: adopted(services),
        "everywhere": lambda: flows.account(services).sign_out_everywhere(account(services), owner.session),
    }
    merging, seen = own_account.merging(services), account(services)
    offer = merging.offer(seen, thief.session, "m")
    assert offer is not None
    at_the_end_of(monkeypatch, (MergedAccounts, "leave"), acts[how])
    assert merging.accept(seen, thief.session, offer, "") == "merge.changed"
    assert account(services).addresses == (ADDRESS,)
    assert services.stores.passkeys.of_account("account-1") == ()
    assert [one.id for one in services.stores.passkeys.of_account("theirs")] == [theirs.id]
    assert not services.stores.merges.is_under_way("account-1")


def test_many_passkeys_that_are_added_at_once_are_no_more_than_an_account_may_have(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST_PER_ACCOUNT - 1):
        keeps(services, f"id{number:02}")
    browser, flow = signed_in(services), ways_in.passkeys(services)
    offer = flow.offer(account(services), browser.session)

    def created(*_: object) -> Credential:
        keeps(services, "idmw")
        return Credential("more", b"key", 0, "", (), False, False)

    monkeypatch.setattr(RelyingParty, "created", created)
    with pytest.raises(PasskeyRefused, match=r"passkey\.too_many"):
        flow.add(account(services), browser.session, "{}", offer.challenge, lambda *_: "Téléphone")
    assert len(services.stores.passkeys.of_account("account-1")) == MOST_PER_ACCOUNT


@pytest.mark.parametrize("how", ["given back", "address of somebody else"])
def test_a_password_that_is_stored_just_after_it_was_taken_away_does_not_count(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Its sender's session lasted when that was looked at."""
    thief, seen, now = signed_in(services), account(services), services.clock()
    owner = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=(OWN,), address=ADDRESS, assertion_id="a"
    )

    def taken_away() -> None:
        if how == "given back":
            assert give_back(services) is None
        else:
            assert first_time.mailbox_proof(services).adopts(owner).account_id != "account-1"

    at_the_end_of(monkeypatch, (SessionStore, "lasts"), taken_away)
    with pytest.raises(Refusal):
        flows.account(services).change_password(seen, thief.session, PASSWORD, None)
    assert account(services).password_hash is None


def test_a_form_for_another_password_that_is_sent_twice_ends_no_sign_in_of_the_one_that_counted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes too late, and ends nothing a minute later either."""
    browser, seen = signed_in(services), account(services)
    changes, done = flows.account(services).change_password, list[object]()
    at_the_end_of(
        monkeypatch,
        (SessionStore, "lasts"),
        lambda: done.append(changes(seen, browser.session, PASSWORD, None)),
    )
    with pytest.raises(Refusal):
        changes(seen, browser.session, OTHER_PASSWORD, None)
    a_minute_passes(services)
    (counted,) = done
    assert isinstance(counted, SignedIn)
    assert services.browser_sessions.find(counted.session_cookie) is not None
    assert services.hasher.verify(PASSWORD, account(services).password_hash)


@pytest.mark.parametrize(
    ("step", "mailbox"),
    [
        ((ProofingStore, "void_address"), ADDRESS),
        ((ProofingStore, "void_account"), OTHER_MAILBOX),
        ((Adoption, "__call__"), OTHER_MAILBOX),
    ],
)
def test_of_two_proofs_of_one_person_that_are_confirmed_at_once_one_goes_on(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], mailbox: str
) -> None:
    """In two browsers. Each ends the others, but not the one by which it was ended: nobody would get in."""
    proofings, now = services.stores.proofings, services.clock()
    confirms = first_time.mailbox_proof(services)
    first, second = (
        Proofing(
            id=of,
            browser=of,
            authorization_id=of,
            entity_id=OWN.entity_id,
            request_id=of,
            reference=of,
            created_at=now,
            expires_at=now + OFFER_LIFETIME,
            state=ProofingState.VOUCHED,
            identities=(OWN,),
            address=address,
            assertion_id=of,
        )
        for of, address in (("first", ADDRESS), ("second", mailbox))
    )
    for one in (first, second):
        proofings.put(one, link_hash=one.id)
    overtakes = partial(confirms, second, ConfirmedBy.LINK)
    at_the_end_of(monkeypatch, step, overtakes, before=True)
    confirms(first, ConfirmedBy.LINK)
    left = proofings.find("second", now=services.clock())
    assert left is not None
    assert left.state is ProofingState.CONFIRMED
    assert proofings.find("first", now=services.clock()) is None
    assert [one.id for one in services.stores.accounts.by_identities([OWN])] == [left.account_id]


@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_code_that_is_granted_while_the_person_withdraws_the_application_gives_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch, prompt: str | None
) -> None:
    """Withdrawn after the agreement was read, and before there was a grant that could have been ended."""
    browser, flow = signed_in(services), flows.authorization(services)
    scope, claims = frozenset({"openid", "email"}), frozenset({"email", "email_verified"})
    services.stores.consents.add(Consent("account-1", "asks", scope, claims, services.clock()))
    client = services.provider.client("asks")
    assert client is not None
    assert isinstance(flow.begin(asking(client, prompt=prompt), browser.session), Finished)
    withdraws = partial(flows.access(services).withdraw, account(services), "asks")
    at_the_end_of(monkeypatch, (GrantStore, "add"), withdraws, before=True)
    with pytest.raises(AuthorizationError) as refused:
        flow.begin(asking(client, prompt=prompt), browser.session)
    assert refused.value.error == "consent_required"
    assert services.stores.grants.of_account("account-1") == ()


@pytest.mark.parametrize("is_again", [False, True])
def test_a_form_for_an_address_that_is_sent_twice_mails_once_and_the_next_one_asks_for_another(
    services: Services, is_again: bool
) -> None:
    flow, browser = ways_in.addresses(services), signed_in(services)
    asked = has_asked(services, browser)
    repeated = flow.ask(account(services), browser.session, ANOTHER, locale=None, is_again=is_again)
    assert isinstance(repeated, OneTimeCode)
    assert repeated.id == asked.id
    assert services.database.collection("outbox").count_documents({"to": ANOTHER}) == (2 if is_again else 1)
