"""A process that ends with its parent, also with a killed one."""

import ctypes
import signal
import sys


def end_with_parent(by: signal.Signals) -> None:
    """Have the kernel send this signal to this process when its parent ends; called in the child, which must be ours.

    Where there is no such request (it is Linux's, ``prctl(2)``), the child goes on.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(by))
