"""``python -m idp``: the administrator's command line."""

from idp.cli import main

main(prog_name="idp")
