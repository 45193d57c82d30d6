import random
import socket
import threading
from pathlib import Path

import pytest

from idp.demo import launcher
from idp.demo.launcher import Demo, DemoFailed, Ports, demo_from_environment
from idp.demo.ports import HOST
from idp.demo.provider_process import ProviderFailed, ProviderProcess


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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo finds the federation's folder and keeps its files."""
    monkeypatch.setattr(launcher, "PROJECT", tmp_path)
    monkeypatch.setattr(launcher, "FEDERATION", tmp_path / "federation_metadata")
    for name in ("IDP_DEMO_PORT_BASE", "IDP_FEDERATION_DIR", "IDP_CLIENTS_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_demo_on_other_ports_publishes_into_a_folder_of_its_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = demo_from_environment(print).environment()["IDP_FEDERATION_DIR"]
    monkeypatch.setenv("IDP_DEMO_PORT_BASE", "6000")
    other = demo_from_environment(print).environment()["IDP_FEDERATION_DIR"]
    monkeypatch.setenv("IDP_FEDERATION_DIR", str(project / "given"))
    given = demo_from_environment(print).environment()["IDP_FEDERATION_DIR"]
    assert (usual, other) == (f"{project}/federation_metadata", f"{project}/var/demo-6000/federation_metadata")
    assert given == f"{project}/given"


def test_a_clients_file_that_is_not_there_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_CLIENTS_FILE", str(project / "none.toml"))
    with pytest.raises(DemoFailed, match=r"^IDP_CLIENTS_FILE = '.*/none\.toml' : No such file or directory$"):
        demo_from_environment(print)


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
    """A listening socket, outside of the ranges from which the kernel and the journeys take their ports meanwhile."""
    for port in random.sample(range(30_002, 32_700, 3), 100):
        if all(_is_free(beside) for beside in (port - 2, port - 1, port)):
            return socket.create_server((HOST, port))
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
