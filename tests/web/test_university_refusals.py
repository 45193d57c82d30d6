"""What a person reads where the university's answer leads nowhere: a plain sentence, and ways on that work."""

from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import xmlsec
from lxml import etree

from idp.domain.accounts import Identity
from tests.saml import identity_provider as university
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, World
from tests.web.visitor import ISSUER

CODES = "urn:oasis:names:tc:SAML:2.0:status:"
SENTENCES = {
    ("Responder", "AuthnFailed"): "n’a pas pu vous identifier",
    ("Responder", "NoPassive"): "sans vous poser de question",
    ("Responder", "RequestDenied"): "a refusé la demande",
    ("Responder", "UserCancelled"): "a été annulée",
    ("Responder", "UnknownPrincipal"): "a répondu sans confirmer votre identité",
    ("Requester",): "a répondu sans confirmer votre identité",
}


def says_no(world: World, *codes: str, entity_id: str = EXEMPLE) -> university.Draft:
    return world.draft(entity_id).changed(status=tuple(CODES + code for code in codes))


@pytest.mark.parametrize(("codes", "sentence"), SENTENCES.items())
def test_each_way_to_say_no_has_a_sentence_of_its_own(world: World, codes: tuple[str, ...], sentence: str) -> None:
    person = world.browser().start().prove(says_no(world, *codes))
    assert (person.last.status_code, person.step) == (403, "error")
    assert sentence in person.text
    reference = person.tree.xpath("//main/@data-reference")[0]
    (event,) = world.services.database.collection("audit").find({"event": "request.refused"})
    assert (event["reference"], event["fields"]["reason"]) == (reference, "saml.status")


def test_every_way_on_works(world: World) -> None:
    known = world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start().prove(says_no(world, "Responder", "AuthnFailed"))
    links = person.links()
    assert person.get(links["Choisir une autre université"]).step == "choose-university"
    assert person.get(links["Réessayer"]).step == "sign-in"
    assert person.prove().step == "check-mailbox"
    person.get(links["Se connecter par mot de passe, ou par un code reçu par mail"])
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    assert known.address in person.text


def test_the_ways_on_do_not_tell_whether_there_is_an_account(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    pages = []
    for typed in (CAMILLE, "nobody@univ-exemple.fr"):
        person = world.browser().start(typed).prove(says_no(world, "Responder", "AuthnFailed"))
        pages.append(list(person.links()))
    assert pages[0] == pages[1]


def test_the_university_s_own_error_page_is_offered_with_what_it_wants_to_know(world: World) -> None:
    person = world.browser().start().prove(says_no(world, "Responder", "AuthnFailed"))
    address = person.links()["Ce qu’en dit l’établissement « Université d’Exemple »"]
    assert address.startswith("https://www.univ-exemple.fr/erreur?")
    reference = person.tree.xpath("//main/@data-reference")[0]
    assert parse_qs(urlsplit(address).query) == {
        "code": ["AUTHENTICATION_FAILURE"],
        "rp": [f"{ISSUER}/saml/metadata"],
        "tid": [reference],
    }


def test_where_a_university_has_no_such_page_none_is_offered(world: World) -> None:
    person = world.browser().start("alix@autre.fr")
    person.prove(says_no(world, "Responder", "AuthnFailed", entity_id=AUTRE))
    assert not [words for words in person.links() if words.startswith("Ce qu’en dit")]


def test_without_an_identifier_a_message_for_the_it_department_is_ready(world: World) -> None:
    earliest = f"{world.clock():%Y-%m-%d}"
    person = world.browser().start().prove(world.draft(mail=(CAMILLE,)))
    assert (person.last.status_code, person.step) == (403, "error")
    (copied,) = person.tree.xpath("//*[@data-copy]/@data-copy")
    reference = person.tree.xpath("//main/@data-reference")[0]
    for told in (
        f"{ISSUER}/saml/metadata",
        EXEMPLE,
        reference,
        "urn:oasis:names:tc:SAML:attribute:subject-id",
        "urn:oasis:names:tc:SAML:attribute:pairwise-id",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "Bonjour",
        "Hello",
    ):
        assert told in copied
    assert earliest in copied or f"{world.clock():%Y-%m-%d}" in copied, "midnight may have come between"
    assert copied.split() == person.tree.xpath("//pre")[0].text_content().split()
    mailto = person.links()["L’ouvrir dans ma messagerie"]
    assert mailto.startswith("mailto:?subject=")
    assert reference in unquote(mailto)
    assert "urn:oasis:names:tc:SAML:attribute:subject-id" in unquote(mailto)
    # RFC 6068 section 5.
    assert "Bonjour%2C%0D%0A" in mailto
    assert mailto.count("%0A") == mailto.count("%0D%0A") == copied.count("\n")


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"mail": (CAMILLE,), "eppn": ("cdurand@elsewhere.fr",)}, "shibmd:Scope"),
        (
            {"mail": ("camille@elsewhere.fr",), "eppn": ("cdurand@univ-exemple.fr",)},
            "urn:oid:0.9.2342.19200300.100.1.3",
        ),
        ({"mail": (CAMILLE, f"other.{CAMILLE}"), "eppn": ("cdurand@univ-exemple.fr",)}, "une seule est attendue"),
        ({"mail": (CAMILLE,), "eppn": ("a@univ-exemple.fr", "b@univ-exemple.fr")}, "avec plusieurs valeurs"),
    ],
)
def test_what_lies_outside_the_scope_or_comes_twice_has_its_message_too(
    world: World, attributes: dict[str, tuple[str, ...]], named: str
) -> None:
    person = world.browser().start().prove(world.draft(**attributes))
    assert (person.last.status_code, person.step) == (403, "error")
    assert named in person.tree.xpath("//*[@data-copy]/@data-copy")[0]
    assert world.mails(CAMILLE) == []


def test_how_to_encrypt_for_us_is_in_a_message_too(world: World) -> None:
    """AD FS encrypts for whoever publishes a key, by AES-CBC, and signs the assertion alone unless told otherwise."""
    person = world.browser().start()
    request_id = person.leave(EXEMPLE)
    metadata = etree.fromstring(person.get("/saml/metadata").last.data)
    text = metadata.find(".//md:KeyDescriptor[@use='encryption']//ds:X509Certificate", university.NS).text
    certificate = f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n".encode()

    def encrypt(root: university.Element) -> None:
        university.encrypt(root, certificate, cipher=xmlsec.constants.TransformAes256Cbc)

    person.come_back(request_id, world.draft(), encrypt)
    assert (person.last.status_code, person.step) == (400, "error")
    (copied,) = person.tree.xpath("//*[@data-copy]/@data-copy")
    for told in ("AES-GCM", "RSA-OAEP", "SHA-256", f"{ISSUER}/saml/metadata", "Bonjour", "Hello"):
        assert told in copied
    assert "attribut" not in copied


def _signs_with_sha_1(world: World) -> Callable[[university.Element], None]:
    def sign_again(root: university.Element) -> None:
        assertion = university.assertion_of(root)
        assertion.remove(assertion.find("ds:Signature", university.NS))
        university.sign(assertion, world.keys[EXEMPLE], method=xmlsec.constants.TransformRsaSha1)

    return sign_again


def test_a_university_that_signs_with_sha_1_is_told_and_known(world: World) -> None:
    """The guard refuses before anything is believed; whom it is about is told all the same, and the way back."""
    person = world.browser().start()
    request_id = person.leave(EXEMPLE)
    person.come_back(request_id, world.draft(), _signs_with_sha_1(world))
    assert (person.last.status_code, person.step) == (400, "error")
    assert "SHA-256" in person.tree.xpath("//*[@data-copy]/@data-copy")[0]
    (event,) = world.events("request.refused")
    assert (event["fields"]["reason"], event["fields"]["entity_id"]) == ("saml.algorithm", EXEMPLE)
    assert event["reference"] == person.tree.xpath("//main/@data-reference")[0]
    # Who else knows the request's name has not spoiled it.
    assert person.come_back(request_id, world.draft()).step == "check-mailbox"


def test_o_06_another_browser_learns_nothing_of_a_journey_by_what_the_guard_refuses(world: World) -> None:
    request_id = world.browser().start().leave(EXEMPLE)
    other = world.browser().start()
    other.come_back(request_id, world.draft(), _signs_with_sha_1(world))
    assert (other.last.status_code, other.step) == (400, "error")
    assert not other.tree.xpath("//*[@data-copy]")


def test_a_message_never_holds_what_the_university_released(world: World) -> None:
    attributes = {"mail": ("camille.secret@elsewhere.fr",), "eppn": ("cdurand@univ-exemple.fr",)}
    person = world.browser().start().prove(world.draft(**attributes))
    assert "secret" not in person.last.text


def test_the_same_address_with_a_new_identifier_is_flagged_and_not_merged(world: World) -> None:
    """Renamed, or another person: nobody here can tell, so that there are two accounts and a mark in the audit."""
    before = world.account("before", CAMILLE, Identity(EXEMPLE, "eppn", "maiden@univ-exemple.fr"))
    person = world.browser().start().prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"
    now = world.services.stores.accounts.by_address(CAMILLE)
    assert now
    assert now.subject != before.subject
    (event,) = world.events("proofing.identity_conflict")
    assert event["fields"] == {"entity_id": EXEMPLE, "kind": "eppn", "previous_account": "before"}


def test_two_accounts_named_by_one_answer_are_a_flagged_conflict(world: World) -> None:
    world.account("one", "one@univ-exemple.fr", Identity(EXEMPLE, "subject-id", "s@univ-exemple.fr"))
    world.account("two", "two@univ-exemple.fr", Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"))
    attributes = dict(world.draft().attributes) | {"subject-id": ("s@univ-exemple.fr",)}
    person = world.browser().start().prove(world.draft(**attributes))
    assert (person.last.status_code, person.step) == (403, "error")
    assert "Rien n’a été modifié" in person.text
    (event,) = world.events("proofing.identity_conflict")
    assert event["fields"] == {"entity_id": EXEMPLE, "kind": "subject-id eppn"}
    assert person.get(person.links()["Réessayer"]).step == "sign-in"
