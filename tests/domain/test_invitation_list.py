"""Lists of people to be invited: what spreadsheets write is read, and every fault is named by its line."""

from datetime import UTC, datetime

import pytest

from idp.domain.invitation_list import MOST_LINES, InvitationFaults, read_list

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEADER = "address,given_name,family_name,role,expires\n"
INES = "ines.martin@ch-exemple.fr,Inès,Martin,praticienne,2027-08-31\n"


def faults_of(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(InvitationFaults) as caught:
        read_list(text if isinstance(text, bytes) else text.encode(), now=NOW)
    return caught.value.lines


def test_a_list_is_read_until_the_end_of_the_last_day_in_paris() -> None:
    ((line, one),) = read_list((HEADER + INES).encode(), now=NOW)
    assert (line, one.address, one.role) == (2, "ines.martin@ch-exemple.fr", "praticienne")
    assert one.expires_at == datetime(2027, 8, 31, 22, tzinfo=UTC)
    assert one.attributes == {"displayName": ("Inès Martin",), "givenName": ("Inès",), "sn": ("Martin",)}


def test_french_spreadsheets_write_semicolons_a_mark_and_empty_lines() -> None:
    text = "\ufeffexpires;address;family_name;given_name;role\r\n2027-01-31; Zoe@Ch-Exemple.fr ;Petit;Zoé;\r\n;;;;\r\n"
    ((_, one),) = read_list(text.encode(), now=NOW)
    assert (one.address, one.given_name, one.family_name, one.role) == ("zoe@ch-exemple.fr", "Zoé", "Petit", "")


def test_every_bad_line_is_listed_with_its_number() -> None:
    bad = (
        "nobody,A,B,r,2027-08-31\n"
        "a@ch-exemple.fr,A,B,r,31/08/2027\n"
        "b@ch-exemple.fr,,,r,2027-08-31\n"
        "c@ch-exemple.fr,A,B,r,2026-11-22\n"
        "d@ch-exemple.fr,A,B,r,2099-01-01\n"
        "e@ch-exemple.fr,A,B\n"
        f"f@ch-exemple.fr,{'A' * 201},B,r,2027-08-31\n"
        "INES.martin@ch-exemple.fr,A,B,r,2027-08-31\n"
    )
    lines = faults_of(HEADER + INES + bad)
    assert [line.partition(":")[0] for line in lines] == [f"line {number}" for number in range(3, 11)]
    assert "not a mail address" in lines[0]
    assert "2027-08-31" in lines[1]
    assert "stands in line 2" in lines[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1"),
        (HEADER, "nobody"),
        ("address,name\n", "given_name"),
        (HEADER + '"a@ch-exemple.fr,A,B,r,2027-08-31\n', "line 2"),
        (HEADER.encode("utf-16"), "UTF-8"),
        (HEADER.encode() + "Inès".encode("latin-1"), "UTF-8"),
        (HEADER + 'a@ch-exemple.fr,"Jean\nPaul",B,r,2027-08-31\n', "on one line"),
        (HEADER + 'a@ch-exemple.fr,"Jean\r\nPaul",B,r,2027-08-31\r\n', "on one line"),
        (HEADER + "a@x.fr\x00,A,B,r,2027-08-31\n", "line 2"),
        (HEADER + INES * (MOST_LINES + 1), str(MOST_LINES)),
    ],
)
def test_what_is_no_list_is_refused_whole(text: str | bytes, said: str) -> None:
    assert said in " ".join(faults_of(text))
