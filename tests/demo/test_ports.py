"""Ports for servers that are started in a moment."""

import socket

from idp.demo.ports import HOST, free_port


def test_a_server_gets_the_port_and_whoever_asks_for_any_does_not() -> None:
    ports = [free_port() for _ in range(20)]
    with socket.socket() as somebody, socket.create_server((HOST, ports[0])) as server:
        assert server.getsockname()[1] == ports[0]
        try:
            somebody.bind((HOST, ports[1]))
        except OSError:
            return
    raise AssertionError("the port was free for everybody")
