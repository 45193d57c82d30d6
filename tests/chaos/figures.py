"""What a run measured: printed when it is over, as a table."""

import os
from dataclasses import dataclass, field

SCALE = float(os.environ.get("CHAOS_SCALE", "1"))


@dataclass(frozen=True)
class Figure:
    fault: str
    name: str
    value: str


@dataclass
class Figures:
    """One line each: under which fault, what was measured, how much (with its unit)."""

    lines: list[Figure] = field(default_factory=list)

    def add(self, fault: str, name: str, value: object) -> None:
        """Keep a line; a float is shown with two decimals."""
        self.lines.append(Figure(fault, name, f"{value:.2f}" if isinstance(value, float) else str(value)))

    def table(self) -> list[str]:
        """The lines for a terminal, each fault named once."""
        wide = max((len(line.name) for line in self.lines), default=0)
        shown, fault = [], ""
        for line in self.lines:
            if line.fault != fault:
                fault = line.fault
                shown.append(fault)
            shown.append(f"    {line.name:<{wide}}  {line.value}")
        return shown


def scaled(amount: float, least: float = 0) -> float:
    """So many (seconds, sign-ins) at the run's scale, ``least`` at the least."""
    return max(amount * SCALE, least)
