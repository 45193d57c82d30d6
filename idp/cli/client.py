"""``idp client …``: relying parties."""

import sys
from datetime import UTC, datetime

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import faults_told, note
from idp.domain import client_secrets
from idp.domain.keyed import random_token


@click.group(name="client")
def client_group() -> None:
    """Relying parties."""


@client_group.command("hash-secret")
@click.option("--new", is_flag=True, help="Make a new secret, and print it first.")
def hash_secret(new: bool) -> None:
    """Print the hash of a client secret for clients.toml; the secret is read from standard input."""
    secret = random_token() if new else _typed_secret()
    if not secret:
        sys.exit("no secret on standard input")
    if new:
        click.echo(secret)
    click.echo(client_secrets.hash_secret(secret))


@client_group.command("initial-token")
@click.option("--uses", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many may register.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Until when.")
@click.pass_obj
def initial_token(administration: MakeAdministration, uses: int, days: int) -> None:
    """Print a token with which an application may register itself, where [registration] is enabled."""
    with faults_told():
        clients = administration().clients
        click.echo(clients.initial_token(uses=uses, days=days, now=datetime.now(UTC)))
    if not clients.registers:
        note("registration is off: the token has no use until registration.enabled (IDP_REGISTRATION_ENABLED) is true")


def _typed_secret() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@client_group.command("list")
@click.pass_obj
def list_clients(administration: MakeAdministration) -> None:
    """List the relying parties of the clients file."""
    with faults_told():
        for known in administration().clients.clients():
            click.echo(f"{known.client_id}\t{known.display_name('fr')}\t{' '.join(known.redirect_uris)}")
