"""Figures to reach, as a row of a table."""

from dataclasses import dataclass

_NONE = "-"


@dataclass(frozen=True)
class Goal:
    """A figure to reach. must, aim: at least so much, or at most where ``is_most``."""

    name: str
    must: float
    aim: float | None = None
    is_most: bool = False

    def row(self, measured: float) -> tuple[str, ...]:
        sign = "≤" if self.is_most else "≥"
        reached = measured <= self.must if self.is_most else measured >= self.must
        aim = f"{sign} {self.aim:g}" if self.aim is not None else _NONE
        return self.name, f"{measured:.2f}", f"{sign} {self.must:g}", aim, "yes" if reached else "NO"
