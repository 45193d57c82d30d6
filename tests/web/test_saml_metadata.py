"""Our SAML metadata over HTTP: with the keys that are published, signed for who asks."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.storage.database import Database

HOST = {"Host": "localhost:5000"}


@pytest.fixture
def client(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> FlaskClient:
    configured = settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
            "IDP_SAML_METADATA_CONTACT_SECURITY": "CSIRT <csirt@exemple.fr>",
        }
    )
    database.create_indexes(application.INDEXES)
    return application.create_app(application.build(configured, database=database)).test_client()


def test_metadata_is_served_before_any_federation_is_there(client: FlaskClient) -> None:
    answer = client.get("/saml/metadata", headers=HOST)
    assert (answer.status_code, answer.mimetype) == (200, "application/samlmetadata+xml")
    assert "mailto:csirt@exemple.fr" in answer.text
    assert "SignatureValue" not in answer.text


def test_metadata_is_signed_for_who_asks(client: FlaskClient) -> None:
    answer = client.get("/saml/metadata?signed=1", headers=HOST)
    assert answer.status_code == 200
    assert "SignatureValue" in answer.text
