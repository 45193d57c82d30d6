"""The peer: oidc-provider (npm) with a MongoDB adapter, installed on first use under the benchmark's folder."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from joserfc.jwk import RSAKey

from benchmarks.connection import Connection, UnexpectedAnswer
from benchmarks.database import Mongod
from benchmarks.openid.target import (
    CLIENT_SECRET,
    DISCOVERY_PATH,
    FLOW_CLIENT,
    OFFLINE_CLIENT,
    REDIRECT_URI,
    get,
)
from benchmarks.servers import Server
from idp.demo.ports import free_port

SOURCE = Path(__file__).resolve().parents[1] / "peers" / "oidc-provider"
WORKERS = 2
_INSTALL_SECONDS = 300
_DATABASE = "bench_peer"


class PeerMissing(Exception):
    """Why there is no peer on this machine; one line."""


def peer_version() -> str:
    """The version of oidc-provider that package.json pins."""
    return str(json.loads((SOURCE / "package.json").read_text())["dependencies"]["oidc-provider"])


def peer(folder: Path, mongod: Mongod, *, accounts: int) -> Server:
    """Prepare the peer on a database of its own with as many accounts as ours; raises ``PeerMissing``."""
    installed = _install(folder / "peers" / "oidc-provider")
    mongod.drop(_DATABASE)
    people = mongod.client[_DATABASE]["accounts"]
    people.insert_many({"_id": account_id(number), "claims": _claims(number)} for number in range(accounts))
    port = free_port()
    bench = {
        "port": port,
        "workers": WORKERS,
        "mongodb_uri": mongod.uri,
        "database": _DATABASE,
        "jwks_file": str(_keys(folder / "peer-jwks.json")),
        "client_secret": CLIENT_SECRET,
        "clients": {"flow": FLOW_CLIENT, "offline": OFFLINE_CLIENT},
        "redirect_uri": REDIRECT_URI,
    }
    return Server(
        name=f"oidc-provider {peer_version()}",
        arguments=("node", "server.js"),
        environment={"BENCH": json.dumps(bench), "NODE_ENV": "production"},
        folder=installed,
        log_file=folder / "peer.log",
        port=port,
        ready_path=DISCOVERY_PATH,
    )


def sign_in(port: int, number: int) -> str:
    """The Cookie header of a browser in which this account is signed in; the peer has to run."""
    with Connection(port) as connection:
        answer = connection.exchange(get(port, f"/bench/sign-in?account={account_id(number)}"))
    if answer.status != 200:
        raise UnexpectedAnswer(f"sign-in at the peer: {answer.status}")
    return str(json.loads(answer.body)["cookie"])


def account_id(number: int) -> str:
    return f"account-{number:08}"


def _claims(number: int) -> dict[str, object]:
    return {
        "name": "Camille Exemple",
        "given_name": "Camille",
        "family_name": "Exemple",
        "locale": "fr",
        "updated_at": 1_767_225_600,
        "email": f"etu{number:08}@univ-exemple.test",
        "email_verified": True,
    }


def _keys(path: Path) -> Path:
    """One RSA key of 2048 bits for RS256, shared by the peer's processes."""
    if not path.exists():
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
        path.touch(mode=0o600)
        path.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
    return path


def _install(folder: Path) -> Path:
    """Copy the programs and let npm install exactly what the lock file names, once per lock file."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise PeerMissing(f"{program} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for file in SOURCE.iterdir():
        shutil.copy(file, folder)
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != digest:
        _npm_ci(folder)
        stamp.write_text(digest)
    return folder


def _npm_ci(folder: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command += ["--prefer-offline", "--fetch-retries=1", "--fetch-timeout=30000"]
    try:
        subprocess.run(  # noqa: S603
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PeerMissing("npm ci did not end in time") from None
    except subprocess.CalledProcessError as failure:
        lines = [line for line in failure.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise PeerMissing(f"npm ci failed: {lines[0][:200]}") from None
