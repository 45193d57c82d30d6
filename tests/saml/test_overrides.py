"""``overrides.toml``: what the administrator may say, and one clear line for what cannot be read."""

from pathlib import Path

import pytest

from idp.saml.overrides import parse_overrides
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import LIMOGES, ROUEN, TRUSTED, MakeFolder, rewrite

OVERRIDES = (
    TRUSTED
    + f"""
[providers."{LIMOGES}"]
name = {{ fr = "Unilim", en = "Limoges" }}
aliases = ["UL", "Limousin 87"]
mail_domains = ["ensil.fr"]
help_url = "https://aide.unilim.fr"

[providers."{ROUEN}"]
hidden = true
"""
)


FETCHED = '[files."fer.xml"]\nsigning_keys = ["key.pem"]\n'


@pytest.mark.parametrize("url", ["https://x.example/all.xml", "http://localhost:5005/all.xml", "http://[::1]/all.xml"])
def test_a_file_is_fetched_by_https_or_from_this_machine(url: str) -> None:
    assert parse_overrides(f'{FETCHED}url = "{url}"'.encode()).files["fer.xml"].url == url


def test_overrides_complete_and_hide_providers(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes]
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key), OVERRIDES)
    folder.refresh()
    current = folder.current
    limoges, rouen = current.provider(LIMOGES), current.provider(ROUEN)
    assert limoges is not None
    assert (limoges.name("en"), limoges.mail_domains) == ("Limoges", ("ensil.fr",))
    assert (limoges.aliases, limoges.help_url) == (("UL", "Limousin 87"), "https://aide.unilim.fr")
    assert rouen is not None
    assert rouen.hidden
    assert current.by_address_domain("etu.univ-rouen.fr") == current.search("rouen") == ()
    assert current.known_domains() == {"unilim.fr", "ensil.fr"}
    assert current.search("ul") == current.search("limousin") == current.by_address_domain("ensil.fr") == (limoges,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("surprise = 1", "surprise: unknown; accepted are [files.…] and [providers.…]"),
        ('[files."fer.xml"]\nkeys = []', 'files."fer.xml".keys: unknown key; accepted are signing_keys, sha256'),
        ('[files."fer.xml"]\nsigning_keys = []', "accepted is a list of certificate or public key files"),
        ('[files."fer.xml"]\nsha256 = "abc"', "accepted is the SHA-256 of the file, 64 hexadecimal digits"),
        ('[providers."x"]\nhidden = "yes"', "accepted is true or false"),
        ('[providers."x"]\nname = "X"', "accepted is names by language"),
        ('[providers."x"]\naliases = "X"', "accepted is a list of texts"),
        ('[providers."x"]\nmail_domains = ["fr"]', "accepted is a list of domains with a dot"),
        ('[providers."x"]\nmail_domains = ["a@b.fr"]', "accepted is a list of domains with a dot"),
        ('[providers."x"]\nhelp_url = "javascript:alert(1)"', "accepted is an https address"),
        (f'{FETCHED}url = "http://x.example/all.xml"', "accepted is an https address, from which the file is fetched"),
        (f'{FETCHED}url = "http://127.0.0.1.example/"', "accepted is an https address, from which the file is fetched"),
        (f'{FETCHED}url = "https://x.éxample/all.xml"', "accepted is an https address, from which the file is fetched"),
        (f'{FETCHED}url = "ftp://localhost/all.xml"', "accepted is an https address, from which the file is fetched"),
        ("files = 3", "accepted are tables like"),
        ("[files", "not TOML"),
    ],
)
def test_fault_in_overrides_is_one_line_and_the_good_ones_stay(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path, text: str, expected: str
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key), OVERRIDES)
    folder.refresh()
    rewrite(tmp_path / "overrides.toml", text.encode())
    status = {status.file: status for status in folder.refresh()}
    problem = status["overrides.toml"].problem
    assert problem is not None
    assert problem.startswith("overrides.toml: ")
    assert expected in problem
    assert "\n" not in problem
    assert status["fer.xml"].providers == 2
    assert folder.current.by_address_domain("ensil.fr") != ()


def test_override_of_an_unknown_provider_is_told_in_the_log(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    slip = f'{TRUSTED}[providers."https://idp.unilim.fr/ipd"]\nhidden = true\n'
    make_folder(aggregates.signed(aggregates.aggregate(entities), key), slip).refresh()
    assert "federation.override_without_provider" in caplog.text


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_overrides(b"\xef\xbb\xbf" + TRUSTED.encode()) == parse_overrides(TRUSTED.encode())
