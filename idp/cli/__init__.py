"""The administrator's commands: read arguments, call one flow, print.

``idp`` on the path, also ``python -m idp``. One module for each group of commands; ``administration`` is what the
entry point hands them. Owns no rule; everything it prints comes from ``idp.flows``.
"""

from idp.cli.administration import Administration, Helpdesk
from idp.cli.commands import main
from idp.cli.owner import become_owner

__all__ = ["Administration", "Helpdesk", "become_owner", "main"]
