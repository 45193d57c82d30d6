"""The federation folder: what is believed, what is refused with one clear line, and that good copies stay in use."""

import gzip
import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree

from idp.saml.federation import FederationFolder
from idp.saml.federation_seen import stamp
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import LIMOGES, ROUEN, TRUSTED, Clock, MakeFolder, rewrite


def test_metadata_cannot_claim_a_mail_domain_that_is_everybody_s(make_folder: MakeFolder, key: university.Key) -> None:
    claims, named = "https://idp.accapare.fr/idp", "https://idp.univ-nord.fr/idp"
    some = [
        university.entity_descriptor(claims, (key,), scopes=("gmail.com", "perso.orange.fr")),
        university.entity_descriptor(named, (key,), scopes=("univ-nord.fr",)),
    ]
    by_table = f'[providers."{named}"]\nmail_domains = ["orange.fr"]\n'
    folder = make_folder(aggregates.signed(aggregates.aggregate(some), key), TRUSTED + by_table)
    folder.refresh()
    assert folder.current.by_address_domain("gmail.com") == ()
    assert [found.entity_id for found in folder.current.by_address_domain("perso.orange.fr")] == [named]


def test_folder_without_files_is_an_empty_federation(make_folder: MakeFolder) -> None:
    folder = make_folder(None, "")
    assert (folder.loaded, folder.refresh(), folder.loaded) == (False, (), True)
    assert len(folder.current) == 0


def test_missing_folder_is_an_empty_federation_and_told(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = FederationFolder(tmp_path / "nowhere", clock, state=tmp_path / "state")
    [status] = folder.refresh()
    assert len(folder.current) == 0
    assert status.problem == (
        f"federation.dir = '{tmp_path}/nowhere': no such folder; accepted: a folder (IDP_FEDERATION_DIR)"
    )
    folder.refresh()
    told = [record.levelname for record in caplog.records if record.message == "federation.no_folder"]
    assert told == ["WARNING"]
    (tmp_path / "nowhere").mkdir()
    assert folder.refresh() == ()


def test_signed_aggregate_is_in_use(make_folder: MakeFolder, key: university.Key, entities: list[bytes]) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    [status] = folder.refresh()
    assert (status.file, status.providers, status.problem) == ("fer.xml", 2, None)
    assert status.valid_until == university.NOW + timedelta(days=9)
    found = folder.current.provider(LIMOGES)
    assert found is not None
    assert (found.name("fr"), found.scopes) == ("Université de Limoges", ("unilim.fr",))
    assert len(folder.current) == 2
    assert folder.current.provider("https://idp.inconnue.fr") is None


def test_entity_is_handed_over_as_a_document_with_its_digest(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    provider, metadata = folder.current.provider(LIMOGES), folder.current.metadata(LIMOGES)
    assert provider is not None
    assert metadata is not None
    assert etree.fromstring(metadata).get("entityID") == LIMOGES
    assert provider.metadata_digest == hashlib.sha256(metadata).hexdigest()


def test_either_pinned_key_will_do_and_public_keys_too(
    make_folder: MakeFolder, other_key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), other_key))
    public_key = x509.load_pem_x509_certificate(other_key.certificate).public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "keys/old.pem").write_bytes(pem)
    assert folder.refresh()[0].problem is None


def test_expired_certificate_of_a_pinned_key_does_not_matter(
    make_folder: MakeFolder, entities: list[bytes], tmp_path: Path
) -> None:
    expired = university.new_key("federation", days=10)
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), expired))
    (tmp_path / "keys/new.pem").write_bytes(expired.certificate)
    assert folder.refresh()[0].problem is None


def test_single_entity_may_be_the_whole_signed_document(make_folder: MakeFolder, key: university.Key) -> None:
    until = university.when(university.NOW + timedelta(days=2))
    entity = university.entity_descriptor(LIMOGES, (key,), attributes=f'validUntil="{until}" ID="_one"')
    assert make_folder(aggregates.signed(etree.fromstring(entity), key)).refresh()[0].problem is None


def test_groups_within_groups_are_read(make_folder: MakeFolder, key: university.Key, entities: list[bytes]) -> None:
    inner = aggregates.aggregate(entities, identifier=None, valid_until=None)
    outer = aggregates.aggregate([etree.tostring(inner)])
    folder = make_folder(aggregates.signed(outer, key))
    assert folder.refresh()[0].providers == 2


def _tampered(content: bytes) -> bytes:
    return content.replace(b"idp.unilim.fr/sso", b"idp.evil.fr/sso")


BAD_FILES: dict[str, tuple[Callable[[university.Key, list[bytes]], bytes], str]] = {
    "unsigned": (lambda key, some: etree.tostring(aggregates.aggregate(some)), "is not signed as a whole"),
    "tampered": (lambda key, some: _tampered(aggregates.signed(aggregates.aggregate(some), key)), "was changed"),
    "foreign key": (
        lambda key, some: _signed_with_key_info(aggregates.aggregate(some), university.new_key("evil")),
        "is not signed by any of its signing_keys",
    ),
    "sha-1": (
        lambda key, some: aggregates.signed(aggregates.aggregate(some), key, method=xmlsec.constants.TransformRsaSha1),
        "of a form that is not accepted",
    ),
    "one entity signed": (lambda key, some: _one_entity_signed(key, some), "is not signed as a whole"),
    "signature over a part": (lambda key, some: _signature_over_a_part(key, some), "of a form that is not accepted"),
    "no end": (lambda key, some: aggregates.signed(aggregates.aggregate(some, valid_until=None), key), "no validUntil"),
    "expired": (
        lambda key, some: aggregates.signed(
            aggregates.aggregate(some, valid_until=university.NOW - timedelta(seconds=1)), key
        ),
        "expired on 2026-03-02",
    ),
    "valid too long": (
        lambda key, some: aggregates.signed(
            aggregates.aggregate(some, valid_until=university.NOW + timedelta(days=29)), key
        ),
        "more than 28 days ahead",
    ),
    "no identity provider": (
        lambda key, some: aggregates.signed(aggregates.aggregate([]), key),
        "holds no identity provider",
    ),
    # As LemonLDAP::NG publishes its key where it was made without a certificate.
    "bare keys": (
        lambda key, some: aggregates.signed(aggregates.aggregate([_with_bare_keys(entity) for entity in some]), key),
        "signing key in a certificate",
    ),
    "truncated": (lambda key, some: aggregates.signed(aggregates.aggregate(some), key)[:-200], "download cut off"),
    "empty": (lambda key, some: b"\n", "is empty"),
    "html": (lambda key, some: b"<html><body>Not found</body></html>", "is a web page"),
    "web page": (lambda key, some: b"\n<!DOCTYPE html>\n<html lang=fr><p>Portail captif", "is a web page"),
    "other root": (lambda key, some: b"<a/>", "is no SAML metadata"),
    "compressed": (lambda key, some: gzip.compress(etree.tostring(aggregates.aggregate(some))), "unpack it"),
    "not xml": (lambda key, some: b"404", "is not acceptable XML"),
    "document type": (
        lambda key, some: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + etree.tostring(aggregates.aggregate(some)),
        "document type",
    ),
}


def _signed_with_key_info(root: university.Element, key: university.Key) -> bytes:
    return aggregates.signed(root, key, key_info=key)


def _with_bare_keys(entity: bytes) -> bytes:
    key_value = b"<ds:RSAKeyValue><ds:Modulus>qmEz</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue>"
    root = etree.fromstring(entity)
    for data in root.iter("{http://www.w3.org/2000/09/xmldsig#}X509Data"):
        data.tag = "{http://www.w3.org/2000/09/xmldsig#}KeyValue"
        data[:] = etree.fromstring(b'<a xmlns:ds="http://www.w3.org/2000/09/xmldsig#">' + key_value + b"</a>")[:]
    bare: bytes = etree.tostring(root)
    return bare


def _one_entity_signed(key: university.Key, entities: list[bytes]) -> bytes:
    root = aggregates.aggregate(entities)
    root[0].set("ID", "_one")
    university.sign(root[0], key)
    xml: bytes = etree.tostring(root)
    return xml


def _signature_over_a_part(key: university.Key, entities: list[bytes]) -> bytes:
    root = aggregates.aggregate(entities)
    root[0].set("ID", "_one")
    root.insert(0, university.sign(root[0], key))
    xml: bytes = etree.tostring(root)
    return xml


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_with_one_line_that_names_it(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], name: str
) -> None:
    make, reason = BAD_FILES[name]
    folder = make_folder(make(key, entities))
    [status] = folder.refresh()
    assert status.problem is not None
    assert status.problem.startswith("fer.xml: ")
    assert reason in status.problem
    assert "\n" not in status.problem
    assert (status.providers, len(folder.current)) == (0, 0)


@pytest.mark.parametrize("name", BAD_FILES)
def test_good_copy_stays_in_use_when_the_file_goes_bad(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path, name: str
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    rewrite(tmp_path / "fer.xml", BAD_FILES[name][0](key, entities))
    [status] = folder.refresh()
    assert status.problem is not None
    assert status.providers == 2
    assert folder.current.provider(LIMOGES) is not None


def test_only_a_cut_off_file_is_asked_whether_it_was_cut_off(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    [status] = make_folder(BAD_FILES["document type"][0](key, entities)).refresh()
    assert "cut off" not in (status.problem or "")


def test_what_is_no_file_is_not_read(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder, path = make_folder(None), tmp_path / "fer.xml"
    makers: tuple[Callable[[Path], None], ...] = (os.mkfifo, os.mkdir, partial(os.symlink, "/dev/zero"))
    for number, make in enumerate(makers):
        make(path)
        [status] = folder.refresh()
        assert status.problem == "fer.xml: is a folder, a pipe or a device, not a file"
        path.rename(tmp_path / f"aside-{number}")


def test_an_end_too_far_ahead_comes_nearer_and_the_file_is_taken_within_an_hour(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], clock: Clock
) -> None:
    end = clock.now + timedelta(days=28, minutes=30)
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities, valid_until=end), key))
    assert "more than 28 days ahead" in (folder.refresh()[0].problem or "")
    clock.now += timedelta(hours=1)
    assert folder.refresh()[0].problem is None
    assert len(folder.current) == 2


def test_a_clock_that_was_ahead_costs_the_universities_only_until_it_is_set_right(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], clock: Clock
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    clock.now += timedelta(days=400)
    assert "expired" in (folder.refresh()[0].problem or "")
    clock.now -= timedelta(days=400)
    assert folder.refresh()[0].problem is None
    assert len(folder.current) == 2


def test_a_file_that_could_not_be_read_is_read_as_soon_as_that_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "fer.xml"
    path.touch(0o000)
    before = stamp(path)
    path.chmod(0o644)
    assert stamp(path) != before


def test_good_copy_is_used_until_its_own_end_and_not_longer(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], clock: Clock
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    clock.now += timedelta(days=8)
    assert folder.refresh()[0].problem is None
    clock.now += timedelta(days=2)
    [status] = folder.refresh()
    assert status.problem is not None
    assert "expired" in status.problem
    assert len(folder.current) == 0


def test_corrected_file_is_taken_again(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    folder = make_folder(b"<html/>")
    folder.refresh()
    rewrite(tmp_path / "fer.xml", aggregates.signed(aggregates.aggregate(entities), key))
    assert folder.refresh()[0].problem is None
    assert len(folder.current) == 2


def test_removed_file_takes_its_providers_with_it_and_is_missed_as_long_as_it_is_named(
    make_folder: MakeFolder,
    key: university.Key,
    entities: list[bytes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = aggregates.signed(aggregates.aggregate(entities), key)
    folder = make_folder(good)
    folder.refresh()
    (tmp_path / "fer.xml").unlink()
    for _ in range(2):
        [status] = folder.refresh()
        assert (status.file, status.providers, status.loaded_at) == ("fer.xml", 0, None)
        assert status.problem is not None
        assert "is not in the folder" in status.problem
    assert len(folder.current) == 0
    [told] = [record for record in caplog.records if record.getMessage() == "federation.file_gone"]
    assert told.levelname == "WARNING"
    (tmp_path / "fer.xml").write_bytes(good)
    [status] = folder.refresh()
    assert (status.providers, status.problem) == (2, None)
    (tmp_path / "fer.xml").unlink()
    rewrite(tmp_path / "overrides.toml", b"")
    assert folder.refresh() == ()


@pytest.mark.parametrize("url", ["", 'url = "https://federation.exemple.fr/all.xml"\n'])
def test_a_file_may_be_named_before_it_is_there(make_folder: MakeFolder, url: str) -> None:
    folder = make_folder(None, TRUSTED + url)
    assert [folder.refresh(), folder.refresh()] == [(), ()]


def test_an_empty_folder_is_an_accident_where_copies_are_in_use(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    good = aggregates.signed(aggregates.aggregate(entities), key)
    hidden = f'{TRUSTED}[providers."{ROUEN}"]\nhidden = true\n'
    folder = make_folder(good, hidden)
    folder.refresh()
    (tmp_path / "fer.xml").unlink()
    (tmp_path / "overrides.toml").unlink()
    for _ in range(2):
        [status] = folder.refresh()
        assert (status.file, status.providers, status.problem is None) == ("fer.xml", 2, False)
        assert folder.current.search("limoges") != ()
        assert folder.current.search("rouen") == ()
    (tmp_path / "overrides.toml").write_text("")
    assert folder.refresh() == ()
    assert len(folder.current) == 0


def test_unchanged_folder_keeps_the_very_same_federation(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    before = folder.current
    folder.refresh()
    assert folder.current is before


def test_unsigned_file_needs_its_fingerprint(make_folder: MakeFolder, entities: list[bytes], tmp_path: Path) -> None:
    trusted = f'[files."one.xml"]\nsha256 = "{hashlib.sha256(entities[0]).hexdigest()}"\n'
    folder = make_folder(None, trusted, one=entities[0])
    assert folder.refresh()[0].problem is None
    assert folder.current.provider(LIMOGES) is not None
    rewrite(tmp_path / "one.xml", _tampered(entities[0]))
    [status] = folder.refresh()
    assert status.problem is not None
    assert hashlib.sha256(_tampered(entities[0])).hexdigest() in status.problem


def test_file_without_any_trust_is_refused_and_told_what_to_do(make_folder: MakeFolder, entities: list[bytes]) -> None:
    [status] = make_folder(None, "", one=entities[0]).refresh()
    assert status.problem is not None
    assert '[files."one.xml"]' in status.problem


@pytest.mark.parametrize(("content", "reason"), [(b"nonsense", "neither a PEM"), (None, "No such file")])
def test_unusable_pinned_key_is_named(
    make_folder: MakeFolder,
    key: university.Key,
    entities: list[bytes],
    tmp_path: Path,
    content: bytes | None,
    reason: str,
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    (tmp_path / "keys/old.pem").unlink()
    if content:
        (tmp_path / "keys/old.pem").write_bytes(content)
    [status] = folder.refresh()
    assert status.problem is not None
    assert "keys/old.pem" in status.problem
    assert reason in status.problem


def test_later_file_wins_where_two_name_the_same_provider(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    renamed = university.entity_descriptor(LIMOGES, (key,), names={"fr": "Nouvelle"})
    trust = f'[files."zz.xml"]\nsha256 = "{hashlib.sha256(renamed).hexdigest()}"\n'
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key), TRUSTED + trust, zz=renamed)
    folder.refresh()
    found = folder.current.provider(LIMOGES)
    assert found is not None
    assert found.name("fr") == "Nouvelle"


def test_role_that_expired_by_itself_is_left_out(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    """Its keys are over (metadata section 2.4.1), and no other role stands in for it."""
    until = {hours: university.when(university.NOW + timedelta(hours=hours)) for hours in (-1, 1)}
    role = b"<md:IDPSSODescriptor "

    def entity(host: str, *ends: int) -> bytes:
        found = university.entity_descriptor(f"https://{host}/idp", (key,))
        begin, end = found.index(role), found.index(b"</md:EntityDescriptor>")
        roles = [role + f'validUntil="{until[hours]}" '.encode() + found[begin + len(role) : end] for hours in ends]
        return found[:begin] + b"".join(roles) + found[end:]

    some = [*entities, entity("idp.vieille.fr", -1), entity("idp.double.fr", -1, 1), entity("idp.jeune.fr", 1)]
    folder = make_folder(aggregates.signed(aggregates.aggregate(some), key))
    assert folder.refresh()[0].providers == len(entities) + 1
    assert folder.current.provider("https://idp.jeune.fr/idp")


def test_entity_that_expired_by_itself_is_left_out(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    past = f'validUntil="{university.when(university.NOW - timedelta(hours=1))}"'
    old = university.entity_descriptor("https://idp.vieille.fr/idp", (key,), attributes=past)
    folder = make_folder(aggregates.signed(aggregates.aggregate([*entities, old]), key))
    assert folder.refresh()[0].providers == 2
