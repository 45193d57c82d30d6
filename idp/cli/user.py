"""``idp user …``: people, for whoever helps them.

Every act asks for a reason and is logged with the operator's name.
"""

from collections.abc import Callable

import click

from idp.cli.administration import Helpdesk, MakeAdministration
from idp.cli.founded import founded, reason_option
from idp.cli.identifiers import IdentifyingGroup
from idp.cli.invitations import invitations, invite, withdraw
from idp.cli.output import echo_json, echo_rows, end, faults_told, json_option, line_of
from idp.cli.person_rows import entry_row, person_row, sheet_rows
from idp.domain.helpdesk import Act, TimelineEntry
from idp.domain.plain_english import sentence


class _People(IdentifyingGroup):
    """Whatever is said of people has to be text: the database and the security log keep nothing else.

    Where the terminal speaks Latin-1 and the system UTF-8, a reason with an accent would be refused by the log alone,
    once the act was done.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for arg in args:
            try:
                arg.encode()
            except UnicodeEncodeError:
                raise click.UsageError(f"{arg!a} is not UTF-8; nothing was changed", ctx) from None
        return super().parse_args(ctx, args)


@click.group(name="user", cls=_People)
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
        echo_rows([person_row(line) for line in found])


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
    echo_json(sheet) if as_json else echo_rows(sheet_rows(sheet))


@user_group.command()
@click.argument("who")
@json_option
@click.pass_obj
def timeline(administration: MakeAdministration, who: str, as_json: bool) -> None:
    """Tell what happened to WHO, or under a reference, oldest first: sign-in, SAML, mail with SMTP answers, OIDC."""
    with faults_told():
        helpdesk = administration().helpdesk()
        entries = helpdesk.timeline.of(who) or _of_person(helpdesk, who)
    echo_json(entries) if as_json else echo_rows([entry_row(entry) for entry in entries])


@user_group.command()
@click.argument("who")
@reason_option
@click.pass_obj
def export(administration: MakeAdministration, who: str, reason: str) -> None:
    """Print everything that is held on WHO, as JSON: the copy that people download themselves on the account page."""
    with faults_told():
        act, helpdesk = founded(reason), administration().helpdesk()
        account = helpdesk.acts.account(_one(helpdesk, who))
        copy = helpdesk.copies.export(account, act) if account else end("nobody found")
    echo_json(copy)


@user_group.command()
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def unlock(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Give WHO every try again: tries at password and code, and mails."""
    _act(administration, who, reason, "unlocked", lambda helpdesk, one, act: helpdesk.people.unlock(one, act), as_json)


@user_group.command(name="allow-password")
@click.argument("who")
@reason_option
@json_option
@click.pass_obj
def allow_password(administration: MakeAdministration, who: str, reason: str, as_json: bool) -> None:
    """Let WHO, who wanted only passkeys and has none left, sign in by password and mailed code again; they are told."""

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        return helpdesk.acts.allow_password(one, act) or end("nothing changed: password and code lead in already")

    _act(administration, who, reason, "password and code allowed", act, as_json)


@user_group.command(name="give-back")
@click.argument("who")
@click.option("--address", required=True, help="Of the person; the only one that leads in from then on.")
@reason_option
@json_option
@click.pass_obj
def give_back(administration: MakeAdministration, who: str, address: str, reason: str, as_json: bool) -> None:
    """Give the account of WHO back to its person, when somebody else got hold of it.

    Sign-ins, tokens, password, passkeys and every other address end. The person signs in by a code mailed to ADDRESS,
    which need not have been the account's; every address is told.
    """

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        problem = helpdesk.acts.give_back(one, address, act)
        return problem is None or end(f"nothing changed: {sentence(problem)}")

    _act(administration, who, reason, "given back", act, as_json)


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
        lambda helpdesk, one, act: (
            helpdesk.accounts.reopen(one, **act.fields) or end(f"nothing changed: {sentence('helpdesk.not_reopened')}")
        ),
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
        return helpdesk.acts.merge(one, _one(helpdesk, into, by_name=False), act) or end(
            "nothing changed: both have to be open, and two"
        )

    _act(administration, who, reason, "merged", act, as_json)


@user_group.command()
@click.argument("who")
@click.option("--address", required=True, help="Of the account that ended in the one of WHO.")
@reason_option
@json_option
@click.pass_obj
def unmerge(administration: MakeAdministration, who: str, address: str, reason: str, as_json: bool) -> None:
    """Part the account of ADDRESS from that of WHO again, within 30 days of the merge; both are told."""

    def act(helpdesk: Helpdesk, one: str, act: Act) -> bool:
        problem = helpdesk.acts.unmerge(one, address.strip().lower(), act)
        if problem is not None:
            mergeable = [merge.address for merge in helpdesk.acts.undoable(one)]
            end(f"nothing changed: {sentence(problem)}\nmay be parted: {', '.join(mergeable) or 'none'}")
        return True

    _act(administration, who, reason, "parted", act, as_json)


@user_group.command()
@click.argument("who")
@click.option("--identity", required=True, help="The identifier, as `idp user show` tells it.")
@reason_option
@json_option
@click.pass_obj
def unlink(administration: MakeAdministration, who: str, identity: str, reason: str, as_json: bool) -> None:
    """Take a university identifier from WHO: it leads to nobody until somebody proves it again.

    Every sign-in and token of WHO ends. Addresses, password and passkeys stay; `give-back` ends those, too.
    """

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

    _act(administration, who, reason, "to be erased", lambda helpdesk, one, act: helpdesk.acts.erase(one, act), as_json)


def _act(
    administration: MakeAdministration,
    who: str,
    reason: str,
    done: str,
    act: Callable[[Helpdesk, str, Act], bool],
    as_json: bool,
) -> None:
    with faults_told():
        act_of, helpdesk = founded(reason), administration().helpdesk()
        account_id = _one(helpdesk, who)
        is_done = act(helpdesk, account_id, act_of)
    if not is_done:
        end("nobody found")
    echo_json({"account_id": account_id, "done": done}) if as_json else click.echo(f"{account_id}: {done}")


def _one(helpdesk: Helpdesk, who: str, *, by_name: bool = True) -> str:
    """The id of the one account that is meant; ends the command where it is not one."""
    found = helpdesk.people.find(who, by_name=by_name)
    accounts = [line for line in found if line.account_id]
    if len(accounts) > 1:
        end("\n".join(("several people found, name one:", *(line_of(person_row(line)) for line in accounts))))
    if not accounts:
        end("invited, but did not come yet" if found else "nobody found")
    return accounts[0].account_id


def _of_person(helpdesk: Helpdesk, who: str) -> tuple[TimelineEntry, ...]:
    return helpdesk.timeline.of_account(_one(helpdesk, who))


for command in (invite, invitations, withdraw):
    user_group.add_command(command)
