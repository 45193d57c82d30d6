"""``/metrics`` of ``idp work``, which serves no pages: mails and sign-outs told to applications are counted there."""

import socket
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from idp.app.services import Services
from idp.domain.errors import ConfigurationError
from idp.metrics.exposition import CONTENT_TYPE
from idp.web import metrics as metrics_pages


def serve_metrics(services: Services) -> None:
    """Answer until the process ends, where the settings say so; ConfigurationError for an address that is taken."""
    configured = services.settings.metrics
    if not (configured.enabled and configured.work_bind):
        return
    # What every worker sees alike (queues, metadata, readiness) is told by the pages alone.
    app = Flask("idp.work")
    app.register_blueprint(metrics_pages.blueprint(services.metrics.text, CONTENT_TYPE, configured.token))
    with _listening(configured.work_bind) as listening:
        host, port = listening.getsockname()[:2]
        server = make_server(host, port, app, threaded=True, fd=listening.fileno())
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _listening(bind: str) -> socket.socket:
    # Werkzeug would end the process by itself, with words that name no setting.
    host, _, port = bind.rpartition(":")
    is_v6 = host.startswith("[")
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, dualstack_ipv6=is_v6)
    except OSError as problem:
        raise ConfigurationError(
            f"metrics.work_bind = {bind!r}: {problem.strerror}; accepted: a free address (IDP_METRICS_WORK_BIND)"
        ) from problem
