"""Validation against the SAML 2.0 schemas that pysaml2 brings, by libxml2.

pysaml2 validates by itself, but another text than the received one (it serialises anew), only what is signed, and so
slowly that a stranger could keep a worker busy; here it costs a stranger's response less than its parsing.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Final

import saml2.data.schemas
from lxml import etree

from idp.saml import xml_names as names
from idp.saml.safe_xml import Element

# In the order of their dependencies: what was imported before is not looked for at the addresses in the schemas.
_SCHEMAS: Final = (
    (names.XML, "xml.xsd"),
    (names.DS, "xmldsig-core-schema.xsd"),
    (names.XENC, "xenc-schema.xsd"),
    # The mask function of RSA-OAEP: an element without a schema is an error where XML Encryption 1.0 has a wildcard.
    (names.XENC11, "xenc-schema-11.xsd"),
    (names.SAML, "saml-schema-assertion-2.0.xsd"),
    (names.SAMLP, "saml-schema-protocol-2.0.xsd"),
)
_BUILDING: Final = Lock()
_XSD: Final = "http://www.w3.org/2001/XMLSchema"


def is_valid(element: Element) -> bool:
    """Whether this Response or Assertion is valid against the SAML schemas (saml-schema-protocol-2.0)."""
    return bool(_schema()(element))


def _schema() -> etree.XMLSchema:
    # libxml2 prepares its built-in types at the first schema of a process, without a lock of its own (libxml2 issue
    # 930): two threads with the first answers at once would break them for good, or end the process.
    with _BUILDING:
        return _built()


@lru_cache(maxsize=1)
def _built() -> etree.XMLSchema:
    root = etree.Element(f"{{{_XSD}}}schema")
    for namespace, name in _SCHEMAS:
        location = Path(str(files(saml2.data.schemas) / name)).as_uri()
        etree.SubElement(root, f"{{{_XSD}}}import", namespace=namespace, schemaLocation=location)
    return etree.XMLSchema(root)
