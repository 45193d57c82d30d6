"""The report for the data protection officer: what lies in the database, against what should."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.data_protection import REGISTER, Processing
from idp.storage.holdings import Holding, Holdings


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One collection: what lies there, and what the register says; None for one that it does not know."""

    holding: Holding
    processing: Processing | None


@dataclass(frozen=True, slots=True)
class DataReport:
    """settings: the periods in force, by their names."""

    at: datetime
    settings: dict[str, int]
    lines: tuple[ReportLine, ...]


@dataclass(frozen=True, slots=True)
class DataReportFlow:
    holdings: Holdings
    settings: dict[str, int]
    clock: Callable[[], datetime]

    def report(self) -> DataReport:
        """Everything that is there; raises ``ServiceUnavailable``."""
        lines = tuple(ReportLine(holding, REGISTER.get(holding.collection)) for holding in self.holdings.every())
        return DataReport(self.clock(), self.settings, lines)
