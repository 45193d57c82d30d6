"""Tables for a terminal."""

from collections.abc import Sequence


def say(text: str = "") -> None:
    """One line, at once: a run takes minutes and people watch it."""
    print(text, flush=True)  # noqa: T201


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column is text, the others are figures."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    say()
    say(title)
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        say("  " + "  ".join(cells).rstrip())


def megabytes(size: float) -> str:
    return f"{size / 1_000_000:.1f} MB"


def ratio(value: float) -> str:
    return f"{value:.2f}×"
