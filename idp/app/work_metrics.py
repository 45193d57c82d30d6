"""``/metrics`` of ``idp work``, which serves no pages: mails and sign-outs told to applications are counted there."""

from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from idp.app.services import Services
from idp.metrics.exposition import CONTENT_TYPE
from idp.web import metrics as metrics_pages


def serve_metrics(services: Services) -> None:
    """Answer until the process ends, where the settings say so; the process ends where the address is taken."""
    configured = services.settings.metrics
    if not (configured.enabled and configured.work_bind):
        return
    host, _, port = configured.work_bind.rpartition(":")
    # What every worker sees alike (queues, metadata, readiness) is told by the pages alone.
    app = Flask("idp.work")
    app.register_blueprint(metrics_pages.blueprint(services.metrics.text, CONTENT_TYPE, configured.token))
    server = make_server(host.strip("[]"), int(port), app, threaded=True)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
