"""Apache with mod_auth_openidc, as Debian packages them: a child of the test, on a port of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys import debian, foreign
from tests.journeys.relying_parties.registration import SECRET

MODULES = Path("/usr/lib/apache2/modules")
PACKAGES = ("apache2", "libapache2-mod-auth-openidc")
CLIENT_ID = "apache"

CONFIGURATION = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/httpd.pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
DefaultRuntimeDir {folder}
Mutex posixsem
User www-data
Group www-data
{modules}
DocumentRoot {folder}/pages
<Directory {folder}/pages>
  Options +Includes
  SetOutputFilter INCLUDES
  Require all granted
</Directory>

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI http://localhost:{port}/secure/callback
OIDCCryptoPassphrase only-for-these-tests-0123456789
OIDCScope "openid profile email"
OIDCRemoteUserClaim email
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCPassClaimsAs environment
<Location /secure>
  AuthType openid-connect
  Require valid-user
</Location>
"""
_USED = ("mpm_event", "authn_core", "authz_core", "authz_user", "include", "dir", "auth_openidc")
_PAGE = """user=<!--#echo var="REMOTE_USER" -->
name=<!--#echo var="OIDC_CLAIM_name" -->
sub=<!--#echo var="OIDC_CLAIM_sub" -->
"""


def missing() -> str | None:
    """Why Apache cannot be run here, once it was tried to install it; None where it can."""
    return debian.missing(PACKAGES, _is_there)


@contextmanager
def running(issuer: str, port: int) -> Iterator[str]:
    """Apache with ``/secure`` for people of this provider alone; its address."""
    with tempfile.TemporaryDirectory(prefix="relying-party-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Apache gives up root's rights before it reads pages
        _write(folder, issuer, port)
        arguments = ["apache2", "-d", name, "-f", f"{name}/httpd.conf", "-DFOREGROUND"]
        address = f"http://localhost:{port}"
        log = folder / "error.log"
        with foreign.running(
            arguments, f"{address}/", output=folder / "output.log", log=lambda: log.read_text() if log.exists() else ""
        ):
            yield address


def _is_there() -> bool:
    return shutil.which("apache2") is not None and (MODULES / "mod_auth_openidc.so").exists()


def _write(folder: Path, issuer: str, port: int) -> None:
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in _USED)
    values = {"issuer": issuer, "client_id": CLIENT_ID, "secret": SECRET, "modules": modules}
    (folder / "httpd.conf").write_text(CONFIGURATION.format(folder=folder, port=port, **values))
    for page in ("secure/index.html", "bye.html", "index.html"):
        file = folder / "pages" / page
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_PAGE if page.startswith("secure") else page)
