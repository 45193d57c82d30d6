"""A party's web server, in a thread of this process."""

import threading
from functools import partial

from flask import Flask
from werkzeug.serving import make_server

from idp.demo.ports import HOST

# How often it looks whether it shall stop.
_LOOK_SECONDS = 0.05


class WebServer:
    """Serves a Flask application at ``http://localhost:<port>`` until it is stopped. Port 0 takes a free one."""

    def __init__(self, app: Flask, port: int = 0) -> None:
        self._server = make_server(HOST, port, app, threaded=True)
        self.port = int(self._server.server_port)
        serve = partial(self._server.serve_forever, poll_interval=_LOOK_SECONDS)
        self._thread = threading.Thread(target=serve, name=app.name, daemon=True)

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://localhost:{self.port}"

    def start(self) -> "WebServer":
        """Begins to serve; it answers as soon as this returns."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops and frees the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
