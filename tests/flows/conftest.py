"""The whole provider, with one person and one application."""

from pathlib import Path

import pytest

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account
from idp.domain.consent import Consent
from idp.storage.database import Database
from tests.flows.one_person import ADDRESS, environment


@pytest.fixture
def services(indexed_database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Services:
    configured = settings.load(environment(tmp_path, mongodb_uri, keys_folder))
    built = application.build(configured, database=indexed_database)
    built.stores.accounts.create(Account("account-1", "subject-1", built.clock(), addresses=(ADDRESS,)))
    built.stores.consents.add(Consent("account-1", "told", frozenset({"openid"}), frozenset({"email"}), built.clock()))
    return built
