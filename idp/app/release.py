"""Which release of the package this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Its version, as backups and traces tell it."""
    try:
        return version("uness-idp")
    except PackageNotFoundError:  # run from a folder into which nothing was installed
        return "unknown"
