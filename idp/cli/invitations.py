"""``idp user invite``, ``invitations`` and ``withdraw``: people whom no university vouches for."""

from pathlib import Path

import click

from idp.cli.administration import MakeAdministration
from idp.cli.founded import founded, reason_option
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, moment
from idp.domain.invitation_list import InvitationFaults
from idp.domain.invitations import Invitation


@click.command()
@click.option("--address", help="One person's mail address.")
@click.option("--given-name", default="")
@click.option("--family-name", default="")
@click.option("--role", default="", help="In your words, e.g. « praticien hospitalier ».")
@click.option("--expires", help="The last day, as 2027-08-31.")
@click.option(
    "--csv",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Several people: address, given_name, family_name, role, expires; all of them or nobody.",
)
@click.option("--mail", "by_mail", is_flag=True, help="Tell them by mail where to sign in; no secret is in it.")
@reason_option
@json_option
@click.pass_obj
def invite(
    administration: MakeAdministration,
    address: str | None,
    given_name: str,
    family_name: str,
    role: str,
    expires: str | None,
    file: Path | None,
    by_mail: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Invite people whom no university vouches for; inviting somebody again changes names, role and end."""
    if (file is None) == (address is None) or (address is not None and expires is None):
        raise click.UsageError("give --address and --expires, or --csv")
    # Read by whoever gives the command: root becomes the provider's user, who may not read it.
    listed = None if file is None else _read(file)
    with faults_told():
        flow, act = administration().helpdesk().invitations, founded(reason)
        try:
            if listed is not None:
                made = flow.invite_list(listed, act, by_mail=by_mail)
            else:
                one = flow.invite(address or "", given_name, family_name, role, expires or "", act, by_mail=by_mail)
                made = (one,)
        except InvitationFaults as faults:
            end("\n".join((*faults.lines, "nobody was invited")))
    _echo_invitations(made, as_json)


@click.command()
@json_option
@click.pass_obj
def invitations(administration: MakeAdministration, as_json: bool) -> None:
    """List the invitations that were not withdrawn, the one that ends first first."""
    with faults_told():
        _echo_invitations(administration().helpdesk().invitations.every(), as_json)


@click.command()
@click.argument("address")
@reason_option
@click.pass_obj
def withdraw(administration: MakeAdministration, address: str, reason: str) -> None:
    """End the invitation of ADDRESS, and within seconds the account that came of it."""
    with faults_told():
        is_done = administration().helpdesk().invitations.withdraw(address.strip().lower(), founded(reason))
    if not is_done:
        end(f"no invitation for {address}")
    click.echo(f"{address}: withdrawn")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        end(f"{file}: cannot be read: {problem.strerror}; nobody was invited")


def _echo_invitations(made: tuple[Invitation, ...], as_json: bool) -> None:
    if as_json:
        echo_json(made)
        return
    echo_rows(
        [
            (one.invitee.address, str(one.state), f"until {moment(one.invitee.expires_at)}", one.reference)
            for one in made
        ]
    )
