"""``idp keys …``: keys that sign tokens, and our SAML keys."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from idp.cli.administration import MakeAdministration
from idp.cli.identifiers import IdentifyingGroup
from idp.cli.output import echo_json, echo_rows, faults_told, json_option, moment
from idp.domain.signing_keys import ALGORITHMS

if TYPE_CHECKING:
    from idp.flows.key_administration import KeyLine
    from idp.flows.saml_key_administration import SamlKeyLine


@click.group(name="keys", cls=IdentifyingGroup)
def keys_group() -> None:
    """Signing keys."""


@keys_group.command("list")
@click.pass_obj
def list_keys(administration: MakeAdministration) -> None:
    """List the signing keys: identifier, algorithm, state, since or from when they sign, file."""
    with faults_told():
        _print_keys(administration().keys().keys())


@keys_group.command()
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0], show_default=True)
@click.option("--at-once", is_flag=True, help="Sign with it immediately: the present key is lost or known to others.")
@click.pass_obj
def rotate(administration: MakeAdministration, algorithm: str, at_once: bool) -> None:
    """Make a new signing key. It is published now and signs once every relying party can know it."""
    with faults_told():
        _print_keys((administration().keys().rotate(algorithm, at_once=at_once),))


@keys_group.command()
@click.argument("key", required=False)
@click.option("--force", is_flag=True, help="Also a key that relying parties still need: it is lost.")
@click.pass_obj
def retire(administration: MakeAdministration, key: str | None, force: bool) -> None:
    """Remove KEY, named by its file or identifier; without it, every key whose tokens have all ended."""
    with faults_told():
        _print_keys(administration().keys().retire(key, force=force))


@keys_group.group("saml")
def saml_group() -> None:
    """Our SAML keys: add, switch, remove, with some days between; each counts within a minute."""


@saml_group.command("list")
@json_option
@click.pass_obj
def list_saml_keys(administration: MakeAdministration, as_json: bool) -> None:
    """List the pairs: name, state, since when, fingerprint and file of the certificate."""
    with faults_told():
        _print_saml_keys(administration().saml_keys().keys(), as_json)


@saml_group.command()
@json_option
@click.pass_obj
def add(administration: MakeAdministration, as_json: bool) -> None:
    """Make a second pair, published beside the one that signs. Then register its certificate in the federation."""
    with faults_told():
        _print_saml_keys((administration().saml_keys().add(),), as_json)


@saml_group.command()
@click.option("--force", is_flag=True, help="Also before every university can know it.")
@json_option
@click.pass_obj
def switch(administration: MakeAdministration, force: bool, as_json: bool) -> None:
    """Sign with the second pair; the first only decrypts from now on. Then take its certificate from the federation."""
    with faults_told():
        _print_saml_keys(administration().saml_keys().switch(force=force), as_json)


@saml_group.command()
@click.option("--force", is_flag=True, help="Also pairs to which universities may still encrypt.")
@json_option
@click.pass_obj
def remove(administration: MakeAdministration, force: bool, as_json: bool) -> None:
    """Delete the pairs to which nobody encrypts any more; print them."""
    with faults_told():
        _print_saml_keys(administration().saml_keys().remove(force=force), as_json)


def _print_keys(keys: "Iterable[KeyLine]") -> None:
    echo_rows([(key.kid, key.algorithm, key.state, moment(key.signs_from), key.file) for key in keys])


def _print_saml_keys(keys: "tuple[SamlKeyLine, ...]", as_json: bool) -> None:
    if as_json:
        echo_json(keys)
    else:
        echo_rows([(key.name, key.state, moment(key.since), key.fingerprint, key.certificate) for key in keys])
