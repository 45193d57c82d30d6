"""When a typed address is somebody else's by its name, and when it may as well be an alias."""

import pytest

from idp.domain.name_likeness import bears_other_name

CAMILLE = {"displayName": ("Camille Exemple",), "givenName": ("Camille",), "sn": ("Exemple",)}
MAILS = ("camille.exemple@etu.univ-exemple.fr",)


@pytest.mark.parametrize("local_part", ["mai.nguyen", "mai-nguyen2", "nguyen_mai", "zoe.lhermitte-brule"])
def test_two_names_that_are_nothing_like_the_person_s_are_somebody_else_s(local_part: str) -> None:
    assert bears_other_name(f"{local_part}@etu.univ-exemple.fr", CAMILLE, MAILS)


@pytest.mark.parametrize(
    "local_part",
    [
        *("camille", "exemple", "camille.exemple", "exemple.camille2", "camille.dubois", "marie.exemple", "cam.dubois"),
        *("c.exemple", "cexemple", "ce", "c.e", "camilleexemple.fac"),
        *("21904532", "e21904532", "e.21904532", "mnguyen", "m.nguyen", "scolarite"),
    ],
)
def test_aliases_logins_initials_and_numbers_tell_nothing(local_part: str) -> None:
    assert not bears_other_name(f"{local_part}@etu.univ-exemple.fr", CAMILLE, MAILS)


@pytest.mark.parametrize(
    ("typed", "name", "mail"),
    [
        ("mai.nguyen", "Maï NGUYỄN", "21904532"),
        ("anais.le-goff", "Anaïs Le Goff", "alegoff"),
        ("jp.dupontmartin", "Jean-Pierre Dupont Martin", "x"),
        ("soeur.coeurjoly", "Sœur Cœurjoly", "x"),
        ("olga.ivanova", "Ольга Иванова", "x"),
        ("olga.ivanova", "Olia I.", "olga.ivanova"),
        ("marie.durand", "An Li", "x"),
    ],
)
def test_accents_glue_other_scripts_and_short_names_make_nobody_else(typed: str, name: str, mail: str) -> None:
    assert not bears_other_name(f"{typed}@a.fr", {"displayName": (name,)}, [f"{mail}@a.fr"])


def test_who_has_no_name_is_compared_with_nothing() -> None:
    assert not bears_other_name("mai.nguyen@a.fr", {}, MAILS)
    assert not bears_other_name("mai.nguyen@a.fr", {"eduPersonAffiliation": ("student",)}, MAILS)
