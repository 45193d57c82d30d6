"""Ports that an address of the web need not say (RFC 9110 sections 4.2.1 and 4.2.2)."""

DEFAULT_PORTS = {"http": 80, "https": 443}
