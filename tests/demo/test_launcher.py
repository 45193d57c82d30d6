import socket
import threading
from pathlib import Path

import pytest

from idp.demo.launcher import Demo, DemoFailed, Ports
from idp.demo.provider_process import ProviderFailed, ProviderProcess
from idp.demo.web_server import HOST


def test_the_ports_move_together() -> None:
    assert Ports().by_party["portail"] == 5001
    assert list(Ports.from_text("6000").by_party.values()) == [6000, 6001, 6002, 6003, 6025]


@pytest.mark.parametrize("text", ["abc", "-1", "80", "70000", "6000.5"])
def test_a_bad_port_base_is_named(text: str) -> None:
    with pytest.raises(DemoFailed, match="IDP_DEMO_PORT_BASE"):
        Ports.from_text(text)


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    lines: list[str] = []
    with _taken_after_two_free_ones() as other:
        base = other.getsockname()[1] - 2
        with pytest.raises(DemoFailed, match=rf"Le port {base + 2} \(universités\).*IDP_DEMO_PORT_BASE"):
            Demo(Ports(base), tmp_path, lines.append).run(threading.Event())
    assert lines == []


def test_a_provider_that_dies_is_named_with_its_log(tmp_path: Path) -> None:
    log_file = tmp_path / "provider.log"
    provider = ProviderProcess("http://localhost:1", {"IDP_ISSUER": "not a URL"}, log_file)
    provider.start()
    try:
        with pytest.raises(ProviderFailed, match=r"s'est arrêté.*provider\.log"):
            provider.wait_until_ready(threading.Event().wait)
    finally:
        provider.stop()


def _taken_after_two_free_ones() -> socket.socket:
    """A listening socket; tests that run beside this one have ports of their own in the same range."""
    while True:
        other = socket.socket()
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        if _is_free(port - 2) and _is_free(port - 1):
            other.listen()
            return other
        other.close()


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
