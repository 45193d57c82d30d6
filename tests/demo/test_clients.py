import tomllib
from pathlib import Path

from idp.demo.clients import write_clients


def test_the_file_registers_both_applications_where_the_portal_is(tmp_path: Path) -> None:
    registrations = write_clients(tmp_path / "clients.toml", "http://localhost:6001")
    clients = {client["client_id"]: client for client in tables(tmp_path)}
    assert set(clients) == {"portail", "second"}
    assert clients["second"]["redirect_uris"] == ["http://localhost:6001/second/callback"]
    assert clients["portail"]["post_logout_redirect_uris"] == ["http://localhost:6001/"]
    assert clients["portail"]["client_secret"] == registrations["portail"].client_secret


def test_secrets_stay_when_the_ports_move(tmp_path: Path) -> None:
    first = write_clients(tmp_path / "clients.toml", "http://localhost:5001")
    assert write_clients(tmp_path / "clients.toml", "http://localhost:6001") == first
    assert tables(tmp_path)[0]["redirect_uris"] == ["http://localhost:6001/callback"]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_clients(tmp_path / "clients.toml", "http://localhost:5001")
    assert (tmp_path / "clients.toml").stat().st_mode & 0o777 == 0o600


def tables(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = tomllib.loads((folder / "clients.toml").read_text(encoding="utf-8"))["client"]
    return found
