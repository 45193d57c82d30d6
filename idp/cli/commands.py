"""``idp client …``, ``idp federation …``, ``idp keys …``, ``idp check``."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click

from idp.domain import client_secrets
from idp.domain.addresses import InvalidAddress
from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider
from idp.domain.keyed import random_token
from idp.domain.signing_keys import ALGORITHMS
from idp.flows.administration import Administration, KeyLine

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
    click.echo(administration().initial_token(uses=uses, days=days, now=datetime.now(UTC)))


def _typed_secret() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@client_group.command("list")
@click.pass_obj
def list_clients(administration: MakeAdministration) -> None:
    """List the relying parties of the clients file."""
    try:
        for known in administration().clients():
            click.echo(f"{known.client_id}\t{known.display_name('fr')}\t{' '.join(known.redirect_uris)}")
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))


@main.group(name="keys")
def keys_group() -> None:
    """Signing keys."""


@keys_group.command("list")
@click.pass_obj
def list_keys(administration: MakeAdministration) -> None:
    """List the signing keys: identifier, algorithm, state, since or from when they sign, file."""
    try:
        _print_keys(administration().keys())
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))


@keys_group.command()
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0], show_default=True)
@click.option("--at-once", is_flag=True, help="Sign with it immediately: the present key is lost or known to others.")
@click.pass_obj
def rotate(administration: MakeAdministration, algorithm: str, at_once: bool) -> None:
    """Make a new signing key. It is published now and signs once every relying party can know it."""
    try:
        _print_keys((administration().rotate(algorithm, at_once=at_once),))
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))


@keys_group.command()
@click.argument("key", required=False)
@click.option("--force", is_flag=True, help="Also a key that relying parties still need: it is lost.")
@click.pass_obj
def retire(administration: MakeAdministration, key: str | None, force: bool) -> None:
    """Remove KEY, named by its file or identifier; without it, every key whose tokens have all ended."""
    try:
        _print_keys(administration().retire(key, force=force))
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


def _print_keys(keys: tuple[KeyLine, ...]) -> None:
    for key in keys:
        click.echo(f"{key.kid}\t{key.algorithm}\t{key.state}\t{key.signs_from:%Y-%m-%dT%H:%M:%SZ}\t{key.file}")
