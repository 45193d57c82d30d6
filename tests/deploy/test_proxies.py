"""The provider behind nginx and behind Apache, with TLS, as ``deploy/`` configures them."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp import app, settings
from idp.demo.ports import free_port
from tests.chaos.client import Client
from tests.chaos.journey import Stopped, exchange, sign_in, token_in
from tests.chaos.provider import PLAIN, Provider
from tests.deploy import proxies
from tests.deploy.proxies import HOST, Ports, TlsClient


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports(http=free_port(), https=free_port(), provider=free_port())


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where proxies may read after they gave up root's rights."""
    with tempfile.TemporaryDirectory(prefix="proxy-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def provider(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory, ports: Ports) -> Iterator[Provider]:
    made = Provider(tmp_path_factory.mktemp("behind-a-proxy"), mongodb_uri)
    made.port = ports.provider
    made.environment |= {
        "IDP_ISSUER": f"https://{HOST}:{ports.https}",
        # Passwords were hashed with the one that was made for plain http.
        "IDP_SECRET_KEY": (made.folder / "secret_key").read_text().strip(),
        "IDP_WEB_BIND": f"127.0.0.1:{ports.provider}",
        "IDP_WEB_TRUSTED_PROXIES": "1",
    }
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=list(proxies.PROXIES))
def proxy(request: pytest.FixtureRequest, provider: Provider, folder: Path, ports: Ports) -> Iterator[Path]:
    """The certificate of one that runs."""
    if problem := proxies.missing(request.param):
        pytest.skip(problem)
    own = folder / request.param
    own.mkdir(mode=0o755)
    certificate = proxies.make_certificate(own / "certificates")
    with proxies.running(request.param, own, ports):
        yield certificate


@pytest.fixture
def browser(proxy: Path, ports: Ports) -> TlsClient:
    return TlsClient(ports.https, certificate=proxy)


def test_a_person_signs_in_over_tls(browser: TlsClient, provider: Provider, ports: Ports) -> None:
    issuer = f"https://{HOST}:{ports.https}"
    assert json.loads(browser.get("/.well-known/openid-configuration").body)["issuer"] == issuer
    code = sign_in(browser, provider.address(1), PLAIN)
    assert token_in(exchange(browser, code), "id_token")
    assert any(name.startswith("__Host-") for name in browser.cookies)
    assert browser.answers[0].headers["strict-transport-security"]


def test_plain_http_leads_to_https_and_shows_nothing(proxy: Path, ports: Ports) -> None:
    answer = Client(ports.http).get("/account?x=1")
    assert (answer.status, answer.location) == (301, f"https://{HOST}:{ports.https}/account?x=1")


def test_what_people_say_of_their_own_address_counts_for_nothing(
    browser: TlsClient, provider: Provider, ports: Ports
) -> None:
    browser.always = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Real-IP": "203.0.113.9"}
    with pytest.raises(Stopped):
        sign_in(browser, provider.address(2), password="faux")
    services = app.build(settings.load(provider.environment))
    counted = {found["_id"] for found in services.database.collection("limits").find()}
    services.database.close()
    assert services.secret.hash("guesses-of-network", "127.0.0.1") in counted
    assert services.secret.hash("guesses-of-network", "203.0.113.9") not in counted


def test_another_host_is_refused(browser: TlsClient) -> None:
    browser.always = {"Host": "evil.example"}
    assert browser.get("/account").status in (400, 421)


def test_a_large_body_is_refused(browser: TlsClient) -> None:
    assert browser.post("/token", {"x": "y" * 1_100_000}).status == 413


def test_probes_are_answered_on_the_machine_itself(browser: TlsClient) -> None:
    assert browser.get("/healthz").status == 200
    assert json.loads(browser.get("/readyz").body)["ready"] is True
