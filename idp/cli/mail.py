"""``idp mail …``: what the mail server of this machine hands over."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import faults_told

# sysexits.h: the mail server keeps the mail and tries again.
_TRY_AGAIN = 75


@click.group(name="mail")
def mail_group() -> None:
    """Mail."""


@mail_group.command()
@click.pass_obj
def bounce(administration: MakeAdministration) -> None:
    """Read a mail that came back, from standard input: for an alias of the mail server (`|idp mail bounce`).

    Exit code 0 also for what is no delivery report, 75 where the mail has to be given again later.
    """
    raw = sys.stdin.buffer.read()
    with _mail_kept():
        told = administration().bounces().take(raw, now=datetime.now(UTC))
    click.echo(f"{told} of our messages" if told else "nothing about a message of ours")


@contextmanager
def _mail_kept() -> Iterator[None]:
    """What an administrator has to mend costs no mail. Bad settings end a command before it begins: they count, too."""
    try:
        with faults_told():
            yield
    except SystemExit as told:
        click.echo(told.code, err=True)
        sys.exit(_TRY_AGAIN)
