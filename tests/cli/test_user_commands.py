"""``idp user …``: on a whole installation, in this process; once as a process of its own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner

from idp import app as application
from idp import cli, settings
from idp.domain.accounts import Account, Identity
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from tests.cli.test_commands import idp

ADDRESS = "ines@univ-exemple.fr"
Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def run(mongodb_uri: str, database: Database, tmp_path: Path, keys_folder: Path) -> Run:
    """The command on a database with two people."""
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
    }
    for number, address in enumerate((ADDRESS, "zoe@univ-exemple.fr"), 1):
        AccountStore(database).create(
            Account(
                f"account-{number}",
                f"subject-{number}",
                datetime.now(UTC),
                addresses=(address,),
                attributes={"displayName": ("Inès Martin",)},
            )
        )
    made = application.administration(settings.load(environment))

    def run_here(*arguments: str) -> CompletedProcess[str]:
        done = CliRunner().invoke(cli.main, ["user", *arguments], obj=lambda: made, prog_name="idp")
        # The words with which a command ends itself go to standard error; click's runner has them in the output.
        ended = done.exit_code == 1
        return CompletedProcess(arguments, done.exit_code, "" if ended else done.stdout, done.output)

    return run_here


def test_an_account_is_disabled_and_enabled_with_a_reason_that_is_logged(run: Run, database: Database) -> None:
    for command, disabled in (("disable", True), ("enable", False)):
        done = run(command, "Ines@univ-exemple.fr", "--reason", "demande de la scolarité")
        assert (done.returncode, done.stdout) == (0, f"account-1: {command}d\n"), done.stderr
        account = AccountStore(database).find("account-1")
        assert account
        assert account.disabled is disabled
    events = list(database.collection("audit").find({"account_id": "account-1"}))
    assert [event["event"] for event in events] == ["account.closed", "account.reopened"]
    assert all(event["fields"]["reason"] == "demande de la scolarité" for event in events)
    assert all(event["fields"]["operator"] for event in events)


def test_who_has_no_passkey_left_gets_in_by_password_and_code_again(run: Run, database: Database) -> None:
    accounts = AccountStore(database)
    accounts.set_only_passkeys("account-1", only=True)
    assert "passkey alone" in run("show", ADDRESS).stdout
    allowed = ("allow-password", ADDRESS, "--reason", "carte présentée au guichet")
    assert run(*allowed).stdout == "account-1: password and code allowed\n"
    assert not accounts.find("account-1").only_passkeys  # type: ignore[union-attr]
    assert run(*allowed).returncode == 1
    (event,) = database.collection("audit").find({"event": "helpdesk.password_allowed"})
    assert event["fields"]["reason"] == "carte présentée au guichet"
    assert database.collection("outbox").count_documents({"kind": "any_method", "to": ADDRESS}) == 1


def test_an_account_is_given_back_to_its_person(run: Run, database: Database) -> None:
    accounts = AccountStore(database)
    taken = ("give-back", ADDRESS, "--reason", "carte présentée au guichet", "--address")
    refused = run(*taken, "no address")
    assert (refused.returncode, refused.stderr.startswith("nothing changed: ")) == (1, True)
    assert run(*taken, "ines@agence.example").stdout == "account-1: given back\n"
    assert accounts.find("account-1").addresses == ("ines@agence.example",)  # type: ignore[union-attr]
    assert run("give-back", "nobody@x.fr", *taken[2:], "a@x.fr").stderr == "nobody found\n"


def test_a_process_of_its_own_does_the_same(
    database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path
) -> None:
    AccountStore(database).create(Account("account-1", "subject-1", datetime.now(UTC), addresses=(ADDRESS,)))
    environment = {"IDP_MONGODB_URI": mongodb_uri, "IDP_MONGODB_DATABASE": database.name, "IDP_VAR_DIR": str(tmp_path)}
    found = idp("user", "find", ADDRESS, "--json", **environment, IDP_KEYS_DIR=str(keys_folder))
    assert json.loads(found.stdout)[0]["account_id"] == "account-1", found.stderr


def test_no_act_without_a_reason_and_none_on_several_people(run: Run, database: Database) -> None:
    assert run("disable", ADDRESS).returncode == 2
    empty = run("disable", ADDRESS, "--reason", " ")
    assert (empty.returncode, empty.stderr) == (1, "give a reason: it is kept in the security log\n")
    several = run("unlock", "martin", "--reason", "appel")
    assert several.returncode == 1
    assert "several people" in several.stderr
    assert run("disable", "nobody@univ-exemple.fr", "--reason", "appel").stderr == "nobody found\n"
    assert database.collection("audit").count_documents({}) == 0


@pytest.mark.parametrize("arguments", [(ADDRESS, "--reason", "vol\udce9"), ("\udce9", "--reason", "vol")])
def test_what_is_not_utf_8_is_refused_before_anything_is_done(
    run: Run, database: Database, arguments: tuple[str, ...]
) -> None:
    done = run("disable", *arguments)
    assert (done.returncode, done.stderr.count("is not UTF-8; nothing was changed")) == (2, 1)
    assert not AccountStore(database).find("account-1").disabled  # type: ignore[union-attr]


def test_a_name_is_not_enough_to_give_somebody_another_account(run: Run, database: Database) -> None:
    AccountStore(database).create(
        Account("lea", "s", datetime.now(UTC), addresses=("lea@x.fr",), attributes={"sn": ("Petit",)})
    )
    assert run("merge", ADDRESS, "--into", "petit", "--reason", "doublon").stderr == "nobody found\n"
    assert AccountStore(database).by_address(ADDRESS).id == "account-1"  # type: ignore[union-attr]


def test_what_is_being_erased_or_ended_in_another_account_is_not_enabled(run: Run, database: Database) -> None:
    accounts = database.collection("accounts")
    assert run("merge", "zoe@univ-exemple.fr", "--into", ADDRESS, "--reason", "doublon").returncode == 0
    accounts.update_one({"_id": "account-1"}, {"$set": {"disabled": True, "erasing_until": datetime.now(UTC)}})
    for account_id in ("account-1", "account-2"):
        done = run("enable", account_id, "--reason", "erreur")
        assert (done.returncode, done.stderr.startswith("nothing changed: ")) == (1, True)
    assert accounts.count_documents({"disabled": True}) == 2


def test_find_show_and_timeline_print_lines_and_json(run: Run) -> None:
    assert len(run("find", "martin").stdout.splitlines()) == 2
    found = json.loads(run("find", ADDRESS, "--json").stdout)
    assert found[0]["account_id"] == "account-1"
    sheet = json.loads(run("show", "subject-1", "--json").stdout)
    assert sheet["addresses"] == [ADDRESS]
    assert "password_hash" not in sheet
    assert f"address\t{ADDRESS}" in run("show", ADDRESS).stdout
    assert run("unlock", ADDRESS, "--reason", "appel").returncode == 0
    (entry,) = json.loads(run("timeline", ADDRESS, "--json").stdout)
    assert entry["event"] == "helpdesk.unlocked"
    assert "reason=appel" in run("timeline", entry["reference"]).stdout


def test_a_copy_of_everything_held_is_made_for_who_cannot_sign_in_and_is_no_act_of_theirs(
    run: Run, database: Database
) -> None:
    assert run("export", ADDRESS).returncode == 2
    assert run("export", "nobody@univ-exemple.fr", "--reason", "courrier").stderr == "nobody found\n"
    done = run("export", ADDRESS, "--reason", "courrier du 3 mars")
    copy = json.loads(done.stdout)
    assert (copy["account"]["id"], copy["addresses"]) == ("account-1", [ADDRESS])
    assert "Inès Martin" in done.stdout
    assert "password_hash" not in done.stdout
    (event,) = database.collection("audit").find({"account_id": "account-1"})
    assert (event["event"], event["fields"]["reason"]) == ("helpdesk.exported", "courrier du 3 mars")
    assert event["fields"]["operator"]
    # As in the person's own copy: which helper it was is not theirs to read.
    (told,) = copy["events"]
    assert told["fields"] == {"reason": "courrier du 3 mars"}


def test_people_are_invited_one_by_one_or_by_a_list_and_withdrawn(run: Run, tmp_path: Path) -> None:
    one = ("--address", "a@ch-exemple.fr", "--given-name", "A", "--expires", "2028-01-31", "--reason", "stage")
    assert run("invite", *one, "--role", "interne").returncode == 0
    (listed,) = json.loads(run("invitations", "--json").stdout)
    assert (listed["state"], listed["invitee"]["role"]) == ("open", "interne")
    assert run("find", "a@ch-exemple.fr").stdout == "-\ta@ch-exemple.fr\tA\tinvitation\t\n"
    assert run("withdraw", "a@ch-exemple.fr", "--reason", "erreur").returncode == 0
    people = tmp_path / "people.csv"
    people.write_text("address,given_name,family_name,role,expires\nb@ch-exemple.fr,B,B,,2028-01-31\nnobody,C,C,,x\n")
    bad = run("invite", "--csv", str(people), "--reason", "rentrée")
    assert (bad.returncode, bad.stderr.splitlines()[-1]) == (1, "nobody was invited")
    assert bad.stderr.startswith("line 3: ")
    assert run("invitations").stdout == ""
    assert run("invite", "--reason", "rentrée").returncode == 2


def test_two_accounts_are_merged_an_identifier_is_unlinked_and_an_account_is_erased(
    run: Run, database: Database
) -> None:
    accounts = AccountStore(database)
    accounts.create(
        Account(
            "account-3",
            "subject-3",
            datetime.now(UTC),
            identities=(Identity("https://idp.univ-exemple.fr", "eppn", "lea@univ-exemple.fr"),),
            addresses=("lea@univ-exemple.fr",),
        )
    )
    why = ("--reason", "même personne, pièce vue")
    assert run("merge", "zoe@univ-exemple.fr", "--into", "zoe@univ-exemple.fr", *why).returncode == 1
    merged = run("merge", "zoe@univ-exemple.fr", "--into", ADDRESS, *why)
    assert merged.returncode == 0, merged.stderr
    survivor = accounts.by_address("zoe@univ-exemple.fr")
    assert survivor
    assert survivor.id == "account-1"
    unmerge = ("unmerge", ADDRESS, "--address")
    refused = run(*unmerge, "nobody@univ-exemple.fr", *why)
    assert refused.returncode == 1
    assert "zoe@univ-exemple.fr" in refused.stderr
    assert run(*unmerge, "zoe@univ-exemple.fr", *why).returncode == 0
    parted = accounts.by_address("zoe@univ-exemple.fr")
    assert parted
    assert parted.id != "account-1"
    assert run("unlink", "lea@univ-exemple.fr", "--identity", "other", *why).returncode == 1
    assert run("unlink", "account-3", "--identity", "lea@univ-exemple.fr", *why).returncode == 0
    third = accounts.find("account-3")
    assert third
    assert third.identities == ()
    assert run("erase", "account-3", *why).returncode == 0
    third = accounts.find("account-3")
    assert third is None or third.disabled
    events = {str(event["event"]) for event in database.collection("audit").find({"fields.reason": why[1]})}
    assert {"helpdesk.merged", "helpdesk.unmerged", "helpdesk.unlinked", "helpdesk.erased", "account.closed"} == events
