"""A client of the MongoDB driver, made of a URI that is right in every word: the same for a check and for use."""

import warnings
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError


def mongo_client(uri: str, **options: Any) -> "MongoClient[dict[str, Any]]":
    """A client that connects when it is first used; ValueError says what is wrong, without quoting the URI.

    The driver itself only warns of an option that it cannot read and goes on without it: ``tls=ture`` would send
    passwords and accounts in clear. Nothing is asked of the network, also not by ``mongodb+srv``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return MongoClient(uri, connect=False, **options)
    except (PyMongoError, UserWarning, ValueError) as problem:
        raise ValueError(str(problem)) from problem
    except OSError as problem:
        raise ValueError(problem.strerror or str(problem)) from problem


def check_uri(uri: str) -> None:
    """Raises ValueError as ``mongo_client`` does."""
    mongo_client(uri).close()
