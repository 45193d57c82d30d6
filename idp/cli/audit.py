"""``idp audit …``: the audit trail."""

import sys
from typing import TYPE_CHECKING

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, faults_told, json_option, printable
from idp.domain.audit_finding import AuditFinding

if TYPE_CHECKING:
    from idp.flows.audit_verification import Verification

_MEANS = {
    "changed": "changed, forged, or written under another secret key",
    "unsealed": (
        "are in no seal after more than five minutes. After a stop, or in a restored copy, the first process that runs "
        "seals them within a minute or two. If some has been running: look for audit-sealer in its log"
    ),
    "gap": "are not there, although their writer wrote on: events were removed",
    "repeated": "there twice",
    "missing": "missing",
    "replaced": "is not the one that events know: seals were removed and made anew",
    "unproven": (
        "and were written, or put in, more than a week after the first one with a proof; only workers of an older "
        "release write such"
    ),
}


@click.group(name="audit")
def audit_group() -> None:
    """The audit trail, sealed slice by slice."""


@audit_group.command()
@json_option
@click.pass_obj
def verify(administration: MakeAdministration, as_json: bool) -> None:
    """Check every event and every seal: changed, removed, inserted, not sealed. Exit code 1 if anything is wrong."""
    with faults_told():
        found = administration().audit().verify()
    echo_json(found) if as_json else _print(found)
    if found.findings:
        sys.exit(1)


def _print(found: "Verification") -> None:
    for finding in found.findings:
        click.echo(printable(_line(finding)), err=True)
    click.echo(f"{found.proven} events with a proof that fits")
    click.echo(f"{found.seals} seals, {found.events} events verified, {found.purged} purged by retention")
    click.echo(f"{found.waiting} events in no seal yet")
    if found.newest:
        click.echo(f"newest seal {found.newest}: {found.mac}")


def _line(finding: AuditFinding) -> str:
    where = f"seal {finding.seal}: " if finding.seal else ""
    what = finding.detail or (f"event {finding.event}" if finding.event else "the seal")
    return f"{where}{what} {_MEANS.get(finding.kind, finding.kind)}"
