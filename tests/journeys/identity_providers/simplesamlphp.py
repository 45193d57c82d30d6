"""SimpleSAMLphp as Debian packages it, behind PHP's built-in web server: a child of the test, on a port of its own."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from idp.demo.keys import key_pair
from tests.journeys import debian, foreign

HOME = Path("/usr/share/simplesamlphp")
# php-cgi first and only so that apt does not take Apache's module, which changes an Apache that is there for others.
PACKAGES = ("php-cgi", "php-cli", "php-xml", "php-mbstring", "simplesamlphp")
SCOPE = "univ-pontneuf.example"
NAME = "Université du Pont-Neuf"

_CONFIGURATION = """<?php
$config = [
    'baseurlpath' => '{address}/',
    'certdir' => '{folder}/keys/',
    'loggingdir' => '{folder}/',
    'datadir' => '{folder}/data/',
    'tempdir' => '{folder}/temporary/',
    'metadatadir' => '{folder}/metadata/',
    'secretsalt' => 'only-for-these-tests',
    'auth.adminpassword' => 'only-for-these-tests',
    'technicalcontact_name' => 'Annie Essai',
    'technicalcontact_email' => 'annie.essai@{scope}',
    'timezone' => 'Europe/Paris',
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\\Logger::INFO,
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => '{folder}/sessions/',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'store.type' => 'phpsession',
    'metadata.sources' => [
        ['type' => 'flatfile'],
        ['type' => 'xml', 'file' => '{folder}/service-provider.xml'],
    ],
];
"""

_PEOPLE = """<?php
$config = [
    'admin' => ['core:AdminPassword'],
    'people' => json_decode(file_get_contents('{folder}/people.json'), true),
];
"""

_HOSTED = """<?php
$metadata['{address}/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'pontneuf.key',
    'certificate' => 'pontneuf.pem',
    'auth' => 'people',
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'scope' => ['{scope}'],
    'UIInfo' => ['DisplayName' => ['fr' => '{name}', 'en' => 'Pont-Neuf University']],
    'validate.authnrequest' => true,
    'redirect.validate' => true,
    'saml20.sign.assertion' => true,
    'saml20.sign.response' => {signed_response},
    'assertion.encryption' => {encrypted},
];
"""


@dataclass(frozen=True)
class SimpleSamlPhp:
    """The running identity provider. address: its base, without a slash at the end."""

    address: str
    folder: Path

    @property
    def entity_id(self) -> str:
        return f"{self.address}/saml2/idp/metadata.php"

    def metadata(self) -> bytes:
        """The EntityDescriptor, as it publishes it."""
        answer = requests.get(self.entity_id, timeout=20)
        assert answer.status_code == 200, self.log()
        return answer.content

    def answer_with(self, *, signed_response: bool = True, encrypted: bool = False) -> None:
        """How it makes its answers from now on; the assertion itself is always signed."""
        values = {"signed_response": signed_response, "encrypted": encrypted}
        flags = {name: json.dumps(value) for name, value in values.items()}
        text = _HOSTED.format(address=self.address, scope=SCOPE, name=NAME, **flags)
        (self.folder / "metadata" / "saml20-idp-hosted.php").write_text(text)

    def log(self) -> str:
        """What it and its web server have written down."""
        logs = [file for name in ("simplesamlphp.log", "php.log") if (file := self.folder / name).exists()]
        return "\n".join(file.read_text(errors="replace") for file in logs)


def missing() -> str | None:
    """Why SimpleSAMLphp cannot be run here, once it was tried to install it; None where it can."""
    return debian.missing(PACKAGES, _is_there)


@contextmanager
def running(
    folder: Path, port: int, service_provider: bytes, people: dict[str, dict[str, list[str]]]
) -> Iterator[SimpleSamlPhp]:
    """SimpleSAMLphp for this service provider alone.

    folder: an empty one. service_provider: our metadata, XML. people: attributes by ``username:password``.
    """
    site = SimpleSamlPhp(f"http://localhost:{port}", folder)
    _write(site, service_provider, people)
    command = ["php", "-d", "opcache.enable=0", "-S", f"localhost:{port}", "-t", str(HOME / "www")]
    environment = {"SIMPLESAMLPHP_CONFIG_DIR": str(folder / "config")}
    output = folder / "php.log"
    with foreign.running(command, site.entity_id, output=output, environment=environment, log=site.log):
        yield site


def _is_there() -> bool:
    if shutil.which("php") is None or not (HOME / "www" / "saml2" / "idp" / "SSOService.php").exists():
        return False
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=30).stdout.lower().split()
    return {"dom", "mbstring", "openssl"} <= set(modules)


def _write(site: SimpleSamlPhp, service_provider: bytes, people: dict[str, dict[str, list[str]]]) -> None:
    folder = site.folder
    for name in ("config", "metadata", "data", "temporary", "sessions"):
        (folder / name).mkdir()
    key_pair(folder / "keys", "pontneuf")
    (folder / "service-provider.xml").write_bytes(service_provider)
    (folder / "people.json").write_text(json.dumps({"0": "exampleauth:UserPass", **people}))
    values = {"address": site.address, "folder": folder, "scope": SCOPE}
    (folder / "config" / "config.php").write_text(_CONFIGURATION.format(**values))
    (folder / "config" / "authsources.php").write_text(_PEOPLE.format(**values))
    site.answer_with()
