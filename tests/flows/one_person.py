"""What one person holds who is signed in, and one application that they use; and what happens when work is cut or
something comes in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idp.app import Services, assistance, first_time
from idp.domain.accounts import Account, Identity
from idp.domain.authorization import AuthorizationRequest
from idp.domain.errors import ProtocolError, ServiceUnavailable
from idp.domain.helpdesk import Act
from idp.domain.proofing import Proofing
from idp.domain.sessions import ACR_BASIC, SignedIn
from idp.storage.sweeps import SECOND_SWEEP
from tests.openid.world import VERIFIER, asking, basic, query_of

ADDRESS = "ines@univ-exemple.fr"
OWN = Identity("https://idp.univ-exemple.fr", "eppn", "ines@univ-exemple.fr")
PASSWORD = "trois pommes vertes"
OTHER_PASSWORD = "un voleur passe sous la fenêtre ouverte"
SECRET = "a-secret-of-this-client-1"
CLIENTS = f"""
[[client]]
client_id = "told"
client_secret = "{SECRET}"
redirect_uris = ["https://rp.example/cb"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid email offline_access"
backchannel_logout_uri = "https://rp.example/logout"

[[client]]
client_id = "asks"
client_secret = "{SECRET}"
redirect_uris = ["https://rp.example/asks"]
scope = "openid email"
consent = "first time"
"""


def environment(folder: Path, mongodb_uri: str, keys_folder: Path) -> dict[str, str]:
    """The provider's settings, with this application, its files in the folder."""
    clients = folder / "clients.toml"
    clients.write_text(CLIENTS)
    return {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(folder / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_CLIENTS_FILE": str(clients),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }


def signed_in(services: Services, account_id: str = "account-1") -> SignedIn:
    _, anonymous = services.browser_sessions.open()
    return services.browser_sessions.sign_in(
        anonymous, account_id=account_id, methods=("pwd",), acr=ACR_BASIC, device=None, now=services.clock()
    )


def account(services: Services) -> Account:
    found = services.stores.accounts.find("account-1")
    assert found is not None
    return found


def adopted(services: Services) -> None:
    """The person proves who they are, and the mailbox: whoever was in the account is out."""
    now = services.clock()
    proofing = Proofing(
        "p", "browser", "z", OWN.entity_id, "r", "REF", now, now, identities=(OWN,), address=ADDRESS, assertion_id="a"
    )
    services.stores.accounts.renew_proof(account(services), identities=(OWN,), attributes={}, now=now)
    first_time.mailbox_proof(services).adopts(proofing)


def a_minute_passes(services: Services) -> None:
    while services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP):
        continue


def give_back(services: Services, address: str = ADDRESS) -> str | None:
    return assistance.helpdesk_acts(services).give_back("account-1", address, Act("alex", "carte vue au guichet"))


def request(services: Services) -> AuthorizationRequest:
    client = services.provider.client("told")
    assert client is not None
    return services.provider.read_authorization_request(asking(client), now=services.clock())


def code(services: Services, browser: SignedIn) -> str:
    assert browser.session.sign_in is not None
    answer = services.provider.authorize(
        request(services), "account-1", "subject-1", browser.session.sign_in, now=services.clock()
    )
    return query_of(answer.location)["code"]


def token(services: Services, **form: str) -> dict[str, str]:
    return services.provider.token(list(form.items()), basic("told", SECRET), now=services.clock())


def exchange(services: Services, value: str) -> dict[str, str]:
    return token(
        services,
        grant_type="authorization_code",
        code=value,
        redirect_uri="https://rp.example/cb",
        code_verifier=VERIFIER,
    )


def is_active(services: Services, value: str) -> bool:
    form = [("token", value)]
    found = services.provider.introspection.answer(form, basic("told", SECRET), now=services.clock())
    return bool(found["active"])


def cut_at(monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], act: Callable[[], object]) -> None:
    """Act while the database is away for this step, and for what would come after it."""

    def away(*_args: object, **_named: object) -> None:
        raise ServiceUnavailable("database", "away for this one operation")

    with monkeypatch.context() as patched:
        patched.setattr(*step, away)
        with pytest.raises(ServiceUnavailable):
            act()


def at_the_end_of(
    monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], act: Callable[[], object], *, before: bool = False
) -> None:
    """Act once, when this step has been done, or just before it."""
    done = getattr(*step)
    acted: list[object] = []

    def and_act(*args: Any, **named: Any) -> Any:
        is_first = not acted
        acted.append(True)
        if before and is_first:
            act()
        result = done(*args, **named)
        if not before and is_first:
            act()
        return result

    monkeypatch.setattr(*step, and_act)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value.error
