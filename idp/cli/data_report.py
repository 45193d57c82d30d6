"""``idp data-report``: what is kept on people, why, for how long, and how much of it there is."""

from typing import TYPE_CHECKING

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, faults_told, json_option, moment

if TYPE_CHECKING:
    from idp.flows.data_report import DataReport, ReportLine


@click.command("data-report")
@json_option
@click.pass_obj
def data_report(administration: MakeAdministration, as_json: bool) -> None:
    """Report for the data protection officer: each collection with its purpose, its period and its oldest document."""
    with faults_told():
        report = administration().data_report().report()
    if as_json:
        echo_json(report)
        return
    _print(report)


def _print(report: "DataReport") -> None:
    click.echo(f"{moment(report.at)}")
    for name, value in report.settings.items():
        click.echo(f"{name} = {value}")
    for line in report.lines:
        click.echo(_told(line))


def _told(line: "ReportLine") -> str:
    held = f"{line.holding.documents} documents, oldest of {moment(line.holding.oldest, 'unknown')}"
    if line.processing is None:
        return f"{line.holding.collection}: {held}\n    NOT IN THE REGISTER"
    said = line.processing
    return f"{line.holding.collection}: {held}\n    {said.data}\n    for: {said.purpose}\n    kept: {said.kept}"
