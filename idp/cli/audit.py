"""``idp audit …``: the audit trail."""

import sys

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, faults_told, json_option
from idp.flows.audit_verification import Verification


@click.group(name="audit")
def audit_group() -> None:
    """The audit trail, sealed slice by slice."""


@audit_group.command()
@json_option
@click.pass_obj
def verify(administration: MakeAdministration, as_json: bool) -> None:
    """Check that no event was changed, removed or inserted and no seal is missing. Exit code 1 if one was."""
    with faults_told():
        found = administration().audit().verify()
    echo_json(found) if as_json else _print(found)
    if found.findings:
        sys.exit(1)


def _print(found: Verification) -> None:
    for finding in found.findings:
        what = f"event {finding.event}" if finding.event else "the seal"
        click.echo(f"seal {finding.seal}: {what} {finding.kind}", err=True)
    click.echo(f"{found.seals} seals, {found.events} events verified, {found.purged} purged by retention")
    click.echo(f"{found.waiting} events in no seal yet")
    if found.newest:
        click.echo(f"newest seal {found.newest}: {found.mac}")
