"""``/device`` as a person meets it, and the device that waits meanwhile."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.app import Services, flows
from idp.domain.accounts import Account
from idp.domain.sessions import ACR_BASIC
from idp.openid.device_codes import GRANT_TYPE
from idp.openid.device_grant import DeviceAnswers
from idp.storage.database import Database
from tests.web.visitor import HOST, Visitor

ADDRESS = "ines@univ-exemple.fr"
PASSWORD = "trois pommes vertes sur la table"
CLIENTS = f"""
[[client]]
client_id = "television"
client_name = "Télé <b>du</b> hall"
token_endpoint_auth_method = "none"
grant_types = ["{GRANT_TYPE}", "refresh_token"]
scope = "openid email offline_access"

[[client]]
client_id = "cautious"
token_endpoint_auth_method = "none"
grant_types = ["{GRANT_TYPE}"]
scope = "openid"
default_max_age = 0
"""


@pytest.fixture
def services(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }
    built = application.build(settings.load(environment), database=database)
    now, password = datetime.now(UTC), built.hasher.hash(PASSWORD)
    built.stores.accounts.create(
        Account(id="ines", subject="sub", created_at=now, addresses=(ADDRESS,), password_hash=password)
    )
    return built


@pytest.fixture
def clients(services: Services) -> Callable[[], FlaskClient]:
    app = application.create_app(services)
    return lambda: app.test_client()


@pytest.fixture
def device(clients: Callable[[], FlaskClient]) -> FlaskClient:
    return clients()


@pytest.fixture
def visitor(clients: Callable[[], FlaskClient]) -> Visitor:
    return Visitor(clients())


def begin(device: FlaskClient, client_id: str = "television") -> dict[str, Any]:
    form = {"client_id": client_id, "scope": "openid email offline_access"}
    response = device.post("/device-authorization", data=form, headers=HOST)
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    begun: dict[str, Any] = response.get_json()
    return begun


def poll(device: FlaskClient, begun: dict[str, Any]) -> dict[str, Any]:
    form = {"grant_type": GRANT_TYPE, "device_code": begun["device_code"], "client_id": "television"}
    answer: dict[str, Any] = device.post("/token", data=form, headers=HOST).get_json()
    return answer


def signed_in(visitor: Visitor, **query: str) -> Visitor:
    assert visitor.get("/device", **query).step == "email"
    visitor.press("Se connecter", email=ADDRESS)
    return visitor.press("Se connecter", password=PASSWORD)


def test_a_person_signs_in_types_the_code_sees_who_asks_and_agrees(device: FlaskClient, visitor: Visitor) -> None:
    begun = begin(device)
    assert poll(device, begun)["error"] == "authorization_pending"
    assert signed_in(visitor).step == "device"
    visitor.press("Continuer", user_code=begun["user_code"].lower().replace("-", " "))
    assert visitor.step == "device-confirm"
    for shown in ("Télé <b>du</b> hall", begun["user_code"], ADDRESS):
        assert shown in visitor.text
    assert visitor.press("Autoriser").step == "device-done"
    tokens = poll(device, begun)
    headers = HOST | {"Authorization": f"Bearer {tokens['access_token']}"}
    assert device.get("/userinfo", headers=headers).get_json()["email"] == ADDRESS
    assert poll(device, begun)["error"] == "invalid_grant"


def test_a_sign_in_older_than_the_client_takes_does_not_count(device: FlaskClient, visitor: Visitor) -> None:
    """Dynamic Client Registration section 2, default_max_age: one since the device asked does."""
    signed_in(visitor)
    begun = begin(device, "cautious")
    assert visitor.get("/device").send("/device/approve", user_code=begun["user_code"]).step == "email"
    visitor.get("/device").press("Continuer", user_code=begun["user_code"])
    assert visitor.step == "email"
    visitor.press("Se connecter", email=ADDRESS)
    assert visitor.press("Se connecter", password=PASSWORD).step == "device"
    assert visitor.press("Continuer").step == "device-confirm"
    assert visitor.press("Autoriser").step == "device-done"


def test_a_person_refuses(device: FlaskClient, visitor: Visitor) -> None:
    begun = begin(device)
    signed_in(visitor).press("Continuer", user_code=begun["user_code"])
    assert visitor.press("Refuser").step == "device-done"
    assert poll(device, begun)["error"] == "access_denied"


def test_the_complete_address_only_fills_the_field_in(device: FlaskClient, visitor: Visitor) -> None:
    begun = begin(device)
    signed_in(visitor, user_code=begun["user_code"])
    assert visitor.step == "device"
    assert visitor.tree.get_element_by_id("user_code").get("value") == begun["user_code"]
    assert poll(device, begun)["error"] == "authorization_pending"
    assert visitor.press("Continuer").step == "device-confirm"


def test_ten_wrong_codes_close_the_page_for_the_account_also_to_a_right_one(
    device: FlaskClient, visitor: Visitor
) -> None:
    begun = begin(device)
    signed_in(visitor)
    for _ in range(10):
        visitor.press("Continuer", user_code="BBBB-BBBB")
        assert (visitor.last.status_code, visitor.step) == (422, "device")
    visitor.press("Continuer", user_code=begun["user_code"])
    assert (visitor.last.status_code, visitor.step) == (429, "device")
    assert poll(device, begun)["error"] in ("authorization_pending", "slow_down")


def test_of_many_guesses_at_once_ten_are_looked_at(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def find_slowly(_: DeviceAnswers, typed: str, *, now: datetime) -> None:
        looked_at.append(typed)
        time.sleep(0.3)

    monkeypatch.setattr(DeviceAnswers, "find", find_slowly)
    _, browser = services.browser_sessions.open()
    made = services.browser_sessions.sign_in(
        browser, account_id="ines", methods=("pwd",), acr=ACR_BASIC, device=None, now=datetime.now(UTC)
    )
    flow = flows.device(services)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: flow.look(made.session, "BBBB-BBBB", "fr"), range(20)))
    assert len(looked_at) == 10
    assert Counter(answers) == {"user_code.unknown": 10, "user_code.too_many": 10}


def test_right_codes_leave_the_guesses_as_they_are(device: FlaskClient, visitor: Visitor) -> None:
    signed_in(visitor)
    for _ in range(11):
        visitor.get("/device").press("Continuer", user_code=begin(device)["user_code"])
        assert visitor.step == "device-confirm"
    for _ in range(10):
        assert visitor.get("/device").press("Continuer", user_code="BBBB-BBBB").last.status_code == 422
    assert visitor.press("Continuer", user_code="BBBB-BBBB").last.status_code == 429


@pytest.mark.parametrize("typed", ["", "x", "{}", "é" * 5000, '"><script>'])
def test_junk_is_told_beside_the_field(visitor: Visitor, typed: str) -> None:
    signed_in(visitor).press("Continuer", user_code=typed)
    assert (visitor.last.status_code, visitor.step) == (422, "device")
    assert visitor.tree.get_element_by_id("user_code").get("aria-invalid") == "true"


def test_nothing_is_answered_without_our_form_or_twice(
    device: FlaskClient, visitor: Visitor, clients: Callable[[], FlaskClient]
) -> None:
    begun = begin(device)
    stranger = clients()
    for path in ("/device", "/device/approve", "/device/deny"):
        assert stranger.post(path, data={"user_code": begun["user_code"]}, headers=HOST).status_code in (400, 403)
    signed_in(visitor).press("Continuer", user_code=begun["user_code"])
    stale = visitor.last
    assert visitor.press("Autoriser").step == "device-done"
    visitor.last = stale
    assert visitor.press("Refuser").last.status_code == 422
    assert poll(device, begun)["access_token"]
