"""Every command of the driver is timed by its name, those that fail as well."""

import pytest

from idp.domain.errors import ServiceUnavailable
from idp.storage.database import Database, translated


class Times:
    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def __call__(self, command: str, seconds: float, *, ok: bool) -> None:
        assert seconds >= 0
        self.told.append((command, ok))


def test_commands_are_told_by_name_and_whether_they_failed(mongodb_uri: str) -> None:
    times = Times()
    database = Database(mongodb_uri, "timed", commanded=times)
    database.collection("things").find_one({"name": "zoe@univ-exemple.fr"})
    with pytest.raises(ServiceUnavailable), translated():
        database.collection("things").update_one({}, {"$noSuchOperator": {"name": 1}})
    with pytest.raises(ServiceUnavailable), translated():
        database.client.admin.command("noSuchCommand")
    database.close()
    assert ("find", True) in times.told
    assert ("noSuchCommand", False) in times.told
