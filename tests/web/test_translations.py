"""English says everything that French says, and the compiled catalogue is the one of the texts."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from idp.domain.languages import LANGUAGES

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "idp" / "translations" / "en" / "LC_MESSAGES"
PLACES = re.compile(r"%\(\w+\)\w|<[^>]+>")


@pytest.fixture(scope="module")
def english() -> Catalog:
    with (FOLDER / "messages.po").open("rb") as texts:
        return read_po(texts, locale="en")


@pytest.fixture(scope="module")
def texts_in_use() -> set[str | tuple[str, ...]]:
    with (PROJECT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(PROJECT, methods, options)
    return {message for _, _, message, _, _ in found}


def translated(catalogue: Catalog) -> Iterator[tuple[Message, list[str], list[str]]]:
    """Every message with its French and its English wordings."""
    for message in catalogue:
        if message.id:
            yield message, _wordings(message.id), _wordings(message.string)


def _wordings(told: str | Iterable[str] | None) -> list[str]:
    """Singular and plural, or the one there is."""
    return [told] if isinstance(told, str) else list(told or ())


def test_pages_and_mails_have_the_same_languages() -> None:
    """Mails are in the languages that have a catalogue."""
    catalogues = {file.parts[-3] for file in FOLDER.parents[1].glob("*/LC_MESSAGES/messages.mo")}
    assert {"fr", *catalogues} == set(LANGUAGES), "name in domain/languages.py what has a catalogue in idp/translations"


def test_english_has_every_text_and_no_other(english: Catalog, texts_in_use: set[str | tuple[str, ...]]) -> None:
    assert {message.id for message in english if message.id} == texts_in_use
    assert not english.obsolete


@pytest.mark.parametrize(
    "misread",
    [
        "mailé",
        "ne connectent",
        "connectent de nouveau",
        "entrer dans",
        "finit dans",
        "fait pas partie de ses",
        "d’une empreinte",
        "n’en avez pas, adressez-vous",
        "personne de %(university)s",
        "chez <strong>",
        # The same word for the same thing: comptes réunis, appareils déconnectés, rechercher.
        "usionn",
        "êtes déconnecté",
        "Chercher",
    ],
)
def test_no_text_says_what_people_misread(texts_in_use: set[str | tuple[str, ...]], misread: str) -> None:
    assert not [text for text in texts_in_use if misread in str(text)]


@pytest.mark.parametrize("text", ["%(university)s", "<bdi>%(university)s</bdi>"])
def test_no_sentence_begins_with_the_bare_name_of_a_university(
    texts_in_use: set[str | tuple[str, ...]], text: str
) -> None:
    """French wants an article before it, which is not known: quoted after « l’établissement », it needs none."""
    assert not [found for found in map(str, texts_in_use) if found.startswith(text) or f". {text}" in found]


# « L’aide de Université d’Exemple », « à Université d’Exemple »: the same article is missing within a sentence.
BARE_UNIVERSITY = re.compile(r"(?<!« )(?<![(>])(?<!: )(?:<bdi>)?%\(university\)s")
QUOTED = re.compile(r"« (?:<strong>)?<bdi>%\(university\)s</bdi>(?:</strong>)? »")


def test_a_university_within_a_sentence_is_quoted(texts_in_use: set[str | tuple[str, ...]]) -> None:
    assert not [text for text in map(str, texts_in_use) if BARE_UNIVERSITY.search(QUOTED.sub("", text))]


# « By mail » is the post; one word for one thing; apostrophes as in print.
MISREAD_IN_ENGLISH = re.compile(
    r"by mail\b|\bmailed|\ba mail\b(?! server)|\b[Mm]ail address|user name|help desk|\bparted\b|\bpart (?:a|them)\b"
    r"|\w'\w"
)


def test_english_has_one_word_for_one_thing(english: Catalog) -> None:
    wordings = [wording for _, _, wordings in translated(english) for wording in wordings]
    assert not [wording for wording in wordings if MISREAD_IN_ENGLISH.search(PLACES.sub("", wording))]


# A space that may break, where French typography wants one that does not: a line would begin with « : » or « ? ».
BREAKS = re.compile(r" (?:[;?!»](?!\w)|:(?=\s|$|<))|« |[\"'](?![^<]*>)|\.\.\.")


def test_no_line_of_french_begins_with_a_sign_that_belongs_to_the_line_before(
    texts_in_use: set[str | tuple[str, ...]],
) -> None:
    texts = [text for each in texts_in_use for text in ([each] if isinstance(each, str) else each)]
    assert not [text for text in texts if BREAKS.search(text)]


def test_english_leaves_nothing_empty_or_uncertain(english: Catalog) -> None:
    for message, _, wordings in translated(english):
        assert all(wordings), message.id
        assert not message.fuzzy, message.id


def test_english_keeps_the_values_and_the_markup_of_the_french(english: Catalog) -> None:
    for _, french, wordings in translated(english):
        for original, wording in zip(french, wordings, strict=True):
            assert sorted(PLACES.findall(original)) == sorted(PLACES.findall(wording))


def test_the_compiled_catalogue_is_that_of_the_texts(english: Catalog) -> None:
    with (FOLDER / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    # Not byte for byte: the header names the version of Babel that compiled it.
    assert wordings_of(compiled) == wordings_of(english), "run pybabel compile -d idp/translations"


def wordings_of(catalogue: Catalog) -> dict[tuple[str, ...], list[str]]:
    return {tuple(originals): wordings for _, originals, wordings in translated(catalogue)}
