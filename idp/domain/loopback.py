"""Which hosts are this very machine: there http is as good as https."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself: ``localhost``, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
