"""``idp client …``: relying parties."""

import sys
from datetime import UTC, datetime

import click

from idp.cli.administration import MakeAdministration
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, moment, note
from idp.domain import client_secrets
from idp.domain.keyed import random_token
from idp.domain.registrations import PREFIX, Registration


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
    """List the relying parties of the clients file; those that registered themselves: `idp client registered`."""
    with faults_told():
        for known in administration().clients.clients():
            click.echo(f"{known.client_id}\t{known.display_name('fr')}\t{' '.join(known.redirect_uris)}")


@client_group.command()
@json_option
@click.pass_obj
def registered(administration: MakeAdministration, as_json: bool) -> None:
    """List the relying parties that registered themselves, the oldest first, and what they registered."""
    with faults_told():
        known = administration().clients.registered()
    if as_json:
        echo_json([_information(one) for one in known])
    else:
        echo_rows([_row(one) for one in known])


@client_group.command()
@click.argument("client_id")
@click.pass_obj
def remove(administration: MakeAdministration, client_id: str) -> None:
    """End the registration of CLIENT_ID, and within seconds everything that it was granted."""
    if not client_id.startswith(PREFIX):
        end(f"{client_id}: did not register itself; an application of the clients file ends when its entry is deleted")
    with faults_told():
        is_done = administration().clients.remove(client_id)
    if not is_done:
        end(f"no registration of {client_id}; `idp client registered` lists them")
    click.echo(f"{client_id}: removed")


def _information(one: Registration) -> dict[str, object]:
    """As RFC 7591 names things (section 3.2.1); secrets and their hashes are nobody's to read."""
    return {"client_id": one.client_id, "client_id_issued_at": one.created_at, **one.metadata}


def _row(one: Registration) -> tuple[str, ...]:
    name, addresses = one.metadata.get("client_name", ""), one.metadata.get("redirect_uris", ())
    return one.client_id, f"since {moment(one.created_at)}", str(name), " ".join(addresses)
