import tomllib
from pathlib import Path

import pytest

from idp.demo.clients import REGISTERED, ClientsUnusable, demo_clients


def test_at_its_usual_address_the_portal_is_registered_in_the_project_s_own_file(tmp_path: Path) -> None:
    clients = demo_clients(tmp_path, "http://localhost:5001")
    assert clients.file == REGISTERED
    assert set(clients.registrations) == {"portail", "second"}
    assert not list(tmp_path.iterdir())


def test_the_registrations_move_with_the_ports(tmp_path: Path) -> None:
    clients = demo_clients(tmp_path, "http://localhost:6001")
    registered = {table["client_id"]: table for table in tables(clients.file)}
    assert registered["second"]["redirect_uris"] == ["http://localhost:6001/second/callback"]
    assert registered["portail"]["post_logout_redirect_uris"] == ["http://localhost:6001/"]
    assert registered["portail"]["client_secret"] == clients.registrations["portail"].client_secret
    assert clients.file.stat().st_mode & 0o777 == 0o600


def test_a_file_of_one_s_own_is_taken_along(tmp_path: Path) -> None:
    given = tmp_path / "mine.toml"
    given.write_text('[[client]]\nclient_id = "mine"\nredirect_uris = ["https://mine.example/cb"]\n')
    clients = demo_clients(tmp_path / "demo", "http://localhost:5001", given)
    assert [table["client_id"] for table in tables(clients.file)] == ["mine", "portail", "second"]


@pytest.mark.parametrize("own", ["portail", "second"])
def test_of_the_portal_s_two_registrations_only_the_missing_one_is_added(tmp_path: Path, own: str) -> None:
    given = tmp_path / "mine.toml"
    given.write_text(
        f'[[client]]\nclient_id = "{own}"\nclient_secret = "mine"\nredirect_uris = ["http://localhost/cb"]'
    )
    clients = demo_clients(tmp_path / "demo", "http://localhost:5001", given)
    assert sorted(str(table["client_id"]) for table in tables(clients.file)) == ["portail", "second"]
    assert clients.registrations[own].client_secret == "mine"
    assert set(clients.registrations) == {"portail", "second"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        (b"not toml", "TOML est attendu"),
        (b"\xff", "UTF-8 est attendu"),
        (b"client = 3", "des tables"),
        (b"client = [3]", "des tables"),
        (b'[[client]]\nclient_id = "portail"', "client_secret en clair"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, content: bytes | None, told: str) -> None:
    given = tmp_path / "mine.toml"
    if content is not None:
        given.write_bytes(content)
    with pytest.raises(ClientsUnusable, match=told) as raised:
        demo_clients(tmp_path / "demo", "http://localhost:5001", given)
    assert "\n" not in str(raised.value)


def tables(file: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = tomllib.loads(file.read_text(encoding="utf-8"))["client"]
    return found
