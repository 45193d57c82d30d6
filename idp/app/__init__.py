"""The only place that knows every layer: builds stores, services, flows and pages from the settings.

``stores`` and ``services`` are built once per process, ``flows`` from them, ``pages`` over those; ``processes`` starts
what runs: a worker of the WSGI server with its background work, or that work alone. ``administration`` is what the
command line needs. Holds no rule.
"""

from idp.app.administration import administration
from idp.app.pages import create_app
from idp.app.processes import background, create_app_from_environment
from idp.app.services import Services, build, utc_now
from idp.app.stores import INDEXES, Stores

__all__ = [
    "INDEXES",
    "Services",
    "Stores",
    "administration",
    "background",
    "build",
    "create_app",
    "create_app_from_environment",
    "utc_now",
]
