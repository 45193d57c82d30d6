"""The console script ``idp``, also ``python -m idp``: the command line over the configured flows."""

import logging
import os
import sys

from idp import cli, settings
from idp.domain.errors import ConfigurationError
from idp.loading import loading


def _configured() -> cli.Administration:
    """The flow on the configured files, for their owner; raises ConfigurationError for wrong settings."""
    # Loaded for a command that does something, and not for one that explains itself.
    with loading():
        from idp.app import administration

    configured = settings.load(os.environ)
    cli.become_owner(configured.var_dir)
    return administration(configured)


def main() -> None:
    """Run one command; it prints itself what a server would log. A wrong setting ends it with its lines."""
    logging.getLogger("idp").setLevel(logging.CRITICAL)
    try:
        cli.main(prog_name="idp", obj=_configured)
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))


if __name__ == "__main__":
    main()
