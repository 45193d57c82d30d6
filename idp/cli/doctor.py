"""``idp doctor``: looks at the whole installation and says what to mend."""

import sys
from dataclasses import replace

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, in_short, json_option, printable
from idp.domain.findings import Level


@click.command()
@json_option
@click.pass_obj
def doctor(administration: MakeAdministration, as_json: bool) -> None:
    """Look at the whole installation and say what to mend. Exit code 1 with any fault.

    Settings, database, clock, mail, DNS, TLS, keys, clients, the helpdesk console, metadata, ours too, and disk.
    """
    findings = []
    for found in administration().doctor().findings():
        finding = replace(found, text=in_short(found.text))
        findings.append(finding)
        if not as_json:
            mend = f" -> {finding.mend}" if finding.mend else ""
            click.echo(printable(f"{finding.level:7} {finding.about}: {finding.text}{mend}"))
    if as_json:
        echo_json(findings)
    if any(finding.level is Level.FAULT for finding in findings):
        sys.exit(1)
