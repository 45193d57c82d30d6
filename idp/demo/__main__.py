"""``python -m idp.demo``: runs the whole system on this machine until Ctrl-C."""

import signal
import sys
import threading

from idp.loading import loading

with loading():
    from idp.demo.launcher import DemoFailed, demo_from_environment


def main() -> int:
    """0 after Ctrl-C or SIGTERM, 1 when something cannot start or dies."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        demo_from_environment(lambda line: print(line, flush=True)).run(stopping)
    except DemoFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
