"""Browsers that signed in before, on a real database."""

from datetime import UTC, datetime

from idp.storage.database import Database
from idp.storage.devices import LIFETIME, DeviceStore

NOW = datetime(2050, 9, 1, 8, tzinfo=UTC)


def test_a_browser_has_each_of_its_accounts_once_however_often_it_signs_in(database: Database) -> None:
    store = DeviceStore(database)
    for account_id in ("ines", "noe", "ines", "ines"):
        store.remember("cookie", account_id, now=NOW)
    (kept,) = database.collection("devices").find()
    assert (kept["accounts"], kept["expires_at"]) == (["ines", "noe"], NOW + LIFETIME)
    assert store.knows("cookie", "ines") == store.knows("cookie", "noe") == kept["_id"] != "cookie"


def test_each_sign_in_begins_the_year_anew(database: Database) -> None:
    store = DeviceStore(database)
    for now in (NOW, NOW + LIFETIME / 2):
        store.remember("cookie", "ines", now=now)
    (kept,) = database.collection("devices").find()
    assert kept["expires_at"] == NOW + LIFETIME / 2 + LIFETIME
