"""Who helps finds a person by whatever they say, and one reference leads to the whole story."""

from datetime import timedelta

import pytest

from idp.app import assistance
from idp.domain.accounts import Bounce, Identity
from idp.domain.guessing import MAILS_PER_HOUR, METHOD_BUDGET, Method
from idp.domain.helpdesk import Act, LimitInForce, TimelineEntry
from idp.domain.keyed import random_token
from idp.storage.outbox import Outbox
from tests.openid.world import basic
from tests.profiled import profiled
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST

ACT = Act("alex", "appel du 23 novembre")


def proven(world: World) -> Traveller:
    """Camille came by way of the university, from an application."""
    person = world.browser().ask(scope="openid email")
    person.press("Se connecter", email=CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.answer["code"]
    return person


def answered(world: World, reply: str) -> None:
    """A mail server took what waits, with these words."""
    outbox, now = world.services.stores.outbox, world.clock()
    while claim := outbox.claim("worker", now=now, lease=timedelta(minutes=1)):
        outbox.done(claim, reply, now=now)


def events(entries: tuple[TimelineEntry, ...]) -> list[str]:
    return [entry.event for entry in entries]


@pytest.mark.parametrize(
    "query",
    [
        CAMILLE,
        f" {CAMILLE.upper()} ",
        "cdurand@univ-exemple.fr",
        "camille durand",
        "DURAND",
        "subject-camille",
        "camille",
        "hélène",
        "helene",
        "dur",
    ],
)
def test_a_person_is_found_by_address_identifier_or_name(world: World, query: str) -> None:
    store = world.services.stores.accounts
    account = world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"))
    store.renew_proof(
        account,
        identities=account.identities,
        attributes={"displayName": ("Camille-Hélène Durand",)},
        now=world.clock(),
    )
    world.account("zoe", "zoe@univ-exemple.fr")
    (line,) = assistance.people(world.services).find(query)
    assert (line.account_id, line.address, line.type) == ("camille", CAMILLE, "university")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Maëlle Lebœuf", "leboeuf"),
        ("Maëlle Lebœuf", "Lebœuf"),
        ("LEBŒUF Maëlle", "lebœuf"),
        ("Maëlle Leboeuf", "lebœuf"),
        ("Łukasz Weiß", "Łukasz Weiß"),
        ("Łukasz Weiß", "weiss"),
        ("He\u0301le\u0300ne", "hélène"),
        ("Иван", "иван"),
    ],
)
def test_a_name_is_found_however_it_is_written(world: World, name: str, query: str) -> None:
    world.account("camille", CAMILLE)
    world.services.database.collection("accounts").update_one({}, {"$set": {"attributes": {"displayName": [name]}}})
    assert [line.name for line in assistance.people(world.services).find(query)] == [name]


@pytest.mark.parametrize("query", ["", "  ", "zzz", "zoe@univ-exemple.fr", "AAAA-2222", ".*", "$where", "a" * 5000])
def test_nobody_is_found_by_what_leads_to_nobody(world: World, query: str) -> None:
    world.account("camille", CAMILLE)
    assert assistance.people(world.services).find(query) == ()


def test_a_pairwise_sub_leads_to_the_person(world: World) -> None:
    proven(world)
    grant = world.services.database.collection("grants").find_one()
    assert grant
    of_exams = random_token()
    world.services.database.collection("grants").update_one({}, {"$set": {"subject": of_exams}})
    for typed in (of_exams, f"{of_exams}@uness.example"):
        (line,) = assistance.people(world.services).find(typed)
        assert line.address == CAMILLE


@pytest.mark.parametrize("query", ["camille durand", CAMILLE, "cdurand", "a" * 42, "a" * 44, "é" * 43])
def test_what_cannot_be_a_sub_is_not_looked_for_in_every_grant(world: World, query: str) -> None:
    with profiled(world.services.database) as done:
        assistance.people(world.services).find(query)
    asked = {operation["ns"].partition(".")[2] for operation in done}
    assert "grants" not in asked
    assert "accounts" in asked


def test_one_reference_tells_the_story_across_sign_in_saml_mail_and_oidc(world: World) -> None:
    proven(world)
    answered(world, "250 2.0.0 Ok: queued as 4XyZ")
    reference = world.events("authorization.answered")[0]["reference"]
    entries = assistance.timeline(world.services).of(reference.lower().replace("-", " "))
    assert {entry.reference for entry in entries} == {reference}
    assert {
        "proofing.started",
        "proofing.vouched",
        "mail.queued",
        "mail.accepted",
        "proofing.confirmed",
        "proofing.recorded",
        "proofing.completed",
        "grant.issued",
        "authorization.answered",
    } <= set(events(entries))
    (accepted,) = (entry for entry in entries if entry.event == "mail.accepted")
    assert accepted.details["reply"] == "250 2.0.0 Ok: queued as 4XyZ"
    # What a university's postmaster looks for in their log is made of it.
    assert Outbox(world.services.database).handed_over(accepted.details["message"], [CAMILLE])
    assert {"saml", "mail", "oidc"} <= {entry.part for entry in entries}
    (line,) = assistance.people(world.services).find(reference)
    assert line.address == CAMILLE


def test_a_persons_timeline_holds_failures_of_their_journeys_with_their_cause(world: World) -> None:
    proven(world)
    person = world.browser().start(CAMILLE).press("Se connecter", password="mauvais mot de passe")
    person.press("Se connecter", password=PASSWORD)
    entries = assistance.timeline(world.services).of(CAMILLE)
    failed = next(entry for entry in entries if entry.event == "sign_in.failed")
    assert failed.details == {"problem": "password.wrong", "client_id": "own page"}
    whole = assistance.timeline(world.services).of(failed.reference)
    assert events(whole) == ["sign_in.failed", "sign_in.succeeded", "authorization.answered"]


def test_who_opens_a_page_leaves_no_event_and_what_is_done_there_says_for_which_application(world: World) -> None:
    world.browser().get("/account")
    person = world.browser().ask().press("Se connecter", email=CAMILLE)
    assert list(world.services.database.collection("audit").find()) == []
    person.leave()
    (started,) = world.events("proofing.started")
    assert started["fields"]["client_id"] == "exams"


def test_an_address_that_nobody_has_has_a_timeline_of_its_mails(world: World) -> None:
    world.browser().start("zoe@univ-exemple.fr").press("Recevoir le code")
    entries = assistance.timeline(world.services).of("zoe@univ-exemple.fr")
    assert events(entries) == ["mail.queued"]
    assert assistance.timeline(world.services).of("nobody at all") == ()


def test_a_refused_saml_answer_is_told_under_the_journeys_reference(world: World) -> None:
    person = world.browser().start(CAMILLE)
    request_id = person.leave()
    person.come_back(request_id, world.draft().changed(audience="https://autre.example/sp"))
    assert person.step == "error"
    started = world.events("proofing.started")[0]["reference"]
    assert started in person.text
    entries = assistance.timeline(world.services).of(started)
    refused = entries[-1]
    assert (refused.event, refused.part, refused.details["reason"]) == ("request.refused", "saml", "saml.audience")


def test_an_error_page_of_a_journey_shows_the_journeys_reference(world: World) -> None:
    person = world.browser().start(CAMILLE)
    handle = person.handle
    person.last = person._client.post(f"/sign-in/{handle}/methods", data={"csrf_token": "x"}, headers=HOST)
    assert (person.step, person.last.status_code) == ("error", 403)
    (waiting,) = world.services.database.collection("authorizations").find()
    assert waiting["reference"] in person.text


def test_a_code_that_is_refused_is_told_under_the_journeys_reference(world: World) -> None:
    person = proven(world)
    form = {
        "grant_type": "authorization_code",
        "code": person.answer["code"],
        "redirect_uri": "https://exams.example/cb",
        "code_verifier": "x" * 43,
    }
    headers = HOST | {"Authorization": basic("exams", "a-secret-of-the-exams")}
    answer = person._client.post("/token", data=form, headers=headers)
    assert answer.get_json()["error"] == "invalid_grant"
    reference = world.events("authorization.answered")[0]["reference"]
    entries = assistance.timeline(world.services).of(reference)
    assert entries[-1].details["reason"] == "oauth.invalid_grant"
    assert entries[-1].part == "oidc"


def test_the_sheet_tells_everything_but_secrets(world: World) -> None:
    proven(world)
    store = world.services.stores.accounts
    store.note_bounce(Bounce(CAMILLE, world.clock(), "5.1.1"))
    (line,) = assistance.people(world.services).find(CAMILLE)
    sheet = assistance.people(world.services).show(line.account_id)
    assert sheet
    assert sheet.addresses == (CAMILLE,)
    assert sheet.bounces[0].status == "5.1.1"
    assert (sheet.has_password, sheet.type, sheet.limits) == (True, "university", ())
    assert [one.client_id for one in sheet.applications] == ["exams"]
    assert len(sheet.sessions) == len(sheet.proofings) == 1
    account = store.find(line.account_id)
    assert account
    assert account.password_hash
    assert account.password_hash not in repr(sheet)
    assert assistance.people(world.services).show("nobody") is None


def test_limits_in_force_are_told_and_unlocking_gives_every_try_again(world: World) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(CAMILLE)
    for _ in range(METHOD_BUDGET[Method.PASSWORD]):
        person.press("Se connecter", password="mauvais mot de passe")
    for _ in range(MAILS_PER_HOUR):
        world.browser().start(CAMILLE).press("Recevoir le code")
    people = assistance.people(world.services)
    sheet = people.show("camille")
    assert sheet
    assert sheet.limits == (LimitInForce("password"), LimitInForce("mails", CAMILLE))
    assert person.press("Se connecter", password=PASSWORD).last.status_code == 429
    assert people.unlock("camille", ACT)
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    (event,) = world.events("helpdesk.unlocked")
    assert (event["account_id"], event["fields"]) == ("camille", {"operator": "alex", "reason": ACT.reason})
    assert not people.unlock("nobody", ACT)


def test_strangers_who_fail_to_sign_in_hide_nothing_from_who_helps(world: World) -> None:
    """Nor do those of a single journey, which is read once more by its reference."""
    world.account("camille", CAMILLE, password=PASSWORD)
    world.services.stores.audit.append("account.address_added", at=world.clock(), reference="own", account_id="camille")
    later = world.clock() + timedelta(seconds=1)
    world.services.database.collection("audit").insert_many(
        {"event": "sign_in.failed", "at": later, "reference": "theirs", "account_id": "camille", "fields": {}}
        for _ in range(1100)
    )
    told = events(assistance.timeline(world.services).of_account("camille"))
    assert "account.address_added" in told
    assert 0 < told.count("sign_in.failed") < 1000
