"""Relying parties that registered themselves (RFC 7591), and the tokens with which they may."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# How the identifiers of registered clients begin. None in the clients file may; only these are looked up in the
# database.
PREFIX = "reg_"


@dataclass(frozen=True, slots=True)
class Registration:
    """One relying party in the database.

    metadata: as registered, with the names of RFC 7591, without secrets. client_secret: verifier as
    ``domain.client_secrets`` writes it, empty where there is none. management_hash: ``domain.keyed.token_hash`` of the
    registration access token (RFC 7592 section 3).
    """

    client_id: str
    metadata: Mapping[str, Any]
    client_secret: str = field(repr=False)
    management_hash: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InitialToken:
    """Lets somebody register ``uses`` relying parties until ``expires_at``; token_hash: of its value."""

    token_hash: str
    uses: int
    expires_at: datetime
