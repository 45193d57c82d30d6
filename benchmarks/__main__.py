"""``python -m benchmarks [part …]``: run the parts named, or all of them, and print their tables."""

import argparse
import signal
import sys
from pathlib import Path

from benchmarks.parts import PARTS, Options
from benchmarks.servers import ServerFailed

FOLDER = Path(__file__).resolve().parents[1] / "var" / "bench"


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 when every part ran, whatever its figures."""
    given = _parser().parse_args(arguments)
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        sys.stderr.write(f"unknown part: {', '.join(unknown)}; there are: {', '.join(PARTS)}\n")
        return 2
    options = (Options.quick if given.quick else Options)(given.folder)
    options = options.changed(rounds=given.rounds, accounts=given.accounts)
    # make's own SIGTERM ends the servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in given.parts or PARTS:
            PARTS[name](options)
    except ServerFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=_positive, help="how often each side is measured, in alternation")
    parser.add_argument("--accounts", type=_positive, help="size of the crowd that is compared with 1,000 accounts")
    parser.add_argument("--quick", action="store_true", help="few operations: shows that it runs, measures little")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where mongod, keys, logs and peers live")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
