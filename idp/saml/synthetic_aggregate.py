"""An aggregate of invented identity providers, signed with a key made for it alone: for tests of an installation.

Nobody answers at its addresses, which all end in ``.example`` (RFC 2606), and its key is thrown away.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.sax.saxutils import escape

import xmlsec
from lxml import etree

from idp.domain.keyed import random_id
from idp.saml import xml_names as names
from idp.saml.keys import ensure_keys
from idp.saml.xml_signature import sign

FILE_NAME: Final = "test-aggregate.xml"
KEY_NAME: Final = "test-aggregate.pem"
_VALIDITY: Final = timedelta(days=9)


def write_test_aggregate(folder: Path, providers: int, made: Callable[[int], None], *, now: datetime) -> list[Path]:
    """Write ``test-aggregate.xml`` and the certificate that verifies it into the folder; their paths.

    made: told from time to time how many more identity providers are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as throwaway:
        [(key, certificate)] = ensure_keys(Path(throwaway) / "keys", "https://federation.example", now=now)
        private, public = key.read_bytes(), certificate.read_bytes()
    root = etree.Element(
        names.ENTITIES,
        nsmap={prefix: names.NS[prefix] for prefix in ("md", "ds", "mdui", "mdrpi", "shibmd")},
        ID=f"_{random_id()}",
        Name="https://federation.example/test",
        validUntil=(now + _VALIDITY).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    text = "".join(public.decode().splitlines()[1:-1])
    for number in range(1, providers + 1):
        root.append(_entity(number, text))
        if number % 100 == 0 or number == providers:
            made(number % 100 or 100)
    _sign(root, private)
    paths = [folder / FILE_NAME, folder / KEY_NAME]
    for path, content in zip(
        paths, (etree.tostring(root, encoding="UTF-8", xml_declaration=True), public), strict=True
    ):
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(content)
        draft.replace(path)
    return paths


def _sign(root: etree._Element, private_key: bytes) -> None:
    constants = xmlsec.constants
    template = xmlsec.template.create(root, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    root.insert(0, template)
    reference = xmlsec.template.add_reference(template, constants.TransformSha256, uri=f"#{root.get('ID')}")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    sign(root, root.get("ID") or "", private_key)


def _entity(number: int, certificate: str) -> etree._Element:
    domain, name = f"univ-{number}.example", escape(f"Université d’essai {number}")
    spaces = " ".join(f'xmlns:{prefix}="{names.NS[prefix]}"' for prefix in ("md", "ds", "mdui", "mdrpi", "shibmd"))
    return etree.fromstring(
        f'<md:EntityDescriptor {spaces} entityID="https://idp.{domain}/idp"><md:Extensions>'
        '<mdrpi:RegistrationInfo registrationAuthority="https://federation.example/"/></md:Extensions>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{names.SAMLP}"><md:Extensions>'
        f'<shibmd:Scope regexp="false">{domain}</shibmd:Scope><mdui:UIInfo>'
        f'<mdui:DisplayName xml:lang="fr">{name}</mdui:DisplayName></mdui:UIInfo></md:Extensions>'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f'<md:SingleSignOnService Binding="{names.HTTP_REDIRECT}" Location="https://idp.{domain}/sso"/>'
        f'<md:SingleSignOnService Binding="{names.HTTP_POST}" Location="https://idp.{domain}/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
