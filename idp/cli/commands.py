"""``idp client …``, ``idp federation …``, ``idp check``."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click

from idp.domain import client_secrets
from idp.domain.addresses import InvalidAddress
from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider
from idp.domain.keyed import random_token
from idp.flows.administration import Administration

# Made only by the commands that need it: hashing a secret must not depend on a sound configuration.
MakeAdministration = Callable[[], Administration]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="uness-idp", prog_name="idp")
def main() -> None:
    """Administer the provider. Settings come from IDP_CONFIG and the IDP_… variables, as for the server."""


@main.command()
@click.pass_obj
def check(administration: MakeAdministration) -> None:
    """Read settings, relying parties and federation files, and say what to mend. Exit code 1 if there is anything."""
    faults = list(administration().faults())
    for line in faults:
        click.echo(line, err=True)
    if faults:
        sys.exit(1)
    click.echo("settings, clients and federation: in order")


@main.group(name="client")
def client_group() -> None:
    """Relying parties."""


@client_group.command("hash-secret")
@click.option("--new", is_flag=True, help="Make a new secret, and print it first.")
def hash_secret(new: bool) -> None:
    """Print the hash of a client secret for clients.toml; the secret is read from standard input."""
    secret = random_token() if new else sys.stdin.readline().rstrip("\r\n")
    if not secret:
        sys.exit("no secret on standard input")
    if new:
        click.echo(secret)
    click.echo(client_secrets.hash_secret(secret))


@client_group.command("list")
@click.pass_obj
def list_clients(administration: MakeAdministration) -> None:
    """List the relying parties of the clients file."""
    try:
        for known in administration().clients():
            click.echo(f"{known.client_id}\t{known.display_name('fr')}\t{' '.join(known.redirect_uris)}")
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))


@main.group(name="federation")
def federation_group() -> None:
    """Universities and their metadata."""


@federation_group.command("list")
@click.argument("query", required=False)
@click.pass_obj
def list_federation(administration: MakeAdministration, query: str | None) -> None:
    """List the metadata files and their state; with QUERY, the universities that a search finds."""
    flow = administration()
    if query is not None:
        _print_providers(flow.providers(query))
        return
    now = datetime.now(UTC)
    for status in flow.files():
        until = status.valid_until
        left = f"valid for {(until - now).days} days" if until else "no end of validity"
        click.echo(f"{status.file}\t{status.providers} providers\t{left}\t{status.problem or 'in use'}")


@federation_group.command()
@click.argument("address")
@click.pass_obj
def which(administration: MakeAdministration, address: str) -> None:
    """Tell which university a mail ADDRESS leads to."""
    try:
        _print_providers(administration().which(address))
    except InvalidAddress as error:
        sys.exit(f"{address}: {error.key}" + (f"; perhaps {error.suggestion}" if error.suggestion else ""))


def _print_providers(providers: tuple[IdentityProvider, ...]) -> None:
    if not providers:
        sys.exit("no university found")
    for provider in providers:
        click.echo(f"{provider.name('fr')}\t{provider.entity_id}\t{' '.join(provider.scopes)}")
