"""What is loaded when a program starts, in processes of their own: this one has loaded everything long since."""

import subprocess
import sys

from tests.waiting import PATIENCE_SECONDS

LOADED = """
import sys
from idp.loading import loading
with loading():
    import idp.app
from saml2 import sigver
assert "xmlschema" not in sys.modules
"""
ASKED = """
try:
    sigver.validate_doc_with_schema({document!r})
    print("valid", "xmlschema" in sys.modules)
except sigver.XMLSchemaError as error:
    print("not valid", "xmlschema" in sys.modules, "document" in str(error) or "doc" in error.args[0])
"""
REQUEST = (
    '<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" Version="2.0" '
    'IssueInstant="2026-11-30T00:00:00Z">{}</p:LogoutRequest>'
)
NAME = '<a:NameID xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">name</a:NameID>'


def printed(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_pysaml2_s_schemas_are_built_for_whoever_asks_them() -> None:
    asked = "".join(ASKED.format(document=REQUEST.format(content)) for content in (NAME, "", NAME))
    assert printed(LOADED + asked).splitlines() == ["valid True", "not valid True True", "valid True"]


def test_who_had_loaded_them_before_keeps_them() -> None:
    before = "import saml2.xml.schema, sys\nreal = sys.modules['saml2.xml.schema']\n"
    loaded = LOADED.replace('assert "xmlschema" not in sys.modules', "assert sys.modules['saml2.xml.schema'] is real")
    assert printed(before + loaded + "print(sigver.validate_doc_with_schema is real.validate)") == "True"
