"""Acts of somebody who is put out of the account at the same moment: nothing of theirs stays."""

from datetime import timedelta
from functools import partial

import pytest

from idp.app import Services, assistance, first_time, flows, own_account, ways_in
from idp.domain.accounts import Account, Identity, Invited
from idp.domain.errors import Refusal
from idp.domain.guessing import Denied
from idp.domain.helpdesk import Act
from idp.domain.identity import IdentityConflict
from idp.domain.invitations import Invitation
from idp.domain.merging import OFFER_LIFETIME, Merge
from idp.domain.passkeys import Credential, Passkey, PasskeyRefused
from idp.domain.passwords import PasswordHasher
from idp.domain.proofing import Proofing
from idp.domain.sessions import ACR_BASIC, SignedIn
from idp.flows.sign_in import Visitor
from idp.passkeys.relying_party import RelyingParty
from idp.storage.accounts import AccountStore
from idp.storage.invitations import InvitationStore
from idp.storage.merged_accounts import MergedAccounts
from idp.storage.merges import LEASE
from idp.storage.passkeys import PasskeyStore
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
    cut_at,
    give_back,
    signed_in,
)


def test_a_password_that_waits_to_be_hashed_is_not_stored_once_its_sender_is_out(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(services)
    seen = account(services)
    at_the_end_of(monkeypatch, (PasswordHasher, "hash"), lambda: adopted(services))
    with pytest.raises(Refusal):
        flows.account(services).change_password(seen, browser.session, PASSWORD, None)
    assert account(services).password_hash is None
    assert services.stores.sessions.of_account("account-1", now=services.clock()) == ()


def sign_in_begins(services: Services, monkeypatch: pytest.MonkeyPatch, late: list[SignedIn]) -> None:
    """It ends, among the late ones, when the sign-ins of its account have just been ended."""
    # The database keeps milliseconds: what begins in the same one did not begin before.
    began = services.clock() - timedelta(seconds=1)

    def it_ends() -> None:
        _, anonymous = services.browser_sessions.open()
        late.append(
            services.browser_sessions.sign_in(
                anonymous, account_id="account-1", methods=("pwd",), acr=ACR_BASIC, device=None, now=began
            )
        )

    at_the_end_of(monkeypatch, (SessionStore, "end_account"), it_ends)


def test_who_signs_in_with_the_old_password_while_it_is_taken_away_is_out_a_minute_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[SignedIn] = []
    begins = partial(sign_in_begins, services, monkeypatch, late)
    at_the_end_of(monkeypatch, (AccountStore, "record_proof"), begins, before=True)
    adopted(services)
    a_minute_passes(services)
    assert late
    assert services.browser_sessions.find(late[0].session_cookie) is None


@pytest.mark.parametrize("how", ["password", "everywhere", "that session"])
def test_nor_is_it_stored_once_the_person_ended_its_sender_s_session(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The thief's form comes first, and waits for longer than the owner's, who has just noticed."""
    thief, owner, seen = signed_in(services), signed_in(services), account(services)

    def ended() -> None:
        if how == "password":
            flows.account(services).change_password(seen, owner.session, PASSWORD, None)
        elif how == "everywhere":
            flows.account(services).sign_out_everywhere(seen, owner.session)
        else:
            assert thief.session.sign_in is not None
            flows.access(services).end_session(seen, owner.session, thief.session.sign_in.sid)

    at_the_end_of(monkeypatch, (PasswordHasher, "hash"), ended)
    with pytest.raises(Refusal):
        flows.account(services).change_password(seen, thief.session, OTHER_PASSWORD, None)
    stored = account(services).password_hash
    assert not services.hasher.verify(OTHER_PASSWORD, stored)
    assert (stored is not None) == (how == "password")
    lasting = services.stores.sessions.of_account("account-1", now=services.clock())
    assert len(lasting) == (0 if how == "everywhere" else 1)


def test_of_two_new_passwords_at_once_the_one_that_was_stored_first_counts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored, but nothing is ended yet: the other session still lasts."""
    thief, owner, seen = signed_in(services), signed_in(services), account(services)

    def the_owner_is_first() -> None:
        cut_at(
            monkeypatch,
            (SessionStore, "end_account"),
            lambda: flows.account(services).change_password(seen, owner.session, PASSWORD, None),
        )

    at_the_end_of(monkeypatch, (PasswordHasher, "hash"), the_owner_is_first)
    with pytest.raises(Refusal):
        flows.account(services).change_password(seen, thief.session, OTHER_PASSWORD, None)
    assert services.hasher.verify(PASSWORD, account(services).password_hash)


@pytest.mark.parametrize("how", ["proof", "password", "closed", "only passkeys"])
def test_a_password_that_is_replaced_while_it_is_checked_lets_nobody_in(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Not for a minute either, in which whoever knows it could choose another one or add a passkey."""
    services.stores.accounts.set_password("account-1", services.hasher.hash(OTHER_PASSWORD), now=services.clock())
    owner, (_, anonymous) = signed_in(services), services.browser_sessions.open()
    pending = flows.authorization(services).begin_for_account_page(anonymous, "/account").pending
    pending = flows.authorization(services).take_address(pending.id, anonymous, ADDRESS)

    def replaced() -> None:
        if how == "proof":
            adopted(services)
        elif how == "password":
            flows.account(services).change_password(account(services), owner.session, PASSWORD, None)
        elif how == "closed":
            own_account.closing(services).close(account(services))
        else:
            services.stores.accounts.set_only_passkeys("account-1", only=True)

    at_the_end_of(monkeypatch, (PasswordHasher, "verify"), replaced)
    outcome = flows.sign_in(services).with_password(pending, anonymous, OTHER_PASSWORD, Visitor(None, "192.0.2.1"))
    assert outcome == Denied("password.wrong")


@pytest.mark.parametrize("how", ["everywhere", "other password"])
def test_two_accounts_stay_two_where_the_person_ends_it_while_the_password_is_checked(
    services: Services, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A thief in the account would give it an address of their own, which leads in by code from then on."""
    thief, stores, now = signed_in(services), services.stores, services.clock()
    hashed = services.hasher.hash(OTHER_PASSWORD)
    stores.accounts.create(Account("other", "subject-2", now, addresses=("other@b.example",), password_hash=hashed))
    merge = Merge("m", "account-1", "other", "other@b.example", now, now + OFFER_LIFETIME)
    stores.merges.offer(merge, thief.session.browser)
    flow = own_account.merging(services)
    offer = flow.offer(account(services), thief.session, "m")
    assert offer is not None

    def ended() -> None:
        if how == "everywhere":
            flows.account(services).sign_out_everywhere(account(services), signed_in(services).session)
        else:
            stores.accounts.set_password("other", services.hasher.hash(PASSWORD), now=services.clock())

    at_the_end_of(monkeypatch, (PasswordHasher, "verify"), ended)
    assert flow.accept(account(services), thief.session, offer, OTHER_PASSWORD) == "merge.changed"
    assert account(services).addresses == (ADDRESS,)


def a_thief(services: Services) -> Account:
    """Of an account of their own, who read the mailbox of the other one."""
    thief = Account("thief", "subject-2", services.clock(), addresses=("thief@b.example",))
    services.stores.accounts.create(thief)
    return thief


def offers_to_merge(services: Services, browser: SignedIn) -> None:
    """The thief's account is to have the other one, whose mailbox was proven in this browser."""
    now = services.clock()
    offer = Merge("m", "thief", "account-1", ADDRESS, now, now + OFFER_LIFETIME)
    services.stores.merges.offer(offer, browser.session.browser)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_o_25_an_offer_of_before_a_proof_merges_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A proof takes away the password that stood in the way: whoever read the mailbox before needs another code."""
    stores, now, thief = services.stores, services.clock(), a_thief(services)
    stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=now)
    stores.accounts.set_password("account-1", services.hasher.hash(PASSWORD), now=now)
    browser = signed_in(services, "thief")
    offers_to_merge(services, browser)
    flow = own_account.merging(services)
    offer = flow.offer(thief, browser.session, "m")
    assert offer is not None
    if when == "before":
        adopted(services)
        assert flow.offer(thief, browser.session, "m") is None
    else:
        at_the_end_of(monkeypatch, (MergedAccounts, "leave"), lambda: adopted(services), before=True)
    assert flow.accept(thief, browser.session, offer, PASSWORD) == "merge.changed"
    assert account(services).identities == (OWN,)
    assert not stores.merges.is_under_way("account-1")
    assert not account(services).disabled


def test_a_passkey_that_is_added_while_its_sender_is_put_out_does_not_stay(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, flow = signed_in(services), ways_in.passkeys(services)

    def created(*_: object) -> Credential:
        adopted(services)
        return Credential("id", b"key", 0, "", (), False, False)

    monkeypatch.setattr(RelyingParty, "created", created)
    offer = flow.offer(account(services), browser.session)
    with pytest.raises(PasskeyRefused):
        flow.add(account(services), browser.session, "{}", offer.challenge, lambda *_: "Téléphone")
    assert services.stores.passkeys.of_account("account-1") == ()


ALEX, GUEST = Act("alex", "demande 4711"), "guest@ch-exemple.fr"


def guest_invited(services: Services) -> Invitation:
    # Days end in Paris: the day by UTC is over there an hour or two before its end.
    tomorrow = f"{services.clock() + timedelta(days=1):%Y-%m-%d}"
    invites = assistance.invitations(services).invite
    return invites(GUEST, "Inès", "Martin", "praticienne", tomorrow, ALEX, by_mail=False)


def assert_guest_does_not_stay(services: Services) -> None:
    assert assistance.account_closing(services).close_next_expired(services.clock())
    found = services.stores.accounts.by_address(GUEST)
    assert found is not None
    assert found.disabled


def test_an_invitation_withdrawn_while_its_person_comes_makes_no_account_that_lasts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, invited = assistance.invitations(services), guest_invited(services)
    at_the_end_of(monkeypatch, (InvitationStore, "use"), lambda: flow.withdraw(GUEST, ALEX))
    admits = flows.sign_in(services).admits
    assert admits(invited.id, GUEST, reference="R", now=services.clock()) is None
    assert_guest_does_not_stay(services)


def test_who_comes_by_an_invitation_just_before_it_is_withdrawn_does_not_stay(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was no account yet when the withdrawal looked for one."""
    flow, invited = assistance.invitations(services), guest_invited(services)

    def comes() -> None:
        assert flows.sign_in(services).admits(invited.id, GUEST, reference="R", now=services.clock())

    at_the_end_of(monkeypatch, (InvitationStore, "withdraw"), comes, before=True)
    assert flow.withdraw(GUEST, ALEX)
    assert_guest_does_not_stay(services)


def test_who_goes_while_a_merge_is_half_done_takes_along_what_ends_in_the_account(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores, now = services.stores, services.clock()
    stores.accounts.create(Account("other", "subject-2", now, addresses=("other@univ-exemple.fr",)))
    merging, erasure = own_account.merging(services), own_account.erasure(services)
    cut_at(monkeypatch, (MergedAccounts, "join"), lambda: merging.merge_by_hand("account-1", "other"))
    assert assistance.helpdesk_acts(services).erase("account-1", Act("alex", "demande 4711"))
    while erasure.erase_next(services.clock()):
        continue
    later = services.clock() + 6 * LEASE
    assert merging.finish_next(later)
    while erasure.erase_next(later):
        continue
    assert stores.accounts.find("account-1") is None
    assert stores.accounts.find("other") is None


def kept(services: Services, name: str) -> None:
    """A passkey that whoever is in the account has made."""
    passkey = Passkey(Credential(name, b"key", 0, "", (), False, False), "account-1", b"handle", name, services.clock())
    assert services.stores.passkeys.add(passkey)


@pytest.mark.parametrize("step", [(AccountStore, "record_proof"), (SessionStore, "end_account")])
def test_o_25_no_passkey_of_before_outlives_a_proof_that_is_cut_half_way(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    """It signs in as the password does, which has gone by then."""
    kept(services, "of before")
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=services.clock())
    cut_at(monkeypatch, step, lambda: adopted(services))
    assert services.stores.passkeys.of_account("account-1") == ()


def test_o_25_nor_does_one_that_is_kept_while_the_proof_takes_the_others_away(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(services, "of before")
    at_the_end_of(monkeypatch, (AccountStore, "record_proof"), lambda: kept(services, "meanwhile"))
    adopted(services)
    assert services.stores.passkeys.of_account("account-1") == ()


def test_o_25_an_account_that_was_disabled_since_the_university_answered_is_not_adopted(services: Services) -> None:
    """A mailed link lives for a day."""
    now = services.clock()
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=now)
    assert assistance.account_closing(services).close("account-1")
    disabled = account(services)
    with pytest.raises(Refusal) as refused:
        adopted(services)
    assert (refused.value.reason, refused.value.status) == ("account.disabled", 403)
    assert account(services).password_hash == disabled.password_hash
    assert account(services).disabled


def test_an_identity_that_is_two_people_s_by_now_is_adopted_by_neither(services: Services) -> None:
    """Another proof with one of these identifiers came first."""
    now, other = services.clock(), Identity(OWN.entity_id, "subject-id", "s@univ-exemple.fr")
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=now)
    services.stores.accounts.create(Account("other", "subject-2", now, (other,), ("other@univ-exemple.fr",)))
    named = (other, OWN)
    proofing = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=named, address=ADDRESS, assertion_id="a"
    )
    with pytest.raises(IdentityConflict):
        first_time.mailbox_proof(services).adopts(proofing)
    (event,) = services.database.collection("audit").find({"event": "proofing.identity_conflict"})
    assert event["fields"] == {"entity_id": OWN.entity_id, "kind": "subject-id eppn"}
    assert account(services).identities == (OWN,)


def test_an_address_that_is_taken_while_the_account_is_made_is_a_conflict(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both proofs found nobody; the store lets one of them have the address."""
    now, mailbox = services.clock(), "nouveau@univ-exemple.fr"
    proofing = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=(OWN,), address=mailbox, assertion_id="a"
    )

    def taken() -> None:
        services.stores.accounts.create(Account("other", "subject-2", now, addresses=(mailbox,)))

    at_the_end_of(monkeypatch, (AccountStore, "create"), taken, before=True)
    with pytest.raises(Refusal) as refused:
        first_time.mailbox_proof(services).adopts(proofing)
    assert (refused.value.reason, refused.value.reference) == ("proofing.identity_conflict", "REF")
    assert services.stores.accounts.by_identities([OWN]) == []


@pytest.mark.parametrize("step", ["release_address", "create"])
def test_of_two_first_proofs_of_one_person_at_the_same_moment_both_arrive_in_one_account(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """In two browsers; the second found nobody, and the first is through before it goes on."""
    now, mailbox = services.clock(), "nouveau@univ-exemple.fr"
    adopts = first_time.mailbox_proof(services).adopts
    first, second = (
        Proofing(of, of, "z", OWN.entity_id, of, of, now, now, identities=(OWN,), address=mailbox, assertion_id=of)
        for of in ("first", "second")
    )
    at_the_end_of(monkeypatch, (AccountStore, step), lambda: adopts(first), before=True)
    adopted = adopts(second)
    (theirs,) = services.stores.accounts.by_identities([OWN])
    assert (theirs.id, theirs.addresses) == (adopted.account_id, (mailbox,))
    assert len(services.stores.proofing_records.of_account(theirs.id)) == 2


def test_who_is_overtaken_by_their_own_first_proof_is_told_of_the_earlier_account_all_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second had taken the mailbox from it already, so that the first one finds it free."""
    now, before = services.clock(), Identity(OWN.entity_id, "eppn", "ines.martin@univ-exemple.fr")
    services.stores.accounts.renew_proof(account(services), identities=(before,), attributes={}, now=now)
    adopts = first_time.mailbox_proof(services).adopts
    first, second = (
        Proofing(of, of, "z", OWN.entity_id, of, of, now, now, identities=(OWN,), address=ADDRESS, assertion_id=of)
        for of in ("first", "second")
    )
    at_the_end_of(monkeypatch, (AccountStore, "create"), lambda: adopts(first), before=True)
    assert adopts(second).has_earlier_account
    told = services.database.collection("outbox").count_documents({"kind": "earlier_account"})
    assert told == 1


def test_who_signs_in_while_a_proof_takes_the_address_from_the_account_is_out_a_minute_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account of somebody else, who had the mailbox before."""
    late: list[SignedIn] = []
    now = services.clock()
    proofing = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=(OWN,), address=ADDRESS, assertion_id="a"
    )
    begins = partial(sign_in_begins, services, monkeypatch, late)
    at_the_end_of(monkeypatch, (AccountStore, "release_address"), begins, before=True)
    assert first_time.mailbox_proof(services).adopts(proofing).account_id != "account-1"
    a_minute_passes(services)
    assert late
    assert services.browser_sessions.find(late[0].session_cookie) is None


def test_an_invited_account_that_a_university_vouched_for_is_nobody_else_s(services: Services) -> None:
    """The mailbox alone takes over what nobody vouched for; two people of one university stay two accounts."""
    now, theirs = services.clock(), Identity(OWN.entity_id, "eppn", "somebody@univ-exemple.fr")
    mailbox = "guest@univ-exemple.fr"
    invited = Invited("praticienne", now + timedelta(days=1))
    services.stores.accounts.create(
        Account("guest", "subject-2", now, (theirs,), (mailbox,), proved_at=now, invited=invited)
    )
    proofing = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=(OWN,), address=mailbox, assertion_id="a"
    )
    assert first_time.mailbox_proof(services).adopts(proofing).account_id != "guest"
    guest = services.stores.accounts.find("guest")
    assert guest is not None
    assert guest.identities == (theirs,)


def test_who_signs_in_while_everybody_is_put_out_is_out_a_minute_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[SignedIn] = []
    sign_in_begins(services, monkeypatch, late)
    ways_in.putting_out(services)("account-1")
    a_minute_passes(services)
    assert late
    assert services.browser_sessions.find(late[0].session_cookie) is None


def test_who_comes_in_just_before_an_account_is_given_back_is_out_at_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[SignedIn] = []
    at_the_end_of(monkeypatch, (AccountStore, "give_back"), lambda: late.append(signed_in(services)), before=True)
    assert give_back(services) is None
    assert services.browser_sessions.find(late[0].session_cookie) is None


def test_an_account_is_given_back_at_no_address_that_somebody_takes_meanwhile(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = "free@b.example"
    takes = partial(services.stores.accounts.create, Account("a", "s", services.clock(), addresses=(free,)))
    at_the_end_of(monkeypatch, (AccountStore, "give_back"), takes, before=True)
    assert give_back(services, free) == "helpdesk.address_taken"
    assert account(services).addresses == (ADDRESS,)


def test_who_is_in_an_account_is_out_also_where_giving_it_back_is_cut_half_way(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = signed_in(services)
    cut_at(monkeypatch, (PasskeyStore, "remove_account"), lambda: give_back(services))
    assert services.browser_sessions.find(thief.session_cookie) is None
    assert give_back(services) is None


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_an_offer_to_merge_an_account_ends_before_giving_it_back_takes_its_password_away(
    services: Services, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Whoever read the mailbox lacks nothing but the password, and tries again at every moment."""
    stores, now, thief = services.stores, services.clock(), a_thief(services)
    stores.accounts.set_password("account-1", services.hasher.hash(PASSWORD), now=now)
    browser, flow = signed_in(services, "thief"), own_account.merging(services)

    if when == "before":
        offers_to_merge(services, browser)
        offer = flow.offer(thief, browser.session, "m")
        assert offer is not None
        at_the_end_of(monkeypatch, (AccountStore, "give_back"), partial(flow.accept, thief, browser.session, offer, ""))
    else:
        at_the_end_of(monkeypatch, (AccountStore, "give_back"), lambda: offers_to_merge(services, browser), before=True)
    assert give_back(services) is None
    assert flow.offer(thief, browser.session, "m") is None
    assert not account(services).disabled, "nor did it end in theirs meanwhile"
