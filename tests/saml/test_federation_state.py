"""What outlives a process, a bad file and an update that dies: the last good copies, until their own end."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import FileDifference
from idp.saml import federation_builder, federation_index, federation_seen
from idp.saml.entity_details import entity_details
from idp.saml.federation import FederationFolder
from idp.saml.federation_builder import UpdateFailed, locked, run_update
from idp.saml.federation_update import Outcome
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import LIMOGES, ROUEN, TRUSTED, Clock, MakeFolder, rewrite
from tests.waiting import PATIENCE_SECONDS, wait_until

# Recorded: commit 0498135 on the demo's universities.
_SEEN_BEFORE = (
    rb'{"watched": {"demo.xml": "1796039843342636412 7279", "overrides.toml": "1796039843342142884 141", '
    rb'"keys/demo.pem": "1796039843341833431 1021"}, "files": {"demo.xml": {"stamp": "1796039843342636412 7279 '
    rb"FileTrust(signing_keys=('keys/demo.pem',), sha256='', url='') ['1796039843341833431 1021']\", "
    rb'"problem": null}}, "overrides": "[files.\"demo.xml\"]\nsigning_keys = [\"keys/demo.pem\"]\n", '
    rb'"overrides_problem": null, "shown": "c7ab1753dbf56e256071755a43b5d7d3c9d9cfb0cd67550d6b74f77f33879936"}'
)


@pytest.fixture
def good(key: university.Key, entities: list[bytes]) -> bytes:
    return aggregates.signed(aggregates.aggregate(entities), key)


@pytest.fixture
def restarted(tmp_path: Path, clock: Clock) -> "Restart":
    return Restart(tmp_path, clock)


class Restart:
    """Another process that finds what the first has left."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self.told: list[FileDifference] = []

    def __call__(self) -> FederationFolder:
        return FederationFolder(self._folder, self._clock, state=self._folder / "state", changed=self.told.append)


def the_state(folder: Path) -> Path:
    (state,) = (folder / "state").iterdir()
    return state


@pytest.mark.parametrize("content", [b"", b"<html>maintenance</html>", b"<md:EntitiesDescriptor", None])
def test_a_restart_finds_the_last_good_copy_at_once_whatever_is_on_disk_now(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path, content: bytes | None
) -> None:
    make_folder(good).refresh()
    if content is not None:
        rewrite(tmp_path / "fer.xml", content)
    folder = restarted()
    assert folder.loaded
    assert folder.current.provider(LIMOGES) is not None
    assert folder.current.metadata(LIMOGES) is not None
    [status] = folder.refresh()
    assert (status.problem is None) == (content is None)
    assert status.providers == 2
    assert folder.current.provider(LIMOGES) is not None


def test_a_copy_from_before_a_restart_is_used_until_its_own_end(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path, clock: Clock
) -> None:
    make_folder(good).refresh()
    rewrite(tmp_path / "fer.xml", b"<html/>")
    clock.now += timedelta(days=8)
    assert restarted().current.provider(LIMOGES) is not None
    clock.now += timedelta(days=2)
    folder = restarted()
    current = folder.current
    assert current.provider(LIMOGES) is None
    assert current.metadata(LIMOGES) is None
    assert current.search("limoges") == current.by_address_domain("unilim.fr") == ()
    assert (len(current), current.known_domains()) == (0, frozenset())
    [status] = folder.refresh()
    assert (status.providers, status.problem is not None) == (0, True)


def test_overrides_that_break_later_hold_over_a_restart(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path
) -> None:
    make_folder(good, f'{TRUSTED}[providers."{ROUEN}"]\nhidden = true\n').refresh()
    rewrite(tmp_path / "overrides.toml", b"[files")
    folder = restarted()
    assert "overrides.toml" in {status.file for status in folder.refresh()}
    assert folder.current.search("rouen") == ()
    assert folder.current.search("limoges") != ()


def test_a_folder_that_is_gone_as_a_whole_is_an_accident_and_costs_nothing(
    make_folder: MakeFolder, good: bytes, tmp_path: Path, clock: Clock
) -> None:
    place = tmp_path / "federation"
    folder = FederationFolder(place, clock, state=tmp_path / "state")
    written = aggregates.write_folder(tmp_path / "new", {"fer.xml": good}, TRUSTED, {})
    make_folder(None)
    for name in ("old.pem", "new.pem"):
        (written / "keys" / name).write_bytes((tmp_path / "keys" / name).read_bytes())
    written.rename(place)
    assert folder.refresh()[0].problem is None
    place.rename(tmp_path / "elsewhere")
    [status] = folder.refresh()
    assert (status.file, status.providers) == ("fer.xml", 2)
    assert status.problem is not None
    (tmp_path / "elsewhere").rename(place)
    assert folder.refresh()[0].problem is None


def test_an_older_copy_is_refused_and_told_as_such(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    folder = make_folder(aggregates.signed(aggregates.aggregate(entities), key))
    folder.refresh()
    older = aggregates.aggregate(entities[:1], valid_until=university.NOW + timedelta(days=8))
    rewrite(tmp_path / "fer.xml", aggregates.signed(older, key))
    [status] = folder.refresh()
    assert status.problem is not None
    assert "older than the copy in use" in status.problem
    assert folder.current.provider(ROUEN) is not None


def test_when_both_copies_tell_their_creation_that_decides_which_is_older_then_their_end(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    def published(days: int, valid_days: int, some: list[bytes]) -> bytes:
        until = university.NOW + timedelta(days=valid_days)
        root = aggregates.aggregate(some, valid_until=until, created=university.NOW - timedelta(days=days))
        return aggregates.signed(root, key)

    folder = make_folder(published(2, 9, entities))
    folder.refresh()
    rewrite(tmp_path / "fer.xml", published(3, 12, entities[:1]))
    assert "older" in (folder.refresh()[0].problem or "")
    rewrite(tmp_path / "fer.xml", published(2, 8, entities[:1]))
    assert "older" in (folder.refresh()[0].problem or "")
    rewrite(tmp_path / "fer.xml", published(1, 5, entities[:1]))
    assert folder.refresh()[0].problem is None
    assert folder.current.provider(ROUEN) is None


def test_an_old_copy_is_taken_after_the_file_was_away(
    make_folder: MakeFolder, good: bytes, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    folder = make_folder(good)
    folder.refresh()
    (tmp_path / "fer.xml").unlink()
    folder.refresh()
    older = aggregates.aggregate(entities, valid_until=university.NOW + timedelta(days=8))
    (tmp_path / "fer.xml").write_bytes(aggregates.signed(older, key))
    assert folder.refresh()[0].problem is None


def test_what_changed_is_told_once_to_whoever_took_it_over(
    restarted: Restart,
    make_folder: MakeFolder,
    good: bytes,
    key: university.Key,
    other_key: university.Key,
    entities: list[bytes],
    tmp_path: Path,
) -> None:
    make_folder(good)
    folder = restarted()
    folder.refresh()
    [first] = restarted.told
    assert (first.file, first.added, first.removed) == ("fer.xml", (LIMOGES, ROUEN), ())
    moved = university.entity_descriptor(
        LIMOGES, (other_key,), scopes=("unilim.fr", "ensil.fr"), names={"fr": "Université de Limoges"}
    ).replace(b"/sso/HTTP-POST", b"/sso2/HTTP-POST")
    fresh = university.entity_descriptor("https://idp.neuve.fr/idp", (key,))
    rewrite(tmp_path / "fer.xml", aggregates.signed(aggregates.aggregate([moved, fresh]), key))
    folder.refresh()
    restarted().refresh()
    assert len(restarted.told) == 2
    second = restarted.told[1]
    assert (second.added, second.removed) == (("https://idp.neuve.fr/idp",), (ROUEN,))
    [change] = second.changed
    assert change.entity_id == LIMOGES
    assert [detail.split()[0] for detail in change.details] == ["keys", "endpoints", "scopes"]
    # The fingerprints are those that « idp federation show » prints.
    lost, won = (entity_details(metadata).keys[0].fingerprint[:16] for metadata in (entities[0], moved))
    assert change.details[0] == f"keys -signing {lost}, +signing {won}"
    assert "+ensil.fr" in change.details[2]
    assert second.summary == "1 added, 1 removed, 1 changed"
    assert second.lines()[0] == f"- {ROUEN}"
    assert second.lines(1)[-1] == "… and 2 more"


def taken_over_by_one_who_died(folder: Path, clock: Clock) -> None:
    """The index is in place, and nothing was told."""
    with locked(the_state(folder)) as lock:
        run_update(folder, the_state(folder), lock, now=clock())


def test_what_changed_is_told_also_where_whoever_took_it_over_died_before(
    restarted: Restart, make_folder: MakeFolder, good: bytes, tmp_path: Path, clock: Clock
) -> None:
    make_folder(None).refresh()
    (tmp_path / "fer.xml").write_bytes(good)
    taken_over_by_one_who_died(tmp_path, clock)
    (tmp_path / "fer.xml").rename(tmp_path / "away")
    taken_over_by_one_who_died(tmp_path, clock)
    for _ in range(2):
        restarted().refresh()
    came, left = restarted.told
    assert came.added == tuple(sorted(left.removed)) == (LIMOGES, ROUEN)


def test_what_cannot_be_kept_is_told_again_a_minute_later_and_by_others(
    restarted: Restart,
    make_folder: MakeFolder,
    good: bytes,
    tmp_path: Path,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_folder(good)
    tried: list[FileDifference] = []

    def away(difference: FileDifference) -> None:
        tried.append(difference)
        raise ServiceUnavailable("database")

    folder = FederationFolder(tmp_path, clock, state=tmp_path / "state", changed=away)
    for _ in range(2):
        assert folder.refresh()[0].problem is None
    assert len(tried) == 1
    assert "federation.change_not_kept" in caplog.text
    clock.now += timedelta(minutes=1)
    folder.refresh()
    assert len(tried) == 2
    restarted().refresh()
    folder.refresh()
    assert restarted.told == tried[:1]
    clock.now += timedelta(minutes=1)
    folder.refresh()
    assert len(tried) == 2


def test_who_goes_with_a_file_or_with_its_end_is_told_once(
    restarted: Restart, make_folder: MakeFolder, good: bytes, clock: Clock, tmp_path: Path
) -> None:
    make_folder(good)
    folder = restarted()
    folder.refresh()
    (tmp_path / "fer.xml").rename(tmp_path / "away")
    folder.refresh()
    folder.refresh()
    (tmp_path / "away").rename(tmp_path / "fer.xml")
    folder.refresh()
    clock.now += timedelta(days=30)
    folder.refresh()
    folder.refresh()
    [came, left, returned, expired] = restarted.told
    assert came.added == returned.added == (LIMOGES, ROUEN)
    for gone in (left, expired):
        assert (gone.file, gone.added, sorted(gone.removed)) == ("fer.xml", (), sorted((LIMOGES, ROUEN)))


def test_the_same_providers_signed_anew_are_no_difference(
    restarted: Restart, make_folder: MakeFolder, good: bytes, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    make_folder(good)
    folder = restarted()
    folder.refresh()
    before = folder.current.provider(LIMOGES)
    later = aggregates.aggregate(entities, valid_until=university.NOW + timedelta(days=10))
    rewrite(tmp_path / "fer.xml", aggregates.signed(later, key))
    [status] = folder.refresh()
    assert status.valid_until == university.NOW + timedelta(days=10)
    assert not restarted.told[1]
    # The digest of what was used in a proofing tells the same university with the same metadata.
    assert folder.current.provider(LIMOGES) == before


def test_another_process_sees_what_one_has_taken_over(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path
) -> None:
    first, second = make_folder(None), restarted()
    first.refresh()
    second.refresh()
    (tmp_path / "fer.xml").write_bytes(good)
    first.refresh()
    assert len(second.current) == 0
    second.refresh()
    assert len(second.current) == 2
    assert restarted.told == []


def test_who_came_before_there_was_an_index_uses_the_one_that_another_makes_before_its_own_first_look(
    make_folder: MakeFolder, good: bytes, restarted: Restart
) -> None:
    """Two workers start: as soon as one is ready, requests reach both."""
    first, second = make_folder(good), restarted()
    assert second.current.provider(LIMOGES) is None
    first.refresh()
    assert second.current.provider(LIMOGES) is not None
    assert second.current is second.current
    was_loaded = second.loaded
    second.refresh()
    assert (was_loaded, second.loaded) == (False, True)
    assert second.current.provider(LIMOGES) is not None


def test_many_processes_at_once_update_once(make_folder: MakeFolder, good: bytes, tmp_path: Path, clock: Clock) -> None:
    make_folder(good)
    told: list[FileDifference] = []
    folders = [FederationFolder(tmp_path, clock, state=tmp_path / "state", changed=told.append) for _ in range(6)]
    threads = [Thread(target=folder.refresh) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(folder.current) for folder in folders] == [2] * 6
    assert len(told) == 1


def test_an_index_that_is_damaged_or_gone_is_made_anew(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path
) -> None:
    make_folder(good).refresh()
    index = the_state(tmp_path) / federation_index.INDEX_NAME
    index.write_bytes(b"not a database at all" * 100)
    folder = restarted()
    assert not folder.loaded
    folder.refresh()
    assert len(folder.current) == 2
    index.unlink()
    folder.refresh()
    assert len(folder.current) == 2


def test_a_server_that_was_not_restarted_keeps_its_universities_when_another_release_makes_the_index(
    make_folder: MakeFolder,
    good: bytes,
    key: university.Key,
    entities: list[bytes],
    restarted: Restart,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_folder(good)
    folder.refresh()
    # The process of an update is started from the disk: it writes the version that is installed there.
    monkeypatch.setattr(federation_index, "VERSION", federation_index.VERSION - 1)
    later = aggregates.aggregate(entities, valid_until=university.NOW + timedelta(days=10))
    rewrite(tmp_path / "fer.xml", aggregates.signed(later, key))
    index = the_state(tmp_path) / federation_index.INDEX_NAME
    made = set()
    for _ in range(3):
        problems = [status.problem for status in folder.refresh()]
        assert len(folder.current) == 2
        assert any("restart" in (problem or "") for problem in problems)
        made.add(index.stat().st_mtime_ns)
    assert len(made) == 1, "made again at every look"
    monkeypatch.undo()
    assert len(restarted().current) == 2


def test_what_another_release_keeps_on_the_same_folder_is_left_to_it(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path
) -> None:
    make_folder(good).refresh()
    # As the release of 30 November 2026 had it, which took nothing from an index of ours and made its own again.
    theirs = {"federation.sqlite": b"SQLite format 3", "told.json": b"[]", "seen.json": _SEEN_BEFORE}
    for name, content in theirs.items():
        (the_state(tmp_path) / name).write_bytes(content)
    ours = (the_state(tmp_path) / federation_index.INDEX_NAME).stat()
    folder = restarted()
    folder.refresh()
    assert len(folder.current) == 2
    assert (the_state(tmp_path) / federation_index.INDEX_NAME).stat() == ours
    assert {name: (the_state(tmp_path) / name).read_bytes() for name in theirs} == theirs


def test_a_server_whose_updates_another_release_makes_under_names_of_its_own_says_that_it_wants_to_be_restarted(
    make_folder: MakeFolder,
    good: bytes,
    key: university.Key,
    entities: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_folder(good)
    folder.refresh()
    updates = []

    def elsewhere(*_: object, **__: object) -> Outcome:
        updates.append("begun")
        return Outcome()

    monkeypatch.setattr("idp.saml.federation.run_update", elsewhere)
    later = aggregates.aggregate(entities, valid_until=university.NOW + timedelta(days=10))
    rewrite(tmp_path / "fer.xml", aggregates.signed(later, key))
    for _ in range(3):
        problems = [status.problem for status in folder.refresh()]
        assert len(folder.current) == 2
        assert any("restart" in (problem or "") for problem in problems)
    assert len(updates) == 1, "made again at every look"


def test_what_an_update_that_was_killed_leaves_is_of_no_consequence(
    make_folder: MakeFolder, good: bytes, restarted: Restart, tmp_path: Path
) -> None:
    make_folder(good).refresh()
    (the_state(tmp_path) / f".{federation_index.INDEX_NAME}.1.new").write_bytes(b"half")
    (the_state(tmp_path) / f".{federation_seen.SEEN_NAME}.1.new").write_bytes(b"{")
    folder = restarted()
    assert folder.refresh()[0].problem is None
    assert len(folder.current) == 2


def test_an_update_that_fails_is_told_and_leaves_the_federation_as_it_is(
    make_folder: MakeFolder, good: bytes, tmp_path: Path
) -> None:
    folder = make_folder(good)
    folder.refresh()
    # A directory in the place of the file: nothing can be put there.
    seen = the_state(tmp_path) / federation_seen.SEEN_NAME
    seen.unlink()
    seen.mkdir()
    (seen / "x").touch()
    problems = [status.problem for status in folder.refresh()]
    assert any("federation update" in (problem or "") for problem in problems)
    assert len(folder.current) == 2


def test_a_state_directory_that_cannot_be_written_is_told(make_folder: MakeFolder, good: bytes, tmp_path: Path) -> None:
    folder = make_folder(good)
    (tmp_path / "state").write_text("a file")
    [status] = folder.refresh()
    assert status.problem is not None
    assert status.problem.startswith("federation state")


def test_the_update_has_none_of_our_secrets_in_its_environment(tmp_path: Path) -> None:
    program = (
        "from idp.saml.federation_builder import _environment\n"
        "print(sorted(name for name in _environment() if name.startswith('IDP_')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"IDP_SECRET_KEY": "s" * 40},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


def test_an_update_of_nonsense_fails_with_one_line(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / federation_seen.SEEN_NAME).mkdir()
    with locked(tmp_path) as lock, pytest.raises(UpdateFailed) as caught:
        run_update(tmp_path, tmp_path, lock, now=clock.now)
    assert "\n" not in str(caught.value)


def test_a_bad_file_is_told_again_every_hour_and_not_every_look(
    make_folder: MakeFolder, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder(b"<html/>")

    def told() -> int:
        return [record.message for record in caplog.records].count("federation.file_refused")

    folder.refresh()
    folder.refresh()
    assert told() == 1
    clock.now += timedelta(minutes=61)
    folder.refresh()
    assert told() == 2


def test_unknown_entity_ids_are_remembered_within_bounds(make_folder: MakeFolder, good: bytes) -> None:
    folder = make_folder(good)
    folder.refresh()
    for number in range(2_000):
        assert folder.current.provider(f"https://unknown.example/{number}") is None
    assert folder.current.provider("https://unknown.example/" + "x" * 100_000) is None
    assert folder.current.provider(LIMOGES) is not None


def test_a_file_is_checked_without_being_taken_over(
    make_folder: MakeFolder, good: bytes, key: university.Key, entities: list[bytes], tmp_path: Path
) -> None:
    folder = make_folder(good)
    folder.refresh()
    before = (the_state(tmp_path) / federation_index.INDEX_NAME).stat()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    later = aggregates.aggregate(entities[:1], valid_until=university.NOW + timedelta(days=10))
    (elsewhere / "fer.xml").write_bytes(aggregates.signed(later, key))
    report = folder.check(elsewhere / "fer.xml")
    assert (report.problem, report.providers) == (None, 1)
    assert report.difference is not None
    assert report.difference.removed == (ROUEN,)
    (elsewhere / "fer.xml").write_bytes(good.replace(b"unilim", b"pirate"))
    assert "changed after signing" in (folder.check(elsewhere / "fer.xml").problem or "")
    (elsewhere / "other.xml").write_bytes(good)
    assert "no trust" in (folder.check(elsewhere / "other.xml").problem or "")
    assert (the_state(tmp_path) / federation_index.INDEX_NAME).stat() == before


def test_a_refused_file_leaves_nothing_behind_beside_a_good_one(
    make_folder: MakeFolder, good: bytes, entities: list[bytes], tmp_path: Path
) -> None:
    trusted = TRUSTED.replace("fer.xml", "aa.xml") + TRUSTED
    folder = make_folder(good, trusted, aa=good.replace(b"unilim", b"pirate"))
    bad, fine = folder.refresh()
    assert (bad.providers, fine.providers) == (0, 2)
    assert folder.current.by_address_domain("pirate.fr") == folder.current.search("pirate") == ()
    assert len(folder.current) == 2


def test_the_state_is_plain_to_read(make_folder: MakeFolder, good: bytes, tmp_path: Path) -> None:
    make_folder(good).refresh()
    seen = json.loads((the_state(tmp_path) / federation_seen.SEEN_NAME).read_text())
    assert seen["files"]["fer.xml"]["problem"] is None
    assert sorted(seen["watched"]) == ["fer.xml", "keys/new.pem", "keys/old.pem", "overrides.toml"]


def test_an_update_that_takes_too_long_fails_with_one_line(
    make_folder: MakeFolder, good: bytes, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(good).refresh()
    monkeypatch.setattr(federation_builder, "MAX_SECONDS", 0.01)
    with locked(the_state(tmp_path)) as lock, pytest.raises(UpdateFailed, match="not done after"):
        run_update(tmp_path, the_state(tmp_path), lock, now=clock.now)


@pytest.mark.parametrize("checks", [False, True], ids=["at once", "while a file is checked"])
def test_an_update_that_is_killed_leaves_what_was_and_the_next_succeeds(
    make_folder: MakeFolder,
    good: bytes,
    tmp_path: Path,
    clock: Clock,
    key: university.Key,
    entities: list[bytes],
    checks: bool,
) -> None:
    """A check is a process of its own: it would go on and hold the lock, and the pipes by which the update is read."""
    folder = make_folder(good)
    folder.refresh()
    # A pipe in the place of a signing key holds the update up until it is killed.
    pem = tmp_path / "keys" / "new.pem"
    content = pem.read_bytes()
    pem.unlink()
    os.mkfifo(pem)
    looking = Thread(target=folder.refresh)
    looking.start()
    update = _child_of_ours("idp.saml.federation_update")
    if checks:
        wait_until(lambda: _children(Path(f"/proc/{update}/task/{update}")))
    os.kill(update, signal.SIGKILL)
    looking.join(PATIENCE_SECONDS)
    assert not looking.is_alive()
    problems = [status.problem for status in folder.status()]
    assert any("exit status -9" in (problem or "") for problem in problems)
    assert len(folder.current) == 2
    pem.unlink()
    pem.write_bytes(content)
    later = aggregates.aggregate(entities[:1], valid_until=university.NOW + timedelta(days=10))
    rewrite(tmp_path / "fer.xml", aggregates.signed(later, key))
    clock.now += timedelta(minutes=11)
    [status] = folder.refresh()
    assert (status.problem, len(folder.current)) == (None, 1)


def _child_of_ours(module: str) -> int:
    """The process that runs this module for this one."""
    found: list[int] = []

    def is_there() -> bool:
        for task in Path("/proc/self/task").iterdir():
            # Threads and processes that end while one looks at them are not the ones.
            with suppress(OSError):
                found.extend(int(child) for child in _children(task) if module.encode() in _command(child))
        return bool(found)

    wait_until(is_there)
    return found[0]


def _children(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def _command(process: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""
