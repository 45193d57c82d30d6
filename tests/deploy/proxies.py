"""nginx and Apache before the provider, from the files of ``deploy/`` with other ports and paths: TLS on loopback."""

import http.client
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.chaos.client import Answer, Client
from tests.journeys import debian
from tests.waiting import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
EXAMPLE = "connexion.exemple.fr"
HOST = "localhost"
APACHE_MODULES = Path("/usr/lib/apache2/modules")
_MODULES = ("mpm_event", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers", "http2", "alias", "reqtimeout")
_MODULES_TOO = ("authz_core", "authz_host")


@dataclass(frozen=True)
class Ports:
    http: int
    https: int
    provider: int


@dataclass
class TlsClient(Client):
    """A browser that trusts one certificate. always: headers that it sends with every request."""

    certificate: Path = Path()
    always: Mapping[str, str] = field(default_factory=dict)

    def _connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection(HOST, self.port, timeout=self.timeout, context=context)

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        return super()._send(method, path, body, {**headers, **self.always})


def make_certificate(folder: Path) -> Path:
    """``fullchain.pem`` and ``privkey.pem`` for loopback; the first one's path."""
    folder.mkdir()
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)
    chain = folder / "fullchain.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return chain


@contextmanager
def nginx(folder: Path, ports: Ports) -> Iterator[None]:
    """Serving until the end of the block."""
    (folder / "upstream.conf").write_text(f"server 127.0.0.1:{ports.provider};")
    written = _moved("nginx/provider.conf", ports, {"/etc/nginx/": f"{folder}/"})
    # Loopback of one family is enough, and its port is ours alone.
    written = re.sub(r"listen (\d+)", r"listen 127.0.0.1:\1", re.sub(r".*listen \[::\].*\n", "", written))
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As Debian's own file: every page of servers that say nothing else is logged.
    logs = f"access_log {folder}/access.log;"
    main = f"pid {folder}/pid; daemon off; error_log {folder}/error.log; events {{}} http {{ {logs}{paths}\n{written}}}"
    (folder / "nginx.conf").write_text(main)
    command = ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-p", str(folder)]
    with _running(command, [*command, "-t"], ports.https):
        yield


@contextmanager
def apache(folder: Path, ports: Ports) -> Iterator[None]:
    """Serving until the end of the block."""
    modules = "\n".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in (*_MODULES, *_MODULES_TOO)
    )
    written = _moved("apache/provider.conf", ports, {"/etc/idp/": f"{folder}/"})
    main = (
        f"ServerName {HOST}\nListen 127.0.0.1:{ports.http}\nListen 127.0.0.1:{ports.https}\nPidFile {folder}/pid\n"
        f"ErrorLog {folder}/error.log\nDefaultRuntimeDir {folder}\nMutex posixsem\nUser www-data\nGroup www-data\n"
        # Debian's conf-enabled/other-vhosts-access-log.conf, and its format.
        f'CustomLog {folder}/other_vhosts_access.log "%h %r %>s %{{Referer}}i"\n'
        f"{modules}\n{written}"
    )
    (folder / "httpd.conf").write_text(main)
    command = ["apache2", "-d", str(folder), "-f", f"{folder}/httpd.conf"]
    with _running([*command, "-DFOREGROUND"], [*command, "-t"], ports.https):
        yield


PROXIES: Mapping[str, tuple[Callable[[Path, Ports], AbstractContextManager[None]], str, Callable[[], bool]]] = {
    "nginx": (nginx, "nginx-light", lambda: shutil.which("nginx") is not None),
    "apache": (
        apache,
        "apache2",
        lambda: shutil.which("apache2") is not None and (APACHE_MODULES / "mod_proxy_http.so").exists(),
    ),
}


def missing(name: str) -> str | None:
    """Why this proxy cannot be run here, once it was tried to install it; None where it can."""
    _, package, is_there = PROXIES[name]
    return debian.missing((package,), is_there)


def running(name: str, folder: Path, ports: Ports) -> AbstractContextManager[None]:
    """This proxy, serving until the end of the block."""
    run, _, _ = PROXIES[name]
    return run(folder, ports)


def _moved(name: str, ports: Ports, paths: Mapping[str, str]) -> str:
    """The file with this machine's host, ports and paths in place of the example's, and nothing else changed."""
    text = (DEPLOY / name).read_text().replace(f"https://{EXAMPLE}", f"https://{HOST}:{ports.https}")
    text = text.replace(EXAMPLE, HOST).replace("127.0.0.1:5000", f"127.0.0.1:{ports.provider}")
    for there, here in paths.items():
        text = text.replace(there, here)
    text = re.sub(r"(listen (?:\[::\]:)?|\*:)80\b", rf"\g<1>{ports.http}", text)
    return re.sub(r"(listen (?:\[::\]:)?|\*:)443\b", rf"\g<1>{ports.https}", text)


@contextmanager
def _running(command: list[str], check: list[str], port: int) -> Iterator[None]:
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or _listens(port), 20)
            assert process.poll() is None, "it ended"
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True
