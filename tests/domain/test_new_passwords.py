"""New passwords: everything good is taken, everything guessable refused with its reason."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.domain.new_passwords import MINIMUM_BITS, bits, guesses_log10, problem_with

ADDRESS = "camille.exemple@univ-exemple.fr"
KNOWN = ("Camille Exemple", "Université d’Exemple", "UNESS", "2026")


@pytest.mark.parametrize(
    ("password", "key"),
    [
        ("court", "password.too_short"),
        ("é" * 11, "password.too_short"),
        ("camille.exemple@univ-exemple.fr", "password.contains_address"),
        ("camille.exemple12", "password.contains_address"),
        ("729384650182", "password.too_uniform"),
        ("aaaaaaaaaaaaaaaa", "password.too_simple"),
        ("abcabcabcabcabc", "password.too_simple"),
        ("azertyuiopqs", "password.too_simple"),
        ("abcdefghijklmn", "password.too_simple"),
        ("motdepasse123!", "password.too_simple"),
        ("Password1234!", "password.too_simple"),
        ("bonjourbonjour", "password.too_simple"),
        ("Universite2026", "password.too_simple"),
        ("uness2026", "password.too_short"),
        ("CamilleExemple", "password.too_simple"),
        ("anniversaire1", "password.too_simple"),
        ("élisabethélisabeth", "password.too_simple"),
    ],
)
def test_a_poor_new_password_is_refused_with_its_reason(password: str, key: str) -> None:
    problem = problem_with(password, address=ADDRESS, minimum_length=12, known=KNOWN)
    assert problem is not None
    assert problem.key == key


@pytest.mark.parametrize(
    "password",
    [
        "trois pommes vertes",
        "Tr0ub4dor&3xx",
        "мой длинный пароль",
        "密码很长没有人能猜到它吧对吗",
        "girafe violon tempête cactus",
        "  deux  espaces, çà et là ",
        "x9$kQ2m!vB7z",
        "nul\x00dedans-et-solide",
    ],
)
def test_any_characters_make_a_good_password(password: str) -> None:
    assert problem_with(password, address=ADDRESS, minimum_length=12, known=KNOWN) is None


@pytest.mark.parametrize(
    ("password", "expected"), [("0" * 16, 53), ("a" * 12, 56), ("aA0!" * 3, 80), ("é" * 10, 52), ("", 0)]
)
def test_bits_are_reckoned_as_the_cnil_does(password: str, expected: int) -> None:
    assert round(bits(password)) == expected


@pytest.mark.parametrize(
    "password",
    [
        "Camille-Exemple-2026!",
        "CamilleExemple2026",
        "Exemple/Camille/31",
        "Université d'Exemple 2026",
        "univ-exemple 2026",
        "UNESS-Exemple-2026",
    ],
)
def test_what_others_know_of_the_person_makes_no_password_however_it_is_joined(password: str) -> None:
    problem = problem_with(password, address=ADDRESS, minimum_length=12, known=KNOWN)
    assert problem is not None
    assert problem.key == "password.too_simple"


def test_a_phrase_may_hold_what_others_know_of_the_person() -> None:
    for password in ("Camille et trois girafes", "exemple-violon-2026-cactus"):
        assert problem_with(password, address=ADDRESS, minimum_length=12, known=KNOWN) is None


def test_twelve_digits_are_too_few_and_twelve_letters_enough() -> None:
    assert bits("0" * 12) < MINIMUM_BITS <= bits("a" * 12)


def test_what_others_know_of_the_person_makes_a_password_easier_to_guess() -> None:
    assert guesses_log10("quillevere-brest") > guesses_log10("quillevere-brest", ["Maëlle Quillévéré"])


def test_french_words_count_with_their_accents_and_without() -> None:
    assert guesses_log10("développement") < 6
    assert guesses_log10("developpement") < 6


def test_a_very_long_password_is_judged_by_the_better_of_its_ends() -> None:
    phrase = "girafe violon tempête cactus"
    for password in (phrase + "a" * 4_000, "a" * 4_000 + phrase):
        assert problem_with(password, address=ADDRESS, minimum_length=12) is None
    assert problem_with("a" * 4_000, address=ADDRESS, minimum_length=12) is not None


def test_people_who_choose_at_the_same_time_do_not_share_what_is_known_of_them() -> None:
    with ThreadPoolExecutor(8) as pool:
        judged = list(pool.map(lambda name: guesses_log10("quillevere-brest", [name]), ["Quillevere", "Exemple"] * 8))
    assert len(set(judged[::2])) == len(set(judged[1::2])) == 1
    assert judged[0] < judged[1]


def key_of(password: str, address: str) -> str | None:
    problem = problem_with(password, address=address, minimum_length=12)
    return problem.key if problem else None


@pytest.mark.parametrize(
    ("password", "address"),
    [("CAMILLE.DURAND@UNIV-EXEMPLE.FR", "camille.durand@univ-exemple.fr"), ("minaminamina", "mina@univ-exemple.fr")],
)
def test_an_address_in_capitals_and_a_short_name_again_and_again_are_the_address(password: str, address: str) -> None:
    assert key_of(password, address) == "password.contains_address"


def test_half_a_password_beside_the_name_is_more_than_the_address() -> None:
    assert key_of("camillexq7!Kz", "camille@univ-exemple.fr") != "password.contains_address"
    assert key_of("camillexq7!K", "camille@univ-exemple.fr") == "password.contains_address"


def test_fifteen_digits_are_less_than_fifty_bits_and_sixteen_are_more() -> None:
    assert key_of("850273916402759", "ines@univ-exemple.fr") == "password.too_uniform"
    assert key_of("8502739164027593", "ines@univ-exemple.fr") is None
