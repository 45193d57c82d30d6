"""Who acts on the terminal, and why."""

import os
import pwd

import click

from idp.cli.output import end
from idp.domain.helpdesk import Act, Unfounded
from idp.domain.plain_english import sentence

reason_option = click.option("--reason", required=True, help="Why; kept in the security log.")


# The name of whoever sits at the terminal; set before this process becomes another user.
_remembered = ""


def remember_operator() -> None:
    """Whoever acts from now on is who sits at the terminal now, whatever user this process becomes."""
    global _remembered
    _remembered = _operator()


def founded(reason: str) -> Act:
    """The act; ends the command where the reason is none."""
    try:
        return Act(_remembered or _operator(), reason)
    except Unfounded as fault:
        end(sentence(fault.key))


def _operator() -> str:
    """Who sits at the terminal, as the system knows; a variable counts only where sudo has set it."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER") if os.getuid() == 0 else None
    return f"{behind} ({name})" if behind else name
