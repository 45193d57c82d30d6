"""``idp migrate``: brings what is stored to the shapes of this release."""

from typing import TYPE_CHECKING

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, faults_told, json_option, moment

if TYPE_CHECKING:
    from idp.flows.migrating import MigrationLine, MigrationPlan


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would change, and how much of it.")
@json_option
@click.pass_obj
def migrate(administration: MakeAdministration, dry_run: bool, as_json: bool) -> None:
    """Migrate the database, while workers of the old and the new release serve. Doing it again does no harm.

    Run it once the new release is installed, and again when the last worker of the old one has ended.
    """
    with faults_told():
        flow = administration().migrating()
        if dry_run:
            _print_plan(flow.plan(), as_json)
            return
        ended = []
        for line in flow.run():
            if line.state != "running":
                ended.append(line)
                _print(line, as_json)
            elif not as_json:
                click.echo(f"{line.number:03} {line.collection}: {line.changed} …", err=True)
    if as_json:
        echo_json(ended)


def _print_plan(plan: "MigrationPlan", as_json: bool) -> None:
    if as_json:
        echo_json(plan)
        return
    for index in plan.missing_indexes:
        click.echo(f"index {index}: would be made")
    for line in plan.migrations:
        _print(line, as_json)


def _print(line: "MigrationLine", as_json: bool) -> None:
    if as_json:
        return
    at = f" since {moment(line.done_at)}" if line.done_at else ""
    late = ", written by older workers since" if line.state == "late" else ""
    counts = f"{line.changed} changed, {line.remaining} to change{late}"
    click.echo(f"{line.number:03} {line.state}{at}: {line.about} ({line.collection}: {counts})")
