"""As many open files as a process may have, which each connection is one of."""

import resource
from typing import Final

# What a worker has open beside its connections: the database, mails, metadata, logs, metrics.
_BESIDE: Final = 300


def make_room(*, for_connections: int) -> int:
    """Raise the limit of this process and its children as far as needed; how many of the connections there is room for.

    A worker that finds none left for the next connection ends, and with it everybody else's (EMFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = for_connections + _BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, min(for_connections, soft - _BESIDE))
    return for_connections
