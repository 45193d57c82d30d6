"""``idp``: the groups of commands, and ``idp check``."""

import sys

import click

from idp.cli.administration import MakeAdministration
from idp.cli.audit import audit_group
from idp.cli.backup import backup, restore
from idp.cli.client import client_group
from idp.cli.data_report import data_report
from idp.cli.doctor import doctor
from idp.cli.federation import federation_group
from idp.cli.keys import keys_group
from idp.cli.mail import mail_group
from idp.cli.migrate import migrate
from idp.cli.output import echo_json, json_option
from idp.cli.user import user_group
from idp.cli.work import work
from idp.domain.errors import ConfigurationError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="uness-idp", prog_name="idp")
def main() -> None:
    """Administer the provider. Settings come from IDP_CONFIG and the IDP_… variables, as for the server."""


@main.command()
@json_option
@click.pass_obj
def check(administration: MakeAdministration, as_json: bool) -> None:
    """Read settings, keys, clients and federation files, and say what to mend. Exit code 1 if there is anything."""
    faults = _faults(administration)
    if as_json:
        echo_json(faults)
    else:
        for line in faults:
            click.echo(line, err=True)
    if faults:
        sys.exit(1)
    if not as_json:
        click.echo("settings, keys, clients and federation: in order")


def _faults(administration: MakeAdministration) -> tuple[str, ...]:
    """One line for each thing to mend; with a wrong setting nothing else is looked at."""
    try:
        flows = administration()
    except ConfigurationError as error:
        return error.faults
    # What signs counts for clients as well: a folder of keys that cannot be read is one thing to mend.
    return tuple(dict.fromkeys((*flows.key_faults(), *flows.clients.faults(), *flows.federation.faults())))


for group in (audit_group, client_group, federation_group, keys_group, mail_group, user_group):
    main.add_command(group)
main.add_command(backup)
main.add_command(data_report)
main.add_command(doctor)
main.add_command(migrate)
main.add_command(restore)
main.add_command(work)
