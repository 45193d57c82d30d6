"""Which event counts as what, and that labels stay within bounds."""

import pytest

from idp.metrics.exposition import Metrics
from tests.metrics.reading import Reading

UNIVERSITY = "https://idp.univ-exemple.fr/idp"


def after(*told: tuple[str, dict[str, str]]) -> Reading:
    metrics = Metrics()
    for event, fields in told:
        metrics.counts(event, fields)
    return Reading(metrics.text().decode())


@pytest.mark.parametrize(
    ("event", "fields", "method", "outcome"),
    [
        ("sign_in.succeeded", {"method": "password"}, "password", "ok"),
        ("sign_in.succeeded", {"method": "code"}, "code", "ok"),
        ("sign_in.failed", {"problem": "password.wrong"}, "password", "password.wrong"),
        ("sign_in.failed", {"problem": "password.throttled"}, "password", "password.throttled"),
        ("sign_in.failed", {"problem": "code.expired"}, "code", "code.expired"),
        ("sign_in.mail_limit", {}, "code", "code.mail_limit"),
        ("sign_in.passkey", {"method": "passkey"}, "passkey", "ok"),
        ("sign_in.passkey_refused", {"problem": "passkey.unknown", "detail": "x"}, "passkey", "passkey.unknown"),
        ("proofing.completed", {"entity_id": UNIVERSITY}, "university", "ok"),
        ("proofing.renewed", {"entity_id": UNIVERSITY}, "university", "ok"),
        ("request.refused", {"reason": "saml.expired"}, "university", "saml.expired"),
        ("authorization.session_sufficed", {}, "session", "ok"),
        ("authorization.session_missed", {"problem": "login_required"}, "session", "login_required"),
    ],
)
def test_a_sign_in_counts_by_method_and_outcome(event: str, fields: dict[str, str], method: str, outcome: str) -> None:
    found = after((event, fields), (event, fields))
    assert found.value("idp_sign_ins_total", method=method, outcome=outcome) == 2
    assert found.value("idp_events_total", event=event) == 2


def test_a_proof_counts_by_university_and_cause() -> None:
    there = {"entity_id": UNIVERSITY}
    found = after(
        ("proofing.started", there),
        ("proofing.vouched", there),
        ("request.refused", there | {"reason": "proofing.identifier_missing", "detail": "x"}),
        ("request.refused", there | {"reason": "account.disabled", "detail": "x"}),
        ("request.refused", {"reason": "saml.in_response_to"}),
        ("request.refused", {"reason": "request.host"}),
    )

    def proofings(university: str) -> dict[str, float]:
        return {
            dict(labels)["outcome"]: value
            for (name, labels), value in found.values.items()
            if name == "idp_proofings_total" and dict(labels)["university"] == university
        }

    told = ("started", "vouched", "proofing.identifier_missing", "account.disabled")
    assert proofings(UNIVERSITY) == dict.fromkeys(told, 1.0)
    assert proofings("none") == {"saml.in_response_to": 1.0}


def test_tokens_count_by_grant_and_kind_and_errors_by_code() -> None:
    found = after(
        ("token.issued", {"grant": "authorization_code", "kinds": "access_token id_token"}),
        ("token.issued", {"grant": "urn:ietf:params:oauth:grant-type:device_code", "kinds": "access_token"}),
        ("token.refused", {"grant": "password", "error": "unsupported_grant_type"}),
        ("token.refused", {"grant": "", "error": "invalid_client"}),
    )
    assert found.value("idp_tokens_issued_total", grant="authorization_code", kind="id_token") == 1
    assert found.value("idp_tokens_issued_total", grant="device_code", kind="access_token") == 1
    assert found.value("idp_token_errors_total", grant="other", error="unsupported_grant_type") == 1
    assert found.value("idp_token_errors_total", grant="none", error="invalid_client") == 1


def test_mails_and_calls_count_by_answer() -> None:
    found = after(
        ("mail.accepted", {"kind": "sign_in_code", "message": "m1"}),
        ("mail.expired", {"kind": "any", "count": "7"}),
        ("mail.returned", {"kind": "proofing", "reply": "550 zoe@univ-exemple.fr"}),
        ("logout.told", {"client_id": "exams", "sid": "s"}),
        ("logout.expired", {"count": "3"}),
    )
    assert found.value("idp_mails_total", kind="sign_in_code", outcome="accepted") == 1
    assert found.value("idp_mails_total", kind="any", outcome="expired") == 7
    assert found.value("idp_mails_total", kind="proofing", outcome="returned") == 1
    assert found.value("idp_logout_calls_total", outcome="told") == 1
    assert found.value("idp_logout_calls_total", outcome="expired") == 3
    assert not any(word in found.text for word in ("m1", "exams", "zoe"))


def test_what_is_no_name_of_ours_becomes_no_label() -> None:
    strange = ("zoe@univ-exemple.fr", "Zoé Martin", 'x"} 1\nidp_ready 1', "x" * 200, "")
    found = after(
        *(("sign_in.failed", {"problem": problem}) for problem in strange),
        *(("token.refused", {"grant": grant, "error": grant}) for grant in strange),
        *(("request.refused", {"reason": f"saml.{reason}"}) for reason in strange[:3]),
    )
    assert found.value("idp_sign_ins_total", method="other", outcome="other") == len(strange)
    assert not any(word in found.text for word in ("zoe", "Zoé", "xxxx", "idp_ready 1"))


def test_universities_beyond_the_bound_are_counted_together() -> None:
    metrics = Metrics()
    for number in range(700):
        metrics.counts("proofing.started", {"entity_id": f"https://idp{number}.example/idp"})
    metrics.counts("proofing.started", {"entity_id": "https://idp0.example/idp"})
    found = Reading(metrics.text().decode())
    series = [labels for name, labels in found.values if name == "idp_proofings_total"]
    assert len(series) == 501
    assert found.value("idp_proofings_total", university="https://idp0.example/idp", outcome="started") == 2
    assert found.value("idp_proofings_total", university="other", outcome="started") == 200


def test_methods_and_pages_that_nobody_knows_share_one_label() -> None:
    metrics = Metrics()
    metrics.times.answered(None, "ZOE", 404, 0.003)
    found = Reading(metrics.text().decode())
    name = "idp_http_request_seconds_count"
    assert found.value(name, endpoint="none", method="other", status="4xx") == 1
