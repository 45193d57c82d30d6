from dataclasses import replace
from datetime import UTC, datetime, timedelta

from idp.domain.authorization import (
    AuthorizationRequest,
    begins_at_university,
    can_be_met,
    must_be_passkey,
    must_be_proof,
    needs_sign_in,
    told_acr,
    wants_authentication,
)
from idp.domain.sessions import ACR_BASIC, ACR_PHISHING_RESISTANT, ACR_UNIVERSITY, SignIn

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def sign_in(ago: timedelta) -> SignIn:
    return SignIn("account", "sid", NOW - ago, ("pwd",), ACR_BASIC)


def request(**changes: object) -> AuthorizationRequest:
    return AuthorizationRequest("client", "https://client.example/cb", **changes)  # type: ignore[arg-type]


def test_without_a_sign_in_one_is_needed_and_with_one_none() -> None:
    assert needs_sign_in(request(), None, now=NOW)
    assert not needs_sign_in(request(), sign_in(timedelta(hours=5)), now=NOW)


def test_prompt_login_asks_again_until_somebody_signed_in_for_this_request() -> None:
    asked = NOW - timedelta(minutes=1)
    assert needs_sign_in(request(prompt=("login",)), sign_in(timedelta(seconds=90)), now=NOW, asked_at=asked)
    assert not needs_sign_in(request(prompt=("login",)), sign_in(timedelta(seconds=30)), now=NOW, asked_at=asked)


def test_max_age_is_enforced_also_when_it_is_zero() -> None:
    assert not needs_sign_in(request(max_age=60), sign_in(timedelta(seconds=60)), now=NOW)
    assert needs_sign_in(request(max_age=60), sign_in(timedelta(seconds=61)), now=NOW)
    assert needs_sign_in(request(max_age=0), sign_in(timedelta(seconds=1)), now=NOW)
    assert not needs_sign_in(request(max_age=0), sign_in(timedelta(0)), now=NOW, asked_at=NOW - timedelta(seconds=5))


def test_the_age_of_a_sign_in_is_counted_from_when_its_person_last_showed_that_it_is_them() -> None:
    """One that goes on under a new session, as after another password, has shown nothing anew."""
    goes_on = replace(sign_in(timedelta(0)), authenticated_at=NOW - timedelta(minutes=5))
    assert needs_sign_in(request(max_age=60), goes_on, now=NOW)
    asked = NOW - timedelta(minutes=1)
    assert needs_sign_in(request(prompt=("login",)), goes_on, now=NOW, asked_at=asked)
    assert not needs_sign_in(request(prompt=("login",)), sign_in(NOW - asked), now=NOW, asked_at=asked)


def acr(*values: str, essential: bool = True) -> dict[str, object]:
    return {"id_token": {"acr": {"essential": essential, "values": list(values)}}}


UNIVERSITY_SIGN_IN = SignIn("account", "sid", NOW, ("pwd", "otp"), ACR_UNIVERSITY)


def test_an_essential_class_is_enforced_even_for_somebody_who_has_just_signed_in() -> None:
    asks = request(claims=acr(ACR_UNIVERSITY))
    assert needs_sign_in(asks, sign_in(timedelta(0)), now=NOW, asked_at=NOW - timedelta(minutes=1))
    assert not needs_sign_in(asks, UNIVERSITY_SIGN_IN, now=NOW)
    assert must_be_proof(asks)
    assert begins_at_university(asks)


def test_a_voluntary_class_only_chooses_the_way() -> None:
    for asks in (
        request(claims=acr(ACR_UNIVERSITY, essential=False)),
        request(acr_values=("urn:unknown", ACR_UNIVERSITY, ACR_BASIC)),
    ):
        assert not needs_sign_in(asks, sign_in(timedelta(0)), now=NOW)
        assert begins_at_university(asks)
        assert not must_be_proof(asks)
    assert not begins_at_university(request(acr_values=(ACR_BASIC, ACR_UNIVERSITY)))
    assert not begins_at_university(request())


def test_the_class_that_is_told_is_one_that_was_asked_for() -> None:
    assert told_acr(request(), UNIVERSITY_SIGN_IN) == ACR_UNIVERSITY
    assert told_acr(request(claims=acr(ACR_BASIC)), UNIVERSITY_SIGN_IN) == ACR_BASIC
    assert told_acr(request(claims=acr(ACR_UNIVERSITY)), sign_in(timedelta(0))) is None
    assert not must_be_proof(request(claims=acr(ACR_BASIC, ACR_UNIVERSITY)))


def test_a_class_that_no_sign_in_has_can_never_be_met() -> None:
    assert not can_be_met(request(claims=acr("urn:mace:incommon:iap:silver")))
    assert can_be_met(request(claims=acr("urn:mace:incommon:iap:silver", ACR_BASIC)))
    assert can_be_met(request(claims=acr("urn:mace:incommon:iap:silver", essential=False)))
    assert can_be_met(request(claims={"id_token": {"acr": {"essential": True}}}))


def test_prompts_that_ask_for_a_sign_in_are_met_by_one_made_for_the_request() -> None:
    asked = NOW - timedelta(minutes=1)
    for prompt in ("login", "select_account", "create"):
        assert needs_sign_in(request(prompt=(prompt,)), sign_in(timedelta(minutes=5)), now=NOW, asked_at=asked)
        assert not needs_sign_in(request(prompt=(prompt,)), sign_in(timedelta(0)), now=NOW, asked_at=asked)
    assert begins_at_university(request(prompt=("create",)))


def test_a_class_that_we_do_not_know_stands_for_no_other() -> None:
    of_before = replace(UNIVERSITY_SIGN_IN, acr="urn:uness:acr:of-an-earlier-release")
    assert told_acr(request(claims=acr(ACR_BASIC)), of_before) is None
    assert told_acr(request(claims=acr(ACR_PHISHING_RESISTANT)), UNIVERSITY_SIGN_IN) is None
    assert told_acr(request(claims={"id_token": {"acr": {"essential": True, "value": ACR_BASIC}}}), of_before) is None


def test_nothing_less_than_a_passkey_will_do_where_it_is_the_one_class_of_ours_that_is_required() -> None:
    assert must_be_passkey(request(claims=acr(ACR_PHISHING_RESISTANT, "urn:unknown")))
    for less in (acr(ACR_PHISHING_RESISTANT, ACR_BASIC), acr(ACR_PHISHING_RESISTANT, essential=False), acr(), {}):
        assert not must_be_passkey(request(claims=less))


def test_what_asks_the_person_to_authenticate_for_this_very_request() -> None:
    for asks in (request(max_age=0), request(max_age=3600), request(prompt=("consent", "login"))):
        assert wants_authentication(asks)
    assert wants_authentication(request(claims=acr(ACR_UNIVERSITY)))
    for asks in (request(), request(prompt=("consent",)), request(claims=acr(ACR_UNIVERSITY, ACR_BASIC))):
        assert not wants_authentication(asks)
    own_page = AuthorizationRequest(None, "/account", claims=acr(ACR_UNIVERSITY))
    assert not wants_authentication(own_page), "our own page that offers a proof"


def test_what_is_required_comes_before_what_is_preferred() -> None:
    assert not begins_at_university(request(claims=acr(ACR_BASIC, ACR_UNIVERSITY), acr_values=(ACR_UNIVERSITY,)))
    assert not begins_at_university(request(claims=acr(ACR_UNIVERSITY, ACR_BASIC))), "either will do"
    assert not begins_at_university(request(claims=acr(ACR_BASIC, essential=False), acr_values=(ACR_UNIVERSITY,)))
    assert not begins_at_university(request(acr_values=("urn:unknown",)))
