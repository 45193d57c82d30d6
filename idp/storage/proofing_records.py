"""Collection ``proofing_records``: one document for each proof, inserted once and never updated."""

from dataclasses import asdict
from typing import Any

from pymongo import DESCENDING, IndexModel

from idp.domain.proofing_record import ProofingRecord
from idp.storage import merged_belongings
from idp.storage.database import AlreadyExists, Database, Indexes, translated

INDEXES = Indexes(
    "proofing_records",
    (IndexModel([("account_id", DESCENDING), ("completed_at", DESCENDING)]), merged_belongings.INDEX),
)

MOST_FOUND = 1000


class ProofingRecordStore:
    """Keeps what was proven; nothing here changes what a record says, and it goes with its account."""

    def __init__(self, database: Database) -> None:
        self._records = database.collection(INDEXES.collection)

    def add(self, record: ProofingRecord) -> bool:
        """Write the record; False where this proofing has one already, which stands as it is."""
        document = asdict(record)
        document["_id"] = document.pop("id")
        # As pairs: names of attributes may hold dots, which the keys of documents had better not.
        document["attributes"] = [list(pair) for pair in sorted(record.attributes.items())]
        try:
            with translated():
                self._records.insert_one(document)
        except AlreadyExists:
            return False
        return True

    def of_account(self, account_id: str) -> tuple[ProofingRecord, ...]:
        """The proofs of this account, the latest first; of more than anybody makes by hand, the latest."""
        with translated():
            newest = self._records.find({"account_id": account_id}).sort("completed_at", DESCENDING)
            found = list(newest.limit(MOST_FOUND))
        return tuple(_read(document) for document in found)

    def latest(self, account_id: str) -> ProofingRecord | None:
        """The last proof of this account."""
        with translated():
            found = self._records.find_one({"account_id": account_id}, sort=[("completed_at", DESCENDING)])
        return None if found is None else _read(found)

    def merge(self, account_id: str, into: str, merge_id: str) -> None:
        """Have the account that goes on own the records; ``separate`` gives them back."""
        merged_belongings.hand_over(self._records, account_id, into, merge_id)

    def separate(self, merge_id: str, account_id: str) -> None:
        """Give back to this account what came from it by that merge."""
        merged_belongings.give_back(self._records, merge_id, account_id)

    def forget_account(self, account_id: str) -> None:
        """Delete the records of an account that is gone."""
        with translated():
            self._records.delete_many({"account_id": account_id})


def _read(document: dict[str, Any]) -> ProofingRecord:
    fields = {name: value for name, value in document.items() if name not in ("_id", "attributes", "merge_id")}
    return ProofingRecord(id=document["_id"], attributes=dict(document["attributes"]), **fields)
