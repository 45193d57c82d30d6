"""From a mail domain to the university behind it, as pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.federation import IdentityProvider
from idp.domain.mail_providers import is_public, resembles_public
from idp.domain.routing import Route, RoutedBy, is_settled, routes, suffixes, teaches


def university(slug: str, **domains: tuple[str, ...]) -> IdentityProvider:
    return IdentityProvider(f"https://idp.{slug}", (("fr", slug),), **domains)  # type: ignore[arg-type]


NORTH = university("nord", scopes=("univ-nord.fr", "sante.fr"), domain_hints=("nord.example",))
SOUTH = university("sud", scopes=("univ-sud.fr", "sante.fr"), mail_domains=("etu.univ-nord.fr",))
WEST = university("ouest", scopes=("univ-ouest.fr",))


def named(found: tuple[Route, ...]) -> list[tuple[IdentityProvider, RoutedBy, str]]:
    return [(route.provider, route.by, route.suffix) for route in found]


def test_suffixes_begin_with_the_domain_and_stop_before_the_top_level() -> None:
    assert suffixes("Etu.Univ-Nord.fr.") == ("etu.univ-nord.fr", "univ-nord.fr")
    assert suffixes("fr") == suffixes("") == ()


@pytest.mark.parametrize(
    ("domain", "by", "suffix"),
    [
        ("univ-nord.fr", RoutedBy.SCOPE, "univ-nord.fr"),
        ("med.univ-nord.fr", RoutedBy.SCOPE, "univ-nord.fr"),
        ("NORD.example", RoutedBy.DOMAIN_HINT, "nord.example"),
    ],
)
def test_the_reason_tells_which_table_named_the_university(domain: str, by: RoutedBy, suffix: str) -> None:
    assert named(routes(domain, [NORTH])) == [(NORTH, by, suffix)]


def test_a_longer_suffix_of_the_administrator_s_goes_before_a_shorter_scope() -> None:
    assert named(routes("etu.univ-nord.fr", [NORTH, SOUTH])) == [(SOUTH, RoutedBy.ADMINISTRATOR, "etu.univ-nord.fr")]


def test_at_the_same_suffix_the_administrator_goes_before_a_scope() -> None:
    administered = university("x", mail_domains=("univ-nord.fr",))
    assert named(routes("univ-nord.fr", [NORTH, administered])) == [
        (administered, RoutedBy.ADMINISTRATOR, "univ-nord.fr")
    ]


def test_a_shared_scope_names_several() -> None:
    assert [route.provider for route in routes("sante.fr", [NORTH, SOUTH])] == [NORTH, SOUTH]


def test_a_label_boundary_is_kept() -> None:
    assert routes("evil-univ-nord.fr", [NORTH]) == routes("univ-nord.fr.example", [NORTH]) == ()


def test_a_hidden_university_is_never_named() -> None:
    hidden = university("x", scopes=("x.fr",))
    hidden = IdentityProvider(hidden.entity_id, hidden.names, hidden.scopes, hidden=True)
    assert routes("x.fr", [hidden]) == routes("y.fr", [], [("y.fr", hidden)]) == ()


def test_what_was_learned_names_the_university_where_nothing_else_does() -> None:
    found = routes("labo.chu-nord.fr", [], [("chu-nord.fr", NORTH)])
    assert named(found) == [(NORTH, RoutedBy.LEARNED, "chu-nord.fr")]


def test_what_was_learned_within_a_shared_scope_tells_the_two_apart() -> None:
    found = routes("etu.sante.fr", [NORTH, SOUTH], [("etu.sante.fr", NORTH)])
    assert named(found) == [(NORTH, RoutedBy.LEARNED, "etu.sante.fr")]


def test_at_the_same_suffix_what_was_learned_comes_last() -> None:
    assert [route.by for route in routes("sante.fr", [NORTH], [("sante.fr", SOUTH)])] == [RoutedBy.SCOPE]


def test_what_people_type_never_leads_the_members_of_another_university_astray() -> None:
    found = routes("etu.univ-nord.fr", [NORTH], [("etu.univ-nord.fr", WEST)])
    assert named(found) == [(NORTH, RoutedBy.SCOPE, "univ-nord.fr")]


@pytest.mark.parametrize("domain", ["gmail.com", "perso.orange.fr", "yahoo.co.uk"])
def test_a_domain_of_everybody_s_is_the_administrator_s_alone_to_give(domain: str) -> None:
    claimed = university("x", scopes=("yahoo.co.uk", "orange.fr"), domain_hints=("gmail.com", "perso.orange.fr"))
    named_by_us = university("y", mail_domains=("gmail.com", "orange.fr", "yahoo.co.uk"))
    assert routes(domain, [claimed], [(domain, claimed)]) == ()
    found = routes(domain, [claimed, named_by_us], [(domain, claimed)])
    assert [(route.provider, route.by) for route in found] == [(named_by_us, RoutedBy.ADMINISTRATOR)]


def test_several_learned_ones_are_all_named() -> None:
    found = routes("chu.fr", [], [("chu.fr", NORTH), ("chu.fr", WEST)])
    assert [route.provider for route in found] == [NORTH, WEST]


@pytest.mark.parametrize(
    ("domain", "provider", "tables", "is_taught"),
    [
        ("chu-nord.fr", NORTH, [], True),
        ("etu.sante.fr", NORTH, [NORTH, SOUTH], True),
        ("univ-nord.fr", NORTH, [NORTH], False),  # known already
        ("etu.univ-nord.fr", WEST, [NORTH], False),  # somebody else's
        ("x.etu.univ-nord.fr", SOUTH, [NORTH], True),  # given to it by the administrator
        ("gmail.com", NORTH, [], False),
        ("gmial.com", NORTH, [], False),
        ("localhost", NORTH, [], False),
    ],
)
def test_only_what_could_ever_help_is_learned(
    domain: str, provider: IdentityProvider, tables: list[IdentityProvider], is_taught: bool
) -> None:
    assert teaches(domain, provider, routes(domain, tables)) is is_taught


def test_nothing_learned_changes_a_domain_that_is_named_whole_or_public() -> None:
    assert is_settled("univ-nord.fr", routes("univ-nord.fr", [NORTH]))
    assert is_settled("gmail.com", ())
    assert not is_settled("etu.univ-nord.fr", routes("etu.univ-nord.fr", [NORTH]))


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "GMAIL.com.", "yahoo.co.uk", "hotmail.fr", "orange.fr", "laposte.net", "free.fr", "icloud.com"],
)
def test_mail_providers_for_everybody_are_known(domain: str) -> None:
    assert is_public(domain)


@pytest.mark.parametrize("domain", ["univ-nord.fr", "live.univ-nord.fr", "chu-free.fr", "ap-hm.fr", "chu-limoges.fr"])
def test_an_employer_s_or_university_s_domain_is_none_of_them(domain: str) -> None:
    assert not is_public(domain)
    assert not resembles_public(domain)


@given(st.text(max_size=60))
def test_no_text_breaks_the_rules(text: str) -> None:
    found = routes(text, [NORTH, SOUTH, WEST], [(text, NORTH)])
    assert all(text.strip().lower().rstrip(".").endswith(route.suffix) for route in found)
    teaches(text, NORTH, found)
