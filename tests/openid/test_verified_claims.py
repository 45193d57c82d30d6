"""How a person was proven, for clients that may know (OpenID Connect for Identity Assurance 1.0)."""

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from idp.domain.errors import AuthorizationError
from idp.domain.proofing_record import ProofingRecord, record_of
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.domain.test_proofing_record import PROOFING, SECRET
from tests.openid.world import ACCOUNT, CALLBACK, CLAIMS, ISSUER, NOW, PAIRWISE, PORTAL, World, basic, build

PROOF_AT = NOW - timedelta(days=100)
RECORD = replace(
    record_of(PROOFING, ACCOUNT, SECRET, now=PROOF_AT),
    mailbox=str(CLAIMS["email"]),
    answered_at=PROOF_AT,
    authn_instant=PROOF_AT,
)
TOLD_TIME = PROOF_AT.strftime("%Y-%m-%dT%H:%M:%SZ")
FRAMEWORK = {"trust_framework": None}
EVERYTHING: dict[str, Any] = {
    "trust_framework": None,
    "time": None,
    "verification_process": None,
    "assurance_process": {"policy": None},
    "evidence": [
        {
            "type": {"value": "electronic_record"},
            "check_details": [{"check_method": None, "organization": None, "txn": None, "time": None}],
            "record": {"type": None, "created_at": None, "source": {"name": None}},
        }
    ],
}


@pytest.fixture
def proofs() -> dict[str, ProofingRecord]:
    return {ACCOUNT: RECORD}


@pytest.fixture
def world(keys: KeyStore, database: Database, proofs: dict[str, ProofingRecord]) -> World:
    world = build(keys, database, implicit=True, latest_proof=proofs.get)
    world.clients["portail"] = replace(PORTAL, verified_claims=True)
    return world


def wish(verification: Any = None, claims: Any = None) -> dict[str, Any]:
    return {"verification": verification or FRAMEWORK, "claims": claims or {"given_name": None}}


def asked(wishes: Any, place: str = "userinfo") -> str:
    return json.dumps({place: {"verified_claims": wishes}})


def told(world: World, wishes: Any, **changes: str) -> Any:
    """What userinfo holds of it, where nothing else was asked for."""
    tokens = world.tokens(scope="openid", claims=asked(wishes), **changes)
    return world.userinfo(tokens["access_token"]).get("verified_claims")


def test_nothing_but_what_was_asked_for_is_told(world: World) -> None:
    assert told(world, wish()) == {
        "verification": {"trust_framework": "urn:uness:trust:university"},
        "claims": {"given_name": "Inès"},
    }


def test_everything_that_is_known_of_the_proof_can_be_asked_for(world: World) -> None:
    assert told(world, wish(EVERYTHING, {"name": None, "email": None})) == {
        "verification": {
            "trust_framework": "urn:uness:trust:university",
            "time": TOLD_TIME,
            "verification_process": "K7QM-2XWD",
            "assurance_process": {"policy": "https://federation.example/"},
            "evidence": [
                {
                    "type": "electronic_record",
                    "check_details": [
                        {
                            "check_method": "vcrypt",
                            "organization": ISSUER,
                            "txn": "_assertion",
                            "time": TOLD_TIME,
                        },
                        {
                            "check_method": "auth",
                            "organization": "https://idp.univ-exemple.fr/idp",
                            "time": TOLD_TIME,
                        },
                    ],
                    "record": {
                        "type": "education",
                        "created_at": TOLD_TIME,
                        "source": {"name": "Université d’Exemple"},
                    },
                }
            ],
        },
        "claims": {"name": "Inès Exemple", "email": "ines@univ-exemple.fr"},
    }


def test_the_id_token_has_it_where_it_was_asked_for_there_also_after_a_refresh(world: World) -> None:
    tokens = world.tokens(scope="openid offline_access", claims=asked(wish(), "id_token"))
    element = {"verification": {"trust_framework": "urn:uness:trust:university"}, "claims": {"given_name": "Inès"}}
    assert world.id_token(tokens["id_token"])["verified_claims"] == element
    assert "given_name" not in world.id_token(tokens["id_token"])
    assert "verified_claims" not in world.userinfo(tokens["access_token"])
    again = world.refresh(tokens["refresh_token"])
    assert world.id_token(again["id_token"])["verified_claims"] == element


def test_o_44_a_client_that_may_not_ask_gets_nothing_and_no_error(world: World) -> None:
    world.clients["portail"] = PORTAL
    asking: tuple[Any, ...] = (wish(), {"verification": {}, "claims": {}}, "nonsense")
    for wishes in asking:
        request = world.read(claims=asked(wishes))
        assert request.claims == {"userinfo": {}}
        assert "verified_claims" not in world.provider.asked_claims(request)
        assert told(world, wishes) is None


def test_o_44_a_client_that_may_ask_no_more_gets_nothing_for_tokens_that_are_out_already(world: World) -> None:
    tokens = world.tokens(scope="openid", claims=asked(wish()))
    world.clients["portail"] = PORTAL
    assert set(world.userinfo(tokens["access_token"])) == {"sub"}


def test_o_44_what_the_client_may_not_receive_it_does_not_receive_as_verified(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, verified_claims=True, claims=("email",))
    found = told(world, wish(claims={"given_name": None, "email": None, "supann_etu_id": None}))
    assert found["claims"] == {"email": "ines@univ-exemple.fr"}
    assert told(world, wish(claims={"given_name": None})) is None


def test_o_44_a_list_that_became_shorter_counts_inside_as_well(world: World) -> None:
    tokens = world.tokens(scope="openid", claims=asked(wish(claims={"given_name": None, "email": None})))
    world.clients["portail"] = replace(PORTAL, verified_claims=True, claims=("email",))
    assert world.userinfo(tokens["access_token"])["verified_claims"]["claims"] == {"email": "ines@univ-exemple.fr"}


@pytest.mark.parametrize(
    "claim", ["locale", "updated_at", "email_verified", "affiliation_checked_at", "sub", "birthdate"]
)
def test_what_no_university_vouched_for_is_not_verified(world: World, claim: str) -> None:
    world.accounts[ACCOUNT] |= {"locale": "fr", "affiliation_checked_at": 1, "birthdate": "2000-01-01"}
    assert told(world, wish(claims={claim: None})) is None


def test_an_address_that_came_after_the_proof_was_no_part_of_it(world: World) -> None:
    world.accounts[ACCOUNT]["email"] = "ines@private.example"
    assert told(world, wish(claims={"email": None, "given_name": None}))["claims"] == {"given_name": "Inès"}


def test_whoever_was_never_proven_has_nothing_verified(world: World, proofs: dict[str, ProofingRecord]) -> None:
    proofs.clear()
    assert told(world, wish()) is None


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "urn:uness:trust:university"}},
        {"trust_framework": {"values": ["de_aml", "urn:uness:trust:university"]}},
        {"trust_framework": {"essential": True}},
        {"trust_framework": None, "time": {"max_age": 100 * 86400}},
        {"trust_framework": None, "assurance_level": None, "unknown": {"deep": [{"essential": True}]}},
        {
            "trust_framework": None,
            "evidence": [{"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}],
        },
        {
            "trust_framework": None,
            "evidence": [
                {"type": {"value": "electronic_record"}, "record": {"type": {"values": ["education", "tax"]}}},
            ],
        },
        {
            "trust_framework": None,
            "evidence": [
                {"type": {"value": "electronic_record"}, "check_details": [{"check_method": {"value": "auth"}}]},
            ],
        },
    ],
)
def test_a_requirement_that_is_met_takes_nothing_away(world: World, verification: Any) -> None:
    assert told(world, wish(verification))["claims"] == {"given_name": "Inès"}


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "de_aml"}},
        {"trust_framework": {"values": ["de_aml", "eidas"]}},
        {"trust_framework": {"values": []}},
        {"trust_framework": None, "time": {"max_age": 100 * 86400 - 1}},
        {"trust_framework": {"max_age": 99}},
        {"trust_framework": None, "assurance_level": {"value": "high"}},
        {"trust_framework": None, "unknown": {"deep": [{"values": ["x"]}]}},
        {"trust_framework": None, "evidence": [{"type": {"value": "document"}}]},
        {"trust_framework": None, "evidence": [{"type": {"value": "electronic_record"}, "unknown": {"value": "x"}}]},
        {
            "trust_framework": None,
            "evidence": [{"type": {"value": "electronic_record"}, "record": {"type": {"value": "tax"}}}],
        },
        {
            "trust_framework": None,
            "evidence": [{"type": {"value": "electronic_record"}, "record": {"created_at": {"max_age": 86400}}}],
        },
        {
            "trust_framework": None,
            "evidence": [
                {"type": {"value": "electronic_record"}, "check_details": [{"check_method": {"value": "pipp"}}]},
            ],
        },
        # A valid element needs its trust framework, which has to be asked for like everything else.
        {"time": None},
        {},
    ],
)
def test_a_requirement_that_is_not_met_takes_the_whole_element_away(world: World, verification: Any) -> None:
    wishes = {"verification": verification, "claims": {"given_name": None}}
    assert told(world, wishes) is None


def test_a_time_tells_nothing_of_where_it_was(world: World, proofs: dict[str, ProofingRecord]) -> None:
    there = timezone(timedelta(hours=2))
    proofs[ACCOUNT] = replace(RECORD, completed_at=RECORD.completed_at.astimezone(there))
    found = told(world, wish({"trust_framework": None, "time": None}))
    assert found["verification"]["time"] == TOLD_TIME


def test_what_only_looks_like_a_day_has_no_age(world: World, proofs: dict[str, ProofingRecord]) -> None:
    proofs[ACCOUNT] = replace(RECORD, provider_name="20260101")
    source = {"record": {"source": {"name": {"max_age": 86400}}}}
    evidence = [{"type": {"value": "electronic_record"}} | source]
    assert told(world, wish({"trust_framework": None, "evidence": evidence})) is None


def test_a_claim_without_the_value_that_was_asked_for_is_left_out_alone(world: World) -> None:
    claims = {"given_name": {"value": "Zoé"}, "name": {"values": ["Inès Exemple"]}}
    assert told(world, wish(claims=claims))["claims"] == {"name": "Inès Exemple"}
    assert told(world, wish(claims={"given_name": {"value": "Zoé"}})) is None


def test_age_counts_from_the_request_and_not_from_when_its_answer_is_fetched(world: World) -> None:
    limit = wish({"trust_framework": None, "time": {"max_age": 100 * 86400 + 60}})
    tokens = world.tokens(scope="openid", claims=asked(limit))
    later = NOW + timedelta(minutes=30)
    assert "verified_claims" in world.userinfo(tokens["access_token"], now=later)


def test_the_entries_of_evidence_and_checks_are_filters_and_say_what_is_told(world: World) -> None:
    entry = {
        "type": {"value": "electronic_record"},
        "check_details": [{"check_method": {"value": "auth"}, "organization": None}],
        "record": {"type": None},
    }
    found = told(world, wish({"trust_framework": None, "evidence": [entry]}))
    assert found["verification"]["evidence"] == [
        {
            "type": "electronic_record",
            "check_details": [{"check_method": "auth", "organization": "https://idp.univ-exemple.fr/idp"}],
            "record": {"type": "education"},
        }
    ]


def test_what_several_filters_let_pass_is_told_once(world: World) -> None:
    checks = [{"check_method": {"value": "auth"}}, {"check_method": {"values": ["auth", "pipp"]}, "organization": None}]
    entry = {"type": {"value": "electronic_record"}, "check_details": checks}
    found = told(world, wish({"trust_framework": None, "evidence": [entry, entry]}))
    (evidence,) = found["verification"]["evidence"]
    assert evidence["check_details"] == [{"check_method": "auth"}], "as the first one says"


def test_what_a_valid_element_needs_takes_its_parent_along(world: World) -> None:
    entry = {
        "type": {"value": "electronic_record"},
        "check_details": [{"txn": None}],
        "record": {"source": {"name": None}},
    }
    found = told(world, wish({"trust_framework": None, "evidence": [entry]}))
    assert found["verification"]["evidence"] == [{"type": "electronic_record"}]


def test_several_sets_are_answered_one_by_one(world: World) -> None:
    wishes = [
        wish({"trust_framework": {"value": "de_aml"}}),
        wish(claims={"name": None}),
        wish({"trust_framework": None, "time": None}, {"email": None}),
    ]
    found = told(world, wishes)
    assert [each["claims"] for each in found] == [{"name": "Inès Exemple"}, {"email": "ines@univ-exemple.fr"}]
    assert "time" in found[1]["verification"]
    assert told(world, wishes[:1]) is None
    assert isinstance(told(world, wishes[1:2]), list)


@pytest.mark.parametrize(
    "wishes",
    [
        None,
        "x",
        [],
        [None],
        [wish()] * 11,
        {},
        {"verification": {"trust_framework": None}},
        {"claims": {"given_name": None}},
        {"verification": None, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None}, "claims": {}},
        {"verification": {"trust_framework": None}, "claims": None},
        {"verification": {"trust_framework": 5}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "time": {"max_age": "1"}}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "time": {"max_age": -1}}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "time": {"max_age": True}}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "time": {"max_age": 10**30}}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "evidence": {}}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "evidence": [{}]}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "evidence": [{"type": "value"}]}, "claims": {"given_name": None}},
        {"verification": {"trust_framework": None, "evidence": [{"type": {"value": {}}}]}, "claims": {"name": None}},
        {"verification": {"trust_framework": None}, "claims": {"given_name": 5}},
    ],
)
def test_what_is_no_such_request_is_told_to_the_client(world: World, wishes: Any) -> None:
    with pytest.raises(AuthorizationError) as refused:
        world.read(claims=asked(wishes))
    assert refused.value.error == "invalid_request"


def test_a_deep_request_is_no_trouble(world: World) -> None:
    deep = (
        '{"userinfo": {"verified_claims": {"verification": {"trust_framework": null, "x": %s}, "claims": {"name": 1}}}}'
    )
    for nested in ("[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500):
        with pytest.raises(AuthorizationError):
            world.read(claims=deep % nested)


def test_pairwise_clients_get_no_number_to_compare(world: World) -> None:
    world.clients["pairwise"] = client = replace(PAIRWISE, verified_claims=True)
    code = world.code(client, scope="openid", claims=asked(wish(EVERYTHING)))
    tokens = world.exchange(code, basic("pairwise"), redirect_uri=client.redirect_uris[0])
    found = world.userinfo(tokens["access_token"])["verified_claims"]
    assert "K7QM-2XWD" not in str(found)
    assert "_assertion" not in str(found)
    assert found["verification"]["time"] == TOLD_TIME


def test_it_needs_a_new_agreement_and_is_shown_before(world: World) -> None:
    request = world.read(scope="openid", claims=asked([wish(), wish(claims={"email": None, "sub": None})]))
    assert world.provider.asked_claims(request) == {"verified_claims", "given_name", "email"}
    assert set(world.provider.preview(request, "sub", CLAIMS)) == {"verified_claims", "given_name", "email"}


def test_discovery_tells_what_there_is(world: World) -> None:
    document = world.provider.discovery()
    assert document["verified_claims_supported"] is True
    assert document["trust_frameworks_supported"] == ["urn:uness:trust:university"]
    assert document["evidence_supported"] == ["electronic_record"]
    assert document["electronic_records_supported"] == ["education"]
    assert {"name", "email", "eduperson_affiliation"} <= set(document["claims_in_verified_claims_supported"])


def test_every_announced_claim_can_be_had(world: World) -> None:
    names = world.provider.discovery()["claims_in_verified_claims_supported"]
    world.accounts[ACCOUNT] = dict.fromkeys(names, "x") | {"email": CLAIMS["email"]}
    assert set(told(world, wish(claims=dict.fromkeys(names)))["claims"]) == set(names)


def test_a_provider_without_records_announces_nothing(keys: KeyStore, database: Database) -> None:
    assert "trust_frameworks_supported" not in build(keys, database).provider.discovery()


def test_the_flag_is_the_administrator_s_to_give() -> None:
    table = {"client_id": "a", "client_secret": "x" * 20, "redirect_uris": [CALLBACK]}
    faults = Faults("clients.toml")
    assert not read_client(table, faults).verified_claims
    assert read_client(table | {"verified_claims": True}, faults).verified_claims
    assert faults.lines == []
    read_client(table | {"verified_claims": "yes"}, faults)
    assert faults.keys == ["verified_claims"]
