"""Three mongods that agree on what was written, and ways to keep them from it."""

import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from idp.demo.ports import free_port
from idp.parent_death import end_with_parent
from idp.storage import embedded
from tests.waiting import wait_until

ELECTION_TIMEOUT_MS = 2000
_NAME = "chaos"
_EXCEEDED_TIME_LIMIT = 262


@dataclass
class Node:
    """One mongod."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    is_frozen: bool = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        if self.is_running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(self.program), "--dbpath", str(self.folder), "--port", str(self.port), "--replSet", _NAME]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--oplogSize", "64", "--quiet"]
        command += ["--wiredTigerCacheSizeGB", "0.25", "--logpath", str(self.folder.with_suffix(".log")), "--logappend"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        # For configureFailPoint: a full disk without filling one.
        command += ["--setParameter", "enableTestCommands=1"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=_die_with_parent)

    def kill(self) -> None:
        """As a power cut would."""
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
        self.is_frozen = False

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)
        self.is_frozen = False

    def signal(self, number: signal.Signals) -> None:
        if self.process and self.is_running:
            self.process.send_signal(number)

    def ask(self, command: str, value: object = 1, **more: Any) -> dict[str, Any]:
        """Run an admin command on this node alone."""
        client: MongoClient[dict[str, Any]] = MongoClient(
            self.address, directConnection=True, serverSelectionTimeoutMS=1000, timeoutMS=10_000
        )
        with client:
            answer: dict[str, Any] = client.admin.command(command, value, **more)
        return answer

    def is_primary(self) -> bool:
        try:
            return self.is_running and not self.is_frozen and bool(self.ask("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


class ReplicaSet:
    """Three nodes with an election timeout of two seconds."""

    def __init__(self, folder: Path) -> None:
        program = embedded.find_mongod(folder)
        self.nodes = [Node(program, folder / f"node-{number}") for number in range(3)]

    @property
    def uri(self) -> str:
        return f"mongodb://{','.join(node.address for node in self.nodes)}/?replicaSet={_NAME}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        members = [{"_id": number, "host": node.address} for number, node in enumerate(self.nodes)]
        times = {"electionTimeoutMillis": ELECTION_TIMEOUT_MS, "heartbeatIntervalMillis": 500}
        wait_until(lambda: all(_answers(node) for node in self.nodes))
        self.nodes[0].ask("replSetInitiate", {"_id": _NAME, "members": members, "settings": times})
        self.heal()

    def heal(self) -> None:
        """Every node is up, follows, and has let go of what a test made it do."""
        for node in self.nodes:
            node.thaw()
            node.start()
        wait_until(self._is_whole)

    def primary(self) -> Node:
        """The node that takes writes, once there is one."""
        wait_until(self._primaries)
        return self._primaries()[0]

    def secondaries(self) -> list[Node]:
        primary = self.primary()
        return [node for node in self.nodes if node is not primary]

    def step_down(self) -> None:
        """As an administrator does before maintenance, who tries again where no secondary has caught up."""
        wait_until(self._steps_down)

    def stop(self) -> None:
        for node in self.nodes:
            node.thaw()
            node.kill()

    def _steps_down(self) -> bool:
        # Nothing is written while a secondary catches up: for less than requests wait (``[mongodb] timeout_ms``).
        try:
            self.primary().ask("replSetStepDown", 10, secondaryCatchUpPeriodSecs=2)
        except OperationFailure as error:
            if error.code != _EXCEEDED_TIME_LIMIT:
                raise
            return False
        return True

    def _primaries(self) -> list[Node]:
        return [node for node in self.nodes if node.is_primary()]

    def _is_whole(self) -> bool:
        for node in self._primaries():
            states = [member["stateStr"] for member in node.ask("replSetGetStatus")["members"]]
            return sorted(states) == ["PRIMARY", "SECONDARY", "SECONDARY"]
        return False


def _answers(node: Node) -> bool:
    try:
        return bool(node.ask("ping"))
    except PyMongoError:
        return False


def _die_with_parent() -> None:
    """A run that is killed leaves no mongod behind."""
    end_with_parent(signal.SIGKILL)
