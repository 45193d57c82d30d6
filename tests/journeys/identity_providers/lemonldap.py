"""LemonLDAP::NG as Debian packages it, with Lasso under it: the portal alone, a child of the test, on its own port."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from idp.demo.keys import key_pair
from tests.journeys import debian, foreign
from tests.waiting import wait_until

# The first only so that apt does not take Apache, which the portal wants otherwise; the portal runs without it here.
PACKAGES = (
    "lemonldap-ng-fastcgi-server",
    "libplack-perl",
    "liblasso-perl",
    "libxml-simple-perl",
    "libio-string-perl",
    "liblemonldap-ng-portal-perl",
)
SCOPE = "univ-citronnier.example"
NAME = "Université du Citronnier"

_LOCAL = """[all]
logger = Lemonldap::NG::Common::Logger::Std
logLevel = info
userLogLevel = info
checkTime = 1
[configuration]
type = File
dirName = {folder}/configuration
localStorage = Cache::NullCache
localStorageOptions = {{}}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = fr, en
"""

# Its demonstration accounts, whose passwords are their names, are these people instead of its own. It wants a maker of
# captchas even where there are none, and the one that it has wants ImageMagick. Values are bytes, as from a directory.
_PORTAL = """use strict;
package Lemonldap::NG::Portal::Captcha::None;
use Mouse;
extends 'Lemonldap::NG::Portal::Main::Plugin';
sub init {{ 1 }}
BEGIN {{ $INC{{'Lemonldap/NG/Portal/Captcha/None.pm'}} = __FILE__ }}
package main;
use JSON;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;
open my $file, '<', '{folder}/people.json' or die $!;
local $/;
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = %{{ JSON->new->decode(<$file>) }};
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ();
Lemonldap::NG::Portal::Main->run({{}});
"""

# As docs/how-to/add-a-university.md tells administrators to; « mandatory;name;format;friendly name » by session's key.
_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
ATTRIBUTES = {
    "eppn": f"1;urn:oid:1.3.6.1.4.1.5923.1.1.1.6;{_URI};eduPersonPrincipalName",
    "mail": f"1;urn:oid:0.9.2342.19200300.100.1.3;{_URI};mail",
    "cn": f"0;urn:oid:2.16.840.1.113730.3.1.241;{_URI};displayName",
    "affiliation": f"0;urn:oid:1.3.6.1.4.1.5923.1.1.1.1;{_URI};eduPersonAffiliation",
}


class LemonLdap:
    """The running identity provider. address: its base, without a slash at the end."""

    def __init__(self, address: str, folder: Path, service_provider: bytes) -> None:
        self.address = address
        self.folder = folder
        self._service_provider = service_provider.decode()
        self._number = 0

    @property
    def entity_id(self) -> str:
        return f"{self.address}/saml/metadata"

    def metadata(self) -> bytes:
        """The EntityDescriptor, as it publishes it."""
        answer = requests.get(self.entity_id, timeout=20)
        assert answer.status_code == 200, self.log()
        return answer.content

    def metadata_with_scope(self) -> bytes:
        """What an administrator (or its federation) makes of it: it has no place for ``shibmd:Scope`` itself."""
        scope = f'<shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0">{SCOPE}</shibmd:Scope>'
        extensions = f"<Extensions>{scope}</Extensions>".encode()
        return re.sub(rb"<IDPSSODescriptor[^>]*>", lambda tag: tag[0] + extensions, self.metadata(), count=1)

    def answer_with(self, options: dict[str, Any], **settings: Any) -> None:
        """How it makes its answers from now on.

        options: of our service provider, by their names without ``samlSPMetaDataOptions``. settings: of all of it.
        """
        self.write(options, settings)
        wait_until(lambda: f'<OrganizationName xml:lang="en">{self._number}<'.encode() in self.metadata())

    def write(self, options: dict[str, Any], settings: dict[str, Any]) -> None:
        """One more configuration, which it takes within a second or two."""
        self._number += 1
        configuration = _configuration(self, self._number, self._service_provider, options) | settings
        # As its Manager writes it: of an escaped letter it would publish the one byte that Latin-1 has for it.
        content = json.dumps(configuration, ensure_ascii=False)
        fresh = self.folder / "fresh.json"
        fresh.write_text(content)
        fresh.replace(self.folder / "configuration" / f"lmConf-{self._number}.json")

    def log(self) -> str:
        return (self.folder / "portal.log").read_text(errors="replace")


def missing() -> str | None:
    """Why LemonLDAP::NG cannot be run here, once it was tried to install it; None where it can."""
    return debian.missing(PACKAGES, _is_there)


@contextmanager
def running(folder: Path, port: int, service_provider: bytes, people: dict[str, dict[str, str]]) -> Iterator[LemonLdap]:
    """The portal, for this service provider alone.

    folder: an empty one. service_provider: our metadata, XML. people: attributes by their names, which are their
    passwords, too; several values of one have ``; `` between them.
    """
    # Its cookies have the attribute Domain, for which a host needs a dot.
    site = LemonLdap(f"http://127.0.0.1:{port}", folder, service_provider)
    for name in ("configuration", "sessions/lock", "persistent/lock"):
        (folder / name).mkdir(parents=True)
    accounts = {name: {"uid": name, **known} for name, known in people.items()}
    (folder / "people.json").write_text(json.dumps(accounts, ensure_ascii=False))
    (folder / "lemonldap-ng.ini").write_text(_LOCAL.format(folder=folder))
    (folder / "portal.psgi").write_text(_PORTAL.format(folder=folder))
    site.write({}, {})
    command = ["plackup", "-E", "deployment", "--host", "127.0.0.1", "--port", str(port), str(folder / "portal.psgi")]
    environment = {"LLNG_DEFAULTCONFFILE": str(folder / "lemonldap-ng.ini")}
    output = folder / "portal.log"
    with foreign.running(command, site.entity_id, output=output, environment=environment, log=site.log):
        yield site


def _is_there() -> bool:
    if shutil.which("plackup") is None or shutil.which("perl") is None:
        return False
    modules = ["-MPlack::Runner", "-MLemonldap::NG::Portal::Main", "-MLemonldap::NG::Portal::Issuer::SAML"]
    return subprocess.run(["perl", *modules, "-e", "1"], capture_output=True, timeout=60).returncode == 0


def _configuration(site: LemonLdap, number: int, service_provider: str, options: dict[str, Any]) -> dict[str, Any]:
    pair = key_pair(site.folder / "keys", "citronnier")
    ours = {"CheckSSOMessageSignature": 1, **options}
    return {
        "cfgNum": number,
        "cfgDate": int(time.time()),
        "cfgAuthor": "tests",
        "portal": f"{site.address}/",
        "domain": "127.0.0.1",
        "cookieName": "lemonldap",
        "securedCookie": 0,
        "key": "only-for-these-tests",
        "locationRules": {"127.0.0.1": {"default": "accept"}},
        "authentication": "Demo",
        "userDB": "Same",
        "passwordDB": "Null",
        "registerDB": "Null",
        "portalDisplayRegister": 0,
        "portalDisplayResetPassword": 0,
        "captcha": "::Captcha::None",
        "whatToTrace": "uid",
        "demoExportedVars": {name: name for name in ("uid", *ATTRIBUTES)},
        "globalStorage": "Apache::Session::File",
        "globalStorageOptions": _kept_in(site.folder / "sessions"),
        "persistentStorage": "Apache::Session::File",
        "persistentStorageOptions": _kept_in(site.folder / "persistent"),
        "localSessionStorage": "Cache::NullCache",
        "localSessionStorageOptions": {},
        "tokenUseGlobalStorage": 1,
        "issuerDBSAMLActivation": 1,
        # So that whoever waits for a configuration sees it in the metadata.
        "samlOrganizationName": str(number),
        "samlOrganizationDisplayName": NAME,
        "samlServicePrivateKeySig": pair.key_file.read_text(),
        "samlServicePublicKeySig": pair.certificate_file.read_text(),
        "samlSPMetaDataXML": {"us": {"samlSPMetaDataXML": service_provider}},
        "samlSPMetaDataOptions": {"us": {f"samlSPMetaDataOptions{name}": value for name, value in ours.items()}},
        "samlSPMetaDataExportedAttributes": {"us": ATTRIBUTES},
    }


def _kept_in(folder: Path) -> dict[str, str]:
    return {"Directory": str(folder), "LockDirectory": str(folder / "lock")}
