"""Collection ``consents``: what people agreed that applications receive, one document per account and client."""

from datetime import datetime

from pymongo import IndexModel

from idp.domain.consent import Consent
from idp.storage.database import Database, Document, Indexes, translated

INDEXES = Indexes("consents", (IndexModel("account_id"),))


class ConsentStore:
    """Remembers agreements; each one only grows until it is withdrawn."""

    def __init__(self, database: Database) -> None:
        self._consents = database.collection(INDEXES.collection)

    def find(self, account_id: str, client_id: str) -> Consent | None:
        """What this person agreed to with this client so far."""
        with translated():
            found = self._consents.find_one({"_id": _key(account_id, client_id)})
        return None if found is None else _read(found)

    def of_account(self, account_id: str) -> tuple[Consent, ...]:
        """Every agreement of this person, the latest first."""
        with translated():
            return tuple(_read(found) for found in self._consents.find({"account_id": account_id}).sort("given_at", -1))

    def add(self, consent: Consent) -> None:
        """Add what was agreed to now to what was agreed to before."""
        change: Document = {
            "$addToSet": {"scope": {"$each": sorted(consent.scope)}, "claims": {"$each": sorted(consent.claims)}},
            "$set": {
                "account_id": consent.account_id,
                "client_id": consent.client_id,
                "given_at": consent.given_at,
            },
        }
        with translated():
            self._consents.update_one({"_id": _key(consent.account_id, consent.client_id)}, change, upsert=True)

    def withdraw(self, account_id: str, client_id: str) -> bool:
        """Forget the agreement; False where there was none."""
        with translated():
            return self._consents.delete_one({"_id": _key(account_id, client_id)}).deleted_count == 1

    def forget_account(self, account_id: str) -> None:
        """Forget every agreement of this person."""
        with translated():
            self._consents.delete_many({"account_id": account_id})


def _key(account_id: str, client_id: str) -> str:
    # Ids of accounts hold no space, so the key is unambiguous.
    return f"{account_id} {client_id}"


def _read(found: Document) -> Consent:
    given_at: datetime = found["given_at"]
    return Consent(
        account_id=found["account_id"],
        client_id=found["client_id"],
        scope=frozenset(found["scope"]),
        claims=frozenset(found["claims"]),
        given_at=given_at,
    )
