"""``idp user …``: people, for whoever helps them.

Every act asks for a reason and is logged with the operator's name.
"""

import os
import pwd
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from idp.cli.administration import Helpdesk, MakeAdministration
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, moment
from idp.domain.helpdesk import Act, PersonLine, TimelineEntry, Unfounded
from idp.domain.invitation_list import InvitationFaults
from idp.domain.invitations import Invitation
from idp.flows.people import PersonSheet

reason_option = click.option("--reason", required=True, help="Why; kept in the security log.")


@click.group(name="user")
def user_group() -> None:
    """People: WHO is an address, a name, an identifier (eppn, subject-id, sub) or a reference of a page or mail."""


@user_group.command()
@click.argument("who")
@json_option
@click.pass_obj
def find(administration: MakeAdministration, who: str, as_json: bool) -> None:
    """List everybody whom WHO leads to."""
    with faults_told():
        found = administration().helpdesk().people.find(who)
    if as_json:
        echo_json(found)
    elif not found:
        end("nobody found")
    else:
        echo_rows([_person_row(line) for line in found])


@user_group.command()
@click.argument("who")
@json_option
@click.pass_obj
def show(administration: MakeAdministration, who: str, as_json: bool) -> None:
    """Tell what is known of WHO: addresses, identities, proofings, sessions, applications, limits in force."""
    with faults_told():
        helpdesk = administration().helpdesk()
        sheet = helpdesk.people.show(_one(helpdesk, who))
    if sheet is None:
        end("nobody found")
    echo_json(sheet) if as_json else echo_rows(_sheet_rows(sheet))


@user_group.command()
@click.argument("who")
@json_option
@click.pass_obj
def timeline(administration: MakeAdministration, who: str, as_json: bool) -> None:
    """Tell what happened to WHO, or under a reference, oldest first: sign-in, SAML, mail with SMTP answers, OIDC."""
    with faults_told():
        helpdesk = administration().helpdesk()
        entries = helpdesk.timeline.of(who) or _of_person(helpdesk, who)
    echo_json(entries) if as_json else echo_rows([_entry_row(entry) for entry in entries])


@user_group.command()
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def unlock(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Give WHO every try again: tries at password and code, and mails."""
    _act(administration, who, reason, "unlocked", lambda helpdesk, one, act: helpdesk.people.unlock(one, act), as_json)


@user_group.command()
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def disable(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Disable the account of WHO: sessions, tokens and consents end, applications are told."""
    _act(
        administration,
        who,
        reason,
        "disabled",
        lambda helpdesk, one, act: helpdesk.accounts.close(one, **act.fields),
        as_json,
    )


@user_group.command()
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def enable(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Let WHO sign in again."""
    _act(
        administration,
        who,
        reason,
        "enabled",
        lambda helpdesk, one, act: helpdesk.accounts.reopen(one, **act.fields),
        as_json,
    )


@user_group.command()
@click.argument("who")
@click.option("--into", required=True, help="Whose account goes on: an address, identifier or reference.")
@reason_option
@json_option
@click.pass_obj
def merge(administration: MakeAdministration, who: str, into: str, reason: str, as_json: bool) -> None:
    """Merge the account of WHO into another one of the same person; both are told, and may part again for 30 days."""

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        survivor = _one(helpdesk, into)
        is_done = helpdesk.merging.merge_by_hand(survivor, one)
        if not is_done:
            end("nothing changed: both have to be open, and two")
        helpdesk.people.note("helpdesk.merged", survivor, act, other=one)
        return True

    _act(administration, who, reason, "merged", act, as_json)


@user_group.command()
@click.argument("who")
@click.option("--identity", required=True, help="The identifier, as `idp user show` tells it.")
@reason_option
@json_option
@click.pass_obj
def unlink(administration: MakeAdministration, who: str, identity: str, reason: str, as_json: bool) -> None:
    """Take a university identifier from WHO: it leads to nobody until somebody proves it again."""

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        return helpdesk.people.unlink(one, identity, act) or end(f"no identity {identity}")

    _act(administration, who, reason, "unlinked", act, as_json)


@user_group.command()
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def erase(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Disable WHO now, and have everything about them erased within seconds; the security log stays for its time."""

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        is_there = helpdesk.accounts.close(one, **act.fields)
        if is_there:
            helpdesk.people.note("helpdesk.erased", one, act)
            helpdesk.erasure.erase(one)
        return is_there

    _act(administration, who, reason, "to be erased", act, as_json)


@user_group.command()
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
    with faults_told():
        flow, act = administration().helpdesk().invitations, _founded(reason)
        try:
            if file is not None:
                made = flow.invite_list(file.read_bytes(), act, by_mail=by_mail)
            else:
                one = flow.invite(address or "", given_name, family_name, role, expires or "", act, by_mail=by_mail)
                made = (one,)
        except InvitationFaults as faults:
            end("\n".join((*faults.lines, "nobody was invited")))
    _echo_invitations(made, as_json)


@user_group.command()
@json_option
@click.pass_obj
def invitations(administration: MakeAdministration, as_json: bool) -> None:
    """List the invitations that were not withdrawn, the one that ends first first."""
    with faults_told():
        _echo_invitations(administration().helpdesk().invitations.every(), as_json)


@user_group.command()
@click.argument("address")
@reason_option
@click.pass_obj
def withdraw(administration: MakeAdministration, address: str, reason: str) -> None:
    """End the invitation of ADDRESS, and within seconds the account that came of it."""
    with faults_told():
        is_done = administration().helpdesk().invitations.withdraw(address.strip().lower(), _founded(reason))
    if not is_done:
        end(f"no invitation for {address}")
    click.echo(f"{address}: withdrawn")


def _act(
    administration: MakeAdministration,
    who: str,
    reason: str,
    done: str,
    act: Callable[[Helpdesk, str, Act], bool],
    as_json: bool,
) -> None:
    with faults_told():
        founded, helpdesk = _founded(reason), administration().helpdesk()
        account_id = _one(helpdesk, who)
        is_done = act(helpdesk, account_id, founded)
    if not is_done:
        end("nobody found")
    echo_json({"account_id": account_id, "done": done}) if as_json else click.echo(f"{account_id}: {done}")


def _one(helpdesk: Helpdesk, who: str) -> str:
    """The id of the one account that is meant; ends the command where it is not one."""
    found = helpdesk.people.find(who)
    accounts = [line for line in found if line.account_id]
    if len(accounts) > 1:
        end("\n".join(("several people found, name one:", *("\t".join(_person_row(line)) for line in accounts))))
    if not accounts:
        end("invited, but did not come yet" if found else "nobody found")
    return accounts[0].account_id


def _of_person(helpdesk: Helpdesk, who: str) -> tuple[TimelineEntry, ...]:
    return helpdesk.timeline.of_account(_one(helpdesk, who))


def _founded(reason: str) -> Act:
    try:
        return Act(_operator(), reason)
    except Unfounded as fault:
        end(fault.key)


def _operator() -> str:
    """Who sits at the terminal, as the system knows; a variable counts only where sudo has set it."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER") if os.getuid() == 0 else None
    return f"{behind} ({name})" if behind else name


def _person_row(line: PersonLine) -> tuple[str, ...]:
    return line.account_id or "-", line.address, line.name, line.type, "disabled" if line.disabled else ""


def _sheet_rows(sheet: PersonSheet) -> list[tuple[str, ...]]:
    bounced = {bounce.address: bounce for bounce in sheet.bounces}
    state = "expired" if sheet.expired else "disabled" if sheet.disabled else "open"
    rows: list[tuple[str, ...]] = [
        ("account", sheet.account_id, state, sheet.type),
        ("name", sheet.name),
        ("sub", sheet.subject),
        ("created", moment(sheet.created_at)),
        ("proven", moment(sheet.proved_at)),
        ("password", f"changed {moment(sheet.password_changed_at)}" if sheet.has_password else "none"),
    ]
    if sheet.invited_until:
        rows.append(("invited", sheet.invited_role, f"until {moment(sheet.invited_until)}"))
    rows += [
        ("address", address, f"mail returned {moment(bounced[address].at)} {bounced[address].status}")
        if address in bounced
        else ("address", address)
        for address in sheet.addresses
    ]
    rows += [("identity", one.kind, one.value, one.entity_id) for one in sheet.identities]
    rows += [
        ("proofing", moment(one.completed_at), one.provider_name, one.mailbox, f"by {one.confirmed_by}", one.reference)
        for one in sheet.proofings
    ]
    rows += [
        ("session", moment(one.at), " ".join(one.methods), f"until {moment(one.ends_at)}") for one in sheet.sessions
    ]
    rows += [
        ("application", moment(one.since), one.client_id, one.name, " ".join(one.scope), f"sub {one.subject}")
        for one in sheet.applications
    ]
    return rows + [("limit in force", name) for name in sheet.limits]


def _entry_row(entry: TimelineEntry) -> tuple[str, ...]:
    details = " ".join(f"{name}={value}" for name, value in entry.details.items() if value)
    return _precise(entry.at), entry.reference or "-", entry.part, entry.event, details


def _precise(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


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
