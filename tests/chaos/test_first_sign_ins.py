"""First sign-ins go on while the federation's file is broken, universities replace their keys, and we replace ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.attackers import GUESSERS, attacked, guesses_everywhere
from tests.chaos.broken_files import BROKEN
from tests.chaos.figures import Figures, scaled
from tests.chaos.first_sign_ins import FirstSignIns, first_sign_ins
from tests.chaos.provider import Provider
from tests.chaos.replica_set import ReplicaSet
from tests.chaos.rollovers import assert_refused, roll_our_keys, roll_universities
from tests.chaos.universities import University
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos


@pytest.fixture
def load(replica_set: ReplicaSet, tmp_path: Path) -> Iterator[FirstSignIns]:
    with first_sign_ins(tmp_path, replica_set) as made:
        yield made


def test_broken_metadata_fails_no_first_sign_in(load: FirstSignIns, figures: Figures) -> None:
    file, in_use, seconds = load.federation.file, [], scaled(4, 1)
    good = file.read_bytes()
    load.go_on("good", seconds)
    for kind, spoil in BROKEN.items():
        # Not in one step: a copy that is under way is read as well.
        file.write_bytes(spoil(good))
        wait_until(load.federation.has_problem)
        load.go_on(kind, seconds)
        in_use.append(load.provider.universities_in_use())
        file.write_bytes(good)
        wait_until(lambda: not load.federation.has_problem())
    with _folder_away(load.provider):
        load.go_on("folder gone", seconds)
        in_use.append(load.provider.universities_in_use())
    load.federation.publish(load.federation.old_keys())
    load.federation.wait_until_in_use()
    load.go_on("next edition", seconds)
    load.settle(figures, "metadata replaced by broken files, first sign-ins")
    assert set(in_use) == {len(load.universities)}


def test_universities_that_replace_their_signing_keys_fail_no_first_sign_in(
    load: FirstSignIns, figures: Figures
) -> None:
    roll_universities(load, scaled(8, 3))
    # Signed with keys that metadata does not name any more.
    for university in load.federation.universities():
        assert_refused(load, university, "saml.signature_invalid")
    load.settle(figures, "universities' signing keys rolled over")


def test_our_saml_keys_replaced_fail_no_first_sign_in(load: FirstSignIns, figures: Figures) -> None:
    with_old_key = roll_our_keys(load, scaled(8, 3))
    encrypts = load.universities[1]
    assert_refused(load, University(encrypts.signs, with_old_key), "saml.decryption")
    load.settle(figures, "our own SAML keys rolled over")


def test_fifty_who_guess_passwords_keep_nobody_from_choosing_one(
    replica_set: ReplicaSet, tmp_path: Path, figures: Figures
) -> None:
    """Who chooses a password has proven who they are, and waits for its hash among such people alone."""
    with first_sign_ins(tmp_path, replica_set, enough=2, IDP_PASSWORDS_BCRYPT_COST="12") as load:
        load.go_on("nobody guesses", scaled(4, 1))
        with attacked(guesses_everywhere, load.provider.port):
            load.go_on("guessed at", scaled(30, 5))
        load.settle(figures, f"first sign-ins while {GUESSERS} guess passwords (bcrypt cost 12)")


@contextmanager
def _folder_away(provider: Provider) -> Iterator[None]:
    """As a disk that is not mounted. One file that is taken away takes its universities with it, on purpose."""
    away = provider.federation.rename(provider.folder / "away")
    try:
        yield
    finally:
        away.rename(provider.federation)
