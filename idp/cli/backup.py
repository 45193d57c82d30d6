"""``idp backup`` and ``idp restore``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, progress

if TYPE_CHECKING:
    from idp.flows.backup import BackupReport, EndedSince

# Not IDP_…: it is no setting, and nobody shall write it into a file of settings.
_PASSPHRASE = "BACKUP_PASSPHRASE"
_FILE = click.Path(path_type=Path)
_EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)


def _ask(*, twice: bool) -> str:
    try:
        return str(click.prompt("Passphrase for the keys", hide_input=True, confirmation_prompt=twice, err=True))
    except click.Abort:
        end(f"no passphrase: type one, or set {_PASSPHRASE} where there is no terminal")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--with-keys", is_flag=True, help=f"Also keys and secret key, under a passphrase ({_PASSPHRASE}).")
@click.option("--passphrase", envvar=_PASSPHRASE, hidden=True)
@json_option
@click.pass_obj
def backup(
    administration: MakeAdministration, file: Path, with_keys: bool, passphrase: str | None, as_json: bool
) -> None:
    """Write what lasts to a new FILE, while the provider serves: accounts, applications, proofs, security log.

    Sign-ins, codes, links, tokens and waiting mails are not in it.
    """
    phrase = (passphrase or _ask(twice=True)) if with_keys else None
    with faults_told(), progress("reading "):
        report = administration().backup().backup(file, phrase)
    _print(report, as_json)


@click.command()
@click.argument("file", type=_EXISTING)
@click.option("--check", is_flag=True, help="Only read the file whole, and say what it holds.")
@click.option("--replace", is_flag=True, help="Forget what is in the database.")
@click.option("--keys-to", type=_FILE, help="New folder for the keys and the secret key.")
@click.option("--passphrase", envvar=_PASSPHRASE, hidden=True)
@json_option
@click.pass_obj
def restore(
    administration: MakeAdministration,
    file: Path,
    check: bool,
    replace: bool,
    keys_to: Path | None,
    passphrase: str | None,
    as_json: bool,
) -> None:
    """Fill an empty database from FILE. Stop the provider before; everybody signs in anew afterwards."""
    with faults_told():
        flow = administration().backup()
        if check:
            _print(flow.check(file), as_json)
            return
        phrase = (passphrase or _ask(twice=False)) if keys_to else ""
        with progress("restoring "):
            # As JSON the report alone tells them.
            tell = None if as_json else _tell_undone
            report = flow.restore(file, replace=replace, keys_to=keys_to, passphrase=phrase, tell=tell)
    if as_json:
        echo_json(report)
        return
    echo_rows([(name, str(count)) for name, count in report.documents.items()])
    echo_rows([("keys", name) for name in report.key_files])
    for problem in report.problems:
        click.echo(problem, err=True)


def _tell_undone(undone: "tuple[EndedSince, ...]") -> None:
    """As commands, to be typed again: a restore that is cut short knows of them no more."""
    if undone:
        click.echo("ended since this backup was made; do it again before anybody is served:")
    for end_ in undone:
        act = "erase" if end_.is_erased else "disable"
        click.echo(f'idp user {act} {end_.account_id} --reason "as on {end_.at:%Y-%m-%d}, before the restore"')


def _print(report: "BackupReport", as_json: bool) -> None:
    if as_json:
        echo_json(report)
        return
    echo_rows([("made", report.made_at, report.issuer)])
    echo_rows([(name, str(count)) for name, count in report.documents.items()])
    if not report.one_moment:
        lone = "a lone MongoDB server has no snapshots: each document is whole, but they are of different moments"
        click.echo(f"{lone}; stop the provider for an exact copy", err=True)
    if not report.with_keys:
        click.echo("keys and secret key are not in it: keep them apart, without them every `sub` changes", err=True)
    for name in report.left_out:
        click.echo(f"{name}: not of this release, left out", err=True)
