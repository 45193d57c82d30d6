"""What ``idp doctor`` finds: one line for each thing that it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """ok; warning: works, but somebody should look (also what could not be looked at); fault: does not work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """about: what was looked at, e.g. ``smtp``. text: what was found. mend: what to do, empty where all is well."""

    about: str
    level: Level
    text: str
    mend: str = ""
