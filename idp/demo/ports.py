"""Ports of this machine for parties that must know their address before they start."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody uses, and that nobody else is given for a minute.

    It has a connection behind it (TIME_WAIT, RFC 9293 section 3.3.2): whoever asks for any port does not get this one,
    while a server, which binds with SO_REUSEADDR, may.
    """
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        with socket.create_connection((HOST, port)):
            # Closed on this side first, which is the one that remembers.
            listener.accept()[0].close()
    return port
