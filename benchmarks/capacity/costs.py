"""What one person costs, as measured: what the simulation counts with."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_FILE_NAME = "capacity.json"


@dataclass(frozen=True)
class Costs:
    """Milliseconds of CPU and bytes.

    hash: one bcrypt hash at the product's cost. password, code, first_time: the provider's processes for a complete
    sign-in, without hashing. *_mongod: mongod's for the same. proof_bytes: what stays in the database of a first proof
    (data and indexes, on disk). sign_in_bytes: of every other sign-in, while its audit events are kept.
    """

    hash: float
    password: float
    code: float
    first_time: float
    password_mongod: float
    code_mongod: float
    first_time_mongod: float
    proof_bytes: float
    sign_in_bytes: float

    def write(self, folder: Path) -> None:
        """Keep them for the simulation."""
        (folder / _FILE_NAME).write_text(json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Those of the last run in this folder."""
        file = folder / _FILE_NAME
        return cls(**json.loads(file.read_text())) if file.is_file() else None
