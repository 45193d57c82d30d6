"""The file of relying parties."""

import errno
import logging
import os
from pathlib import Path

import pytest

from idp.domain.client_secrets import hash_secret, verify_secret
from idp.domain.errors import ConfigurationError
from idp.domain.sessions import ACR_VALUES
from idp.openid.clients import ClientsFile, read_clients

GOOD = """
[[client]]
client_id = "one"
client_secret = "a-secret-in-clear-01"
client_name = "One"
"client_name#fr" = "Un"
redirect_uris = ["https://one.example/cb"]
"""


class Seconds:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def written(folder: Path, content: str) -> Path:
    path = folder / "clients.toml"
    path.write_text(content, "utf-8")
    return path


def faults_of(folder: Path, content: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read_clients(written(folder, content))
    return caught.value.faults


def test_the_file_in_the_repository_holds_the_demo_s_clients() -> None:
    clients = read_clients(Path(__file__).parents[2] / "config/clients.toml")
    assert set(clients) == {"portail", "second"}
    assert clients["portail"].redirect_uris == ("http://localhost:5001/callback",)
    assert clients["second"].display_name("fr") == "Ma bibliothèque"
    assert clients["portail"].require_pkce


@pytest.mark.parametrize("acr", ACR_VALUES)
def test_the_file_in_the_repository_names_every_class(acr: str) -> None:
    assert acr in (Path(__file__).parents[2] / "config/clients.toml").read_text("utf-8")


def test_pyop_fault_secrets_in_clear_are_hashed_in_memory_and_hashed_ones_taken_over(tmp_path: Path) -> None:
    verifier = hash_secret("the-second-secret-02")
    clients = read_clients(written(tmp_path, GOOD + f'client_secrets = ["{verifier}"]\n'))
    one = clients["one"]
    assert "a-secret-in-clear-01" not in str(one.client_secrets)
    assert verify_secret("a-secret-in-clear-01", one.client_secrets)
    assert verify_secret("the-second-secret-02", one.client_secrets)


def test_defaults_are_the_safe_ones(tmp_path: Path) -> None:
    one = read_clients(written(tmp_path, GOOD))["one"]
    assert (one.require_pkce, one.subject_type, one.grant_types) == (True, "public", ("authorization_code",))
    assert one.scopes == ("openid", "profile", "email")
    assert one.display_name("fr") == "Un"


# The public key of RFC 8037 appendix A.2.
ED25519 = '{ kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }'


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("colour = 1", "client_id, client_secret"),
        ('redirect_uri = "https://one.example/cb"', "redirect_uris"),
        ('grant_types = ["implicit"]', "authorization_code, refresh_token"),
        ("grant_types = []", "authorization_code, refresh_token"),
        ('response_types = ["token"]', "code"),
        ('response_types = ["code id_token"]', "code"),
        ("response_types = []", "code"),
        ('claims = ["password_hash"]', "email"),
        ('claims = "email"', "a list of texts"),
        ('consent = "sometimes"', "first time"),
        ('token_endpoint_auth_method = "client_secret_jwt"', "client_secret_basic"),
        ('token_endpoint_auth_method = "none"', "nothing where token_endpoint_auth_method is none"),
        ('scope = "openid admin"', "eduperson"),
        ('scope = "email"', "openid"),
        ('subject_type = "both"', "public or pairwise"),
        ("require_pkce = 1", "true or false"),
        ('default_max_age = "1"', "a number of seconds"),
        ("default_max_age = -1", "a number of seconds"),
        ('default_acr_values = ["gold"]', "urn:uness:acr:university"),
        ('id_token_encrypted_response_alg = "RSA1_5"', "RSA-OAEP-256"),
        ('id_token_encrypted_response_enc = "A256GCM"', "nothing without id_token_encrypted_response_alg"),
        ('userinfo_encrypted_response_alg = "ECDH-ES"', "jwks with a key for ECDH-ES"),
        (f"jwks = {{ keys = [5, {ED25519}] }}", "a JSON Web Key Set of public keys"),
        (f"jwks = {{ keys = ['d', {ED25519}] }}", "a JSON Web Key Set of public keys"),
        ("client_secrets = [1]", "a list of texts"),
        ('client_secrets = ["short"]', "at least 16 characters"),
        ('id_token_signed_response_alg = "none"', "RS256"),
        ('sector_identifier_uri = "http://x"', "an https URL"),
        ('client_uri = "javascript:alert(1)"', "an https URL"),
        ('post_logout_redirect_uris = ["javascript:alert(1)"]', "https"),
        ('post_logout_redirect_uris = "https://one.example/"', "a list of texts"),
    ],
)
def test_every_fault_names_file_client_key_and_what_is_accepted(tmp_path: Path, line: str, accepted: str) -> None:
    (fault, *_) = [
        fault for fault in faults_of(tmp_path, GOOD + line) if line.split(" ")[0] in fault or accepted in fault
    ]
    assert "clients.toml" in fault
    assert "client one" in fault
    assert accepted in fault
    assert "short" not in fault


@pytest.mark.parametrize(
    ("mistyped", "likely"),
    [
        ("redirect_uri", "redirect_uris"),
        ("clientname", "client_name"),
        ("post_logout_redirect_uri", "post_logout_redirect_uris"),
        ('"client_uri#fr"', "client_uri"),
    ],
)
def test_an_unknown_key_is_told_with_its_likely_name(tmp_path: Path, mistyped: str, likely: str) -> None:
    (fault,) = faults_of(tmp_path, GOOD + f'{mistyped} = "https://one.example/"')
    assert fault.endswith(f"client one: {mistyped.strip(chr(34))} = …; accepted: no such key; did you mean {likely}?")


def test_a_secret_under_a_mistyped_name_is_not_told(tmp_path: Path) -> None:
    content = GOOD.replace("client_secret ", "client_secrt ")
    assert content != GOOD
    faults = faults_of(tmp_path, content)
    assert any("did you mean client_secret?" in fault for fault in faults)
    assert not [fault for fault in faults if "a-secret-in-clear-01" in fault]


@pytest.mark.parametrize(
    "uri",
    [
        "http://one.example/cb",
        "https://one.example/cb#f",
        "https://*.example/cb",
        "https://user@one.example/cb",
        "https://one.example\\@evil.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "org.example.app:/cb",
        "/cb",
        "https:///cb",
        "https://one.example:x/cb",
        "https://[/cb",
        "https://one.example/é",
        "https://one.example/ b",
        "http://localhost.evil.example/cb",
        "http://evil.example[::1]/cb",
        "http://[::1];script-src-elem/cb",
        "https://evil.example[one.example]/cb",
        "https://one.example;x/cb",
        "",
    ],
)
def test_an_unsafe_redirect_uri_is_a_fault(tmp_path: Path, uri: str) -> None:
    assert any(
        "redirect_uris" in fault for fault in faults_of(tmp_path, GOOD.replace("https://one.example/cb", _toml(uri)))
    )


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/cb", "http://[::1]/cb", "org.example.app:/cb", "https://one.example/"]
)
def test_a_native_client_may_have_its_own_scheme(tmp_path: Path, uri: str) -> None:
    content = f"""
[[client]]
client_id = "app"
application_type = "native"
token_endpoint_auth_method = "none"
redirect_uris = ["{uri}"]
"""
    assert read_clients(written(tmp_path, content))["app"].is_public
    assert faults_of(tmp_path, content.replace("org.example.app", "x") + "require_pkce = false")


def test_several_faults_are_all_told(tmp_path: Path) -> None:
    told = faults_of(tmp_path, GOOD + "colour = 1\nsize = 2\n" + GOOD + "[other]\nx = 1\n")
    assert len(told) == 4


def test_pairwise_over_several_hosts_needs_a_sector(tmp_path: Path) -> None:
    two = GOOD.replace('cb"]', 'cb", "https://two.example/cb"]') + 'subject_type = "pairwise"\n'
    assert "sector_identifier_uri" in faults_of(tmp_path, two)[0]
    sector = 'sector_identifier_uri = "https://One.example/sector.json"\n'
    assert read_clients(written(tmp_path, two + sector))["one"].sector_identifier == "one.example"


@pytest.mark.parametrize("content", ["[[client]", "client = 1", "client = [1]", "\x00"])
def test_a_file_that_is_not_one_is_a_fault(tmp_path: Path, content: str) -> None:
    assert "clients.toml" in faults_of(tmp_path, content)[0]


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"clients\.toml"):
        ClientsFile(tmp_path / "clients.toml")


def test_a_change_is_seen_within_a_second_and_not_looked_for_more_often(tmp_path: Path) -> None:
    seconds = Seconds()
    path = written(tmp_path, GOOD)
    clients = ClientsFile(path, seconds=seconds)
    _replace(path, GOOD + GOOD.replace('"one"', '"two"'))
    assert clients.get("two") is None
    seconds.now = 1.0
    assert clients.get("two") is not None
    assert len(clients.every()) == 2


def test_a_bad_change_keeps_the_last_good_file_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = Seconds()
    path = written(tmp_path, GOOD)
    clients = ClientsFile(path, seconds=seconds)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            _replace(path, GOOD + "colour = 1") if not seconds.now else None
            seconds.now += 1.0
            assert clients.get("one") is not None
    assert [record.message for record in caplog.records] == ["clients_file_kept"]
    (problem,) = clients.problems()
    assert problem.startswith(f"{path}: ")
    path.unlink()
    seconds.now += 1.0
    assert clients.get("one") is not None
    written(tmp_path, GOOD.replace('"one"', '"three"'))
    seconds.now += 1.0
    assert clients.get("three") is not None


def test_a_worker_that_starts_while_the_file_is_broken_takes_the_last_good_state(tmp_path: Path) -> None:
    path, copy = written(tmp_path, GOOD), tmp_path / "var" / "clients-copy.toml"
    ClientsFile(path, last_good=copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    _replace(path, "[[client")
    late = ClientsFile(path, last_good=copy)
    assert late.get("one") is not None
    assert "clients.toml" in late.problems()[0]


def test_a_worker_that_was_not_asked_between_two_changes_serves_what_the_others_do(tmp_path: Path) -> None:
    path, copy, seconds = written(tmp_path, GOOD), tmp_path / "clients-copy.toml", Seconds()
    busy, idle = (ClientsFile(path, seconds=seconds, last_good=copy) for _ in range(2))
    _replace(path, GOOD.replace('"one"', '"another"'))
    seconds.now = 1.0
    assert busy.get("another") is not None
    _replace(path, "[[client")
    seconds.now = 2.0
    assert [clients.get("another") is not None for clients in (busy, idle)] == [True, True]
    assert idle.get("one") is None


def test_a_copy_that_cannot_be_written_undoes_nothing(tmp_path: Path) -> None:
    path, seconds = written(tmp_path, GOOD), Seconds()
    (tmp_path / "no folder").write_text("")
    clients = ClientsFile(path, seconds=seconds, last_good=tmp_path / "no folder" / "copy.toml")
    _replace(path, "[[client")
    seconds.now = 1.0
    assert clients.get("one") is not None


def test_a_copy_that_a_full_disk_refuses_leaves_no_draft_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path, state = written(tmp_path, GOOD), tmp_path / "var"
    monkeypatch.setattr(Path, "replace", full)
    ClientsFile(path, last_good=state / "clients-copy.toml")
    assert list(state.iterdir()) == []


def _replace(path: Path, content: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(content, "utf-8")
    os.replace(draft, path)


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\")


def test_implicit_and_hybrid_flows_are_registered_only_where_switched_on(tmp_path: Path) -> None:
    wants = 'response_types = ["id_token code", "code"]\ngrant_types = ["implicit", "authorization_code"]\n'
    path = written(tmp_path, GOOD + wants)
    with pytest.raises(ConfigurationError):
        read_clients(path)
    assert read_clients(path, implicit=True)["one"].response_types == ("code id_token", "code")


def test_a_response_type_with_tokens_needs_its_grant_type(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + 'response_types = ["id_token"]\n')
    with pytest.raises(ConfigurationError, match="implicit among them"):
        read_clients(path, implicit=True)


def test_a_client_for_devices_alone_has_no_response_type(tmp_path: Path) -> None:
    grant = 'grant_types = ["urn:ietf:params:oauth:grant-type:device_code"]\n'
    for said in ("", "response_types = []\n"):
        assert read_clients(written(tmp_path, GOOD + grant + said))["one"].response_types == ()
    as_before = written(tmp_path, GOOD + grant + 'response_types = ["code"]\n')
    assert read_clients(as_before)["one"].response_types == ("code",)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5001/cb", "http://localhost/cb", "https://localhost/cb"])
def test_tokens_in_the_address_go_to_no_loopback_of_a_web_client(tmp_path: Path, uri: str) -> None:
    """Dynamic Client Registration section 2, application_type."""
    implicit = 'response_types = ["id_token"]\ngrant_types = ["implicit"]\n'
    there = GOOD.replace("https://one.example/cb", uri)
    with pytest.raises(ConfigurationError, match="implicit"):
        read_clients(written(tmp_path, there + implicit), implicit=True)
    assert read_clients(written(tmp_path, there), implicit=True)
    assert read_clients(written(tmp_path, there + implicit + 'application_type = "native"\n'), implicit=True)


@pytest.mark.parametrize(
    "key", ["1", '{kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", on = 2026-01-01}']
)
def test_a_key_set_of_more_than_json_and_tables_is_a_fault(tmp_path: Path, key: str) -> None:
    usable = '{kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    [fault] = faults_of(tmp_path, GOOD + f"jwks = {{keys = [{key}, {usable}]}}\n")
    assert "a JSON Web Key Set of public keys" in fault


def test_a_client_s_own_list_of_claims_may_be_empty_and_is_not_there_by_default(tmp_path: Path) -> None:
    assert read_clients(written(tmp_path, GOOD))["one"].claims is None
    assert read_clients(written(tmp_path, GOOD + "claims = []\n"))["one"].claims == ()
    own = read_clients(written(tmp_path, GOOD + 'claims = ["email"]\nconsent = "first time"\n'))["one"]
    assert (own.claims, own.consent) == (("email",), "first time")
