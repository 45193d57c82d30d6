"""What this package needs of a store of grants; ``app`` hands one in."""

from datetime import datetime
from typing import Protocol

from idp.domain.grants import AccessToken, Grant, IssuedToken, RefreshState, Rotation


class Grants(Protocol):
    """Grants, found by the hashes of what was issued. Every method may raise ``ServiceUnavailable``."""

    def add(self, grant: Grant, access: IssuedToken | None = None) -> None:
        """Keep a new grant, whose code was not used yet, with the access token that went out at once, if one did."""

    def by_code(self, code_hash: str) -> Grant | None:
        """The grant of this code, used or not, live or expired; None where it was revoked or never was."""

    def take_code(self, grant: Grant, access: IssuedToken, refresh: IssuedToken | None, *, now: datetime) -> bool:
        """Use the code up and keep the tokens that it buys, in one write; False where somebody was first."""

    def void_code(self, grant: Grant, *, now: datetime) -> None:
        """Nobody exchanges this code any more; what a hybrid flow gave beside it stays."""

    def by_access_token(self, token_hash: str, *, now: datetime) -> AccessToken | None:
        """The live access token with this hash; one that has expired ends here."""

    def refresh_state(self, grant_id: str) -> RefreshState | None:
        """The live refresh token of a grant; None where the grant is gone or never had one."""

    def rotate_refresh(
        self, grant_id: str, old_hash: str, access: IssuedToken, refresh: IssuedToken, *, now: datetime
    ) -> bool:
        """Replace the live refresh token by its successor, in one write; False where somebody was first."""

    def rotate_at_once(
        self,
        grant_id: str,
        client_id: str,
        refresh: Rotation,
        access_hash: str,
        access_until: datetime,
        *,
        now: datetime,
    ) -> Grant | None:
        """The same without reading the grant before, for a use that asks for nothing but what was granted.

        The grant, or None where anything but a plain use of the live token by its client is at hand: an old token, one
        that is bound to a key or ended, a grant for certain resources.
        """

    def add_access(self, grant_id: str, live_hash: str, access: IssuedToken, *, now: datetime) -> bool:
        """Keep one more access token, in one write; False where that refresh token is the live one no longer."""

    def revoke_access(self, token_hash: str, client_id: str) -> None:
        """Kill this one access token, where it is this client's."""

    def revoke(self, grant_id: str) -> None:
        """Kill the family: the code and every token, at once; the client is still told when the sign-in ends."""

    def withdraw(self, grant_id: str) -> None:
        """Undo ``add``, where nobody was told of the code."""
