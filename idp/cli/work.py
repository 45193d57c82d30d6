"""``idp work``: the background work as a process of its own."""

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import faults_told


@click.command()
@click.pass_obj
def work(administration: MakeAdministration) -> None:
    """Send mail, tell applications of sign-outs, erase what is due, until SIGTERM; any number of these may run.

    For installations whose pages are served with [web] background_work = false.
    """
    with faults_told():
        administration().work()
