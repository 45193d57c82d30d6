"""The administrator's commands: read arguments, call one flow, print.

``idp`` on the path, also ``python -m idp``. Owns no rule; everything it prints comes from ``idp.flows``.
"""

from idp.cli.commands import main

__all__ = ["main"]
